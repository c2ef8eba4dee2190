//! Returns the jobs of processes that died.
//!
//! A process is judged by heartbeats that did not move while this one looked, never by comparing
//! clocks or by how long a job runs: a job that takes a day is safe as long as its process beats.

use std::{
    collections::HashMap,
    time::{Duration, Instant},
};

use chrono::{DateTime, Utc};
use tokio::sync::mpsc;
use uuid::Uuid;

use crate::{
    database::{Dedicated, Servers, failure::is_about_a_row},
    retries::Retries,
    store::{Reaped, Silent, Store},
};

/// A process is dead after this many of its intervals without a heartbeat.
pub(crate) const INTERVALS_TO_DEATH: u32 = 6;

/// What a heartbeat tells the reaper.
#[derive(Debug)]
pub(crate) enum Sighting {
    /// These processes were silent at this moment, by this process's own steady clock.
    Silent(Instant, Vec<Silent>),
    /// The table could not be read for a while.
    Disconnected,
    /// This process was declared dead itself, so what it held may be in nobody's name now.
    DeclaredDead,
}

/// What one process has seen of the heartbeats of others. It has a connection of its own: reading a
/// large table for orphans must not keep a heartbeat waiting.
#[derive(Debug)]
pub(crate) struct Reaper {
    store: Store,
    connection: Dedicated,
    max_crash_count: i32,
    /// Since when, by this process's own steady clock, a heartbeat has stood where it stands.
    unmoved: HashMap<Uuid, (DateTime<Utc>, Instant)>,
    /// When this process asks next whether a look for orphans is due.
    next_look_for_orphans: Instant,
    /// It lost its own row, so there may be some now.
    expects_orphans: bool,
    retries: Retries,
}

/// 10 minutes between two looks for orphans, which are jobs of processes that are in no row, or of one that does
/// not know of them. A look reads the whole table; one process does it for all. Each asks at some moment within the
/// time after which a silent process is dead, and then now and then.
const LOOK_FOR_ORPHANS: Duration = Duration::from_mins(10);

/// 10 s between two looks when a process has lost its row.
const LOOK_FOR_OWN: Duration = Duration::from_secs(10);

impl Reaper {
    pub(crate) fn new(
        store: Store,
        servers: &Servers,
        max_crash_count: i32,
        heartbeat_interval: Duration,
    ) -> Self {
        let connection = Dedicated::for_upkeep(servers);
        let first_look = patience(heartbeat_interval).mul_f64(0.5 + 0.5 * fastrand::f64());
        Self {
            store,
            connection,
            max_crash_count,
            unmoved: HashMap::new(),
            next_look_for_orphans: Instant::now() + first_look,
            expects_orphans: false,
            retries: Retries::default(),
        }
    }

    /// Goes by what the heartbeat sees, until there is none any more.
    pub(crate) async fn run(mut self, mut sightings: mpsc::UnboundedReceiver<Sighting>) {
        while let Some(sighting) = sightings.recv().await {
            match self.run_once(sighting).await {
                Ok(_) => self.retries.reset(),
                Err(error) => {
                    tracing::warn!(error = %crate::database::failure::described(&error), "the jobs of dead processes could not be returned yet; trying again");
                    self.retries.wait().await;
                }
            }
        }
    }

    /// Takes in one sighting, and buries who has been silent for too long.
    pub(crate) async fn run_once(&mut self, sighting: Sighting) -> sqlx::Result<Reaped> {
        let now = Instant::now();
        let dead = match sighting {
            Sighting::Silent(at, silent) => self.judge(at, silent),
            // A database that was away for a minute must not make everybody look dead.
            Sighting::Disconnected => {
                self.unmoved.clear();
                return Ok(Reaped::default());
            }
            Sighting::DeclaredDead => {
                self.next_look_for_orphans = now;
                self.expects_orphans = true;
                Vec::new()
            }
        };
        if !dead.is_empty() {
            return match self.reap(&dead).await {
                Err(error) if is_about_a_row(&error) => self.reap_apart(&dead, &error).await,
                reaped => reaped,
            };
        }
        if now < self.next_look_for_orphans {
            return Ok(Reaped::default());
        }
        self.look_for_orphans(now).await
    }

    async fn look_for_orphans(&mut self, now: Instant) -> sqlx::Result<Reaped> {
        let pause = if self.expects_orphans { LOOK_FOR_OWN } else { LOOK_FOR_ORPHANS };
        let max_crash_count = self.max_crash_count;
        let reaped = self
            .connection
            .ask_outside_transaction(async |connection| {
                self.store.look_for_orphans(connection, pause, max_crash_count).await
            })
            .await?;
        self.expects_orphans &= reaped.is_none();
        let pause = if self.expects_orphans { LOOK_FOR_OWN } else { LOOK_FOR_ORPHANS };
        self.next_look_for_orphans = now + pause.mul_f64(0.5 + fastrand::f64());
        let reaped = reaped.unwrap_or_default();
        tell(reaped);
        Ok(reaped)
    }

    #[tracing::instrument(name = "reaper", skip_all, fields(dead = dead.len()))]
    async fn reap(&mut self, dead: &[Silent]) -> sqlx::Result<Reaped> {
        let reaped = self
            .connection
            .ask_outside_transaction(async |connection| {
                self.store.reap_workers(connection, dead, self.max_crash_count).await
            })
            .await?;
        tell(reaped);
        Ok(reaped)
    }

    /// What the database refuses for all may be the fault of one job: then each process is buried for itself, and
    /// the jobs of one that cannot be are returned one by one. A job that cannot be returned becomes a dead letter,
    /// with the database's words.
    async fn reap_apart(&mut self, dead: &[Silent], error: &sqlx::Error) -> sqlx::Result<Reaped> {
        tracing::warn!(%error, "dead processes could not be buried together; burying each for itself");
        let mut all = Reaped::default();
        for process in dead {
            let reaped = match self.reap(std::slice::from_ref(process)).await {
                Err(error) if is_about_a_row(&error) => self.return_one_by_one(process.id).await?,
                reaped => reaped?,
            };
            all.workers += reaped.workers;
            all.returned += reaped.returned;
            all.dead_lettered += reaped.dead_lettered;
        }
        Ok(all)
    }

    async fn return_one_by_one(&mut self, worker_id: Uuid) -> sqlx::Result<Reaped> {
        let (store, mut all) = (self.store.clone(), Reaped::default());
        let ids = self
            .connection
            .ask(async |connection| store.list_jobs_of_worker(connection, worker_id).await)
            .await?;
        for &id in &ids {
            let others: Vec<Uuid> = ids.iter().copied().filter(|other| *other != id).collect();
            let returned = self
                .connection
                .ask(async |connection| {
                    store.return_unheld_jobs(connection, worker_id, &others).await
                })
                .await;
            match returned {
                Ok(reaped) => all.returned += reaped.returned,
                Err(error) if is_about_a_row(&error) => {
                    let reason = format!("it could not be returned from a dead process: {error}");
                    let aside = async |connection: &mut sqlx::PgConnection| {
                        store.set_aside_job(connection, id, Some(worker_id), &reason).await
                    };
                    all.dead_lettered += i64::from(self.connection.ask(aside).await?);
                    tracing::error!(%error, job_id = %id, "a job that cannot be returned was moved to the dead letters; mend it and redrive it");
                }
                Err(error) => return Err(error),
            }
        }
        Ok(all)
    }

    /// Who has been silent for so long, under this process's eyes, that it is dead.
    fn judge(&mut self, now: Instant, silent: Vec<Silent>) -> Vec<Silent> {
        let before = std::mem::take(&mut self.unmoved);
        let mut dead = Vec::new();
        for process in silent {
            let since = match before.get(&process.id) {
                Some(&(heartbeat_at, since)) if heartbeat_at == process.heartbeat_at => since,
                _ => now,
            };
            self.unmoved.insert(process.id, (process.heartbeat_at, since));
            if now.duration_since(since) >= patience(process.heartbeat_interval) {
                dead.push(process);
            }
        }
        dead
    }
}

fn tell(reaped: Reaped) {
    if reaped != Reaped::default() {
        tracing::warn!(
            workers = reaped.workers,
            returned = reaped.returned,
            dead_lettered = reaped.dead_lettered,
            "returned the jobs of processes that died"
        );
    }
}

/// How long a process that promised to beat at this interval may be silent.
pub(crate) fn patience(heartbeat_interval: Duration) -> Duration {
    heartbeat_interval.saturating_mul(INTERVALS_TO_DEATH)
}

#[cfg(test)]
mod tests {
    use sqlx::{PgPool, postgres::PgConnectOptions};

    use super::*;

    const INTERVAL: Duration = Duration::from_secs(5);

    fn reaper() -> Reaper {
        let servers = Servers::of(PgPool::connect_lazy_with(PgConnectOptions::new()));
        let store = Store::new(crate::database::Schema::default(), servers.pooled());
        Reaper::new(store, &servers, 5, INTERVAL)
    }

    fn silent(beat: i64) -> Silent {
        Silent {
            id: Uuid::nil(),
            heartbeat_at: DateTime::from_timestamp(beat, 0).unwrap(),
            heartbeat_interval: INTERVAL,
        }
    }

    #[tokio::test]
    async fn the_whole_table_is_not_read_when_many_processes_start_but_soon_after() {
        let (first, second) = (reaper(), reaper());
        let start = Instant::now();
        for reaper in [&first, &second] {
            assert!(reaper.next_look_for_orphans > start + INTERVAL * 2);
            assert!(reaper.next_look_for_orphans <= start + patience(INTERVAL));
        }
        assert_ne!(first.next_look_for_orphans, second.next_look_for_orphans);
    }

    #[tokio::test]
    async fn a_heartbeat_that_did_not_move_for_six_intervals_is_dead() {
        let (mut reaper, start) = (reaper(), Instant::now());
        assert_eq!(reaper.judge(start, vec![silent(1)]), vec![]);
        assert_eq!(reaper.judge(start + INTERVAL * 5, vec![silent(1)]), vec![]);
        assert_eq!(reaper.judge(start + INTERVAL * 6, vec![silent(1)]), vec![silent(1)]);
    }

    #[tokio::test]
    async fn a_heartbeat_that_moved_is_alive_however_old_it_looks() {
        let (mut reaper, start) = (reaper(), Instant::now());
        for (intervals, beat) in [(0, 1), (5, 2), (10, 3), (15, 4)] {
            assert_eq!(reaper.judge(start + INTERVAL * intervals, vec![silent(beat)]), vec![]);
        }
    }

    #[tokio::test]
    async fn silence_that_nobody_watched_without_a_break_does_not_count() {
        let (mut reaper, start) = (reaper(), Instant::now());
        reaper.judge(start, vec![silent(1)]);
        reaper.unmoved.clear();
        assert_eq!(reaper.judge(start + INTERVAL * 6, vec![silent(1)]), vec![]);
        // A process that was heard of in between is no longer in the list.
        reaper.judge(start + INTERVAL * 8, vec![]);
        assert_eq!(reaper.judge(start + INTERVAL * 12, vec![silent(1)]), vec![]);
    }
}
