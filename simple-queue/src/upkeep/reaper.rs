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
    jitter,
    store::{Name, Reaped, Silent, Store},
    upkeep::{
        orphans::return_apart,
        role::{Next, Role},
    },
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
    unchanged: HashMap<Uuid, (DateTime<Utc>, Instant)>,
    /// When this process asks next whether a look for orphans is due.
    next_look_for_orphans: Instant,
    /// It lost its own row, so there may be some now.
    expects_orphans: bool,
    /// What the heartbeat sees.
    sightings: mpsc::UnboundedReceiver<Sighting>,
}

/// 10 minutes between two looks for orphans, which are jobs of processes that are in no row, or of one that does
/// not know of them. A look reads the whole table; one process does it for all. Each asks at some moment within the
/// time after which a silent process is dead, and then now and then.
const LOOK_FOR_ORPHANS: Duration = Duration::from_mins(10);

/// 10 s between two looks when a process has lost its row.
const LOOK_FOR_OWN: Duration = Duration::from_secs(10);

/// A reaping is one transaction; cut off, it did not happen.
impl Role for Reaper {
    const NAME: &'static str = "reaper";

    /// Goes by what the heartbeat sees, until there is none any more.
    async fn run_once(&mut self) -> sqlx::Result<Next> {
        let Some(sighting) = self.sightings.recv().await else { return Ok(Next::Never) };
        self.observe(sighting).await?;
        Ok(Next::AtOnce)
    }

    fn failed(error: &sqlx::Error) {
        tracing::warn!(error = %crate::database::failure::described(error), "the jobs of dead processes could not be returned yet; trying again");
    }
}

impl Reaper {
    pub(crate) fn new(
        store: Store,
        servers: &Servers,
        max_crash_count: i32,
        heartbeat_interval: Duration,
        sightings: mpsc::UnboundedReceiver<Sighting>,
    ) -> Self {
        let connection = Dedicated::for_upkeep(servers);
        let first_look = jitter::up_to(patience(heartbeat_interval), 0.5);
        Self {
            store,
            connection,
            max_crash_count,
            unchanged: HashMap::new(),
            next_look_for_orphans: Instant::now() + first_look,
            expects_orphans: false,
            sightings,
        }
    }

    /// Takes in one sighting, and buries who has been silent for too long.
    async fn observe(&mut self, sighting: Sighting) -> sqlx::Result<Reaped> {
        let now = Instant::now();
        let dead = match sighting {
            Sighting::Silent(at, silent) => self.overdue(at, silent),
            // A database that was away for a minute must not make everybody look dead.
            Sighting::Disconnected => {
                self.unchanged.clear();
                return Ok(Reaped::default());
            }
            Sighting::DeclaredDead => {
                self.next_look_for_orphans = now;
                self.expects_orphans = true;
                Vec::new()
            }
        };
        if !dead.is_empty() {
            return match self.reap(&dead, true).await {
                Err(error) if is_about_a_row(&error) => self.reap_apart(&dead, &error).await,
                reaped => reaped,
            };
        }
        if now < self.next_look_for_orphans {
            return Ok(Reaped::default());
        }
        match self.look_for_orphans(now).await {
            Err(error) if is_about_a_row(&error) => {
                let mut all = self.return_apart(Name::Ghosts, &error).await?;
                all += self.look_for_orphans(now).await?;
                Ok(all)
            }
            reaped => reaped,
        }
    }

    async fn look_for_orphans(&mut self, now: Instant) -> sqlx::Result<Reaped> {
        let pause = if self.expects_orphans { LOOK_FOR_OWN } else { LOOK_FOR_ORPHANS };
        let max_crash_count = self.max_crash_count;
        let reaped = self
            .connection
            .ask_in_transaction(async |connection| {
                self.store.look_for_orphans(connection, pause, max_crash_count).await
            })
            .await?;
        self.expects_orphans &= reaped.is_none();
        let pause = if self.expects_orphans { LOOK_FOR_OWN } else { LOOK_FOR_ORPHANS };
        self.next_look_for_orphans = now + jitter::around(pause, 0.5);
        let reaped = reaped.unwrap_or_default();
        tell(reaped);
        Ok(reaped)
    }

    #[tracing::instrument(name = "reaper", skip_all, fields(dead = dead.len()))]
    async fn reap(&mut self, dead: &[Silent], ghosts: bool) -> sqlx::Result<Reaped> {
        let reaped = self
            .connection
            .ask_in_transaction(async |connection| {
                self.store.reap_workers(connection, dead, ghosts, self.max_crash_count).await
            })
            .await?;
        tell(reaped);
        Ok(reaped)
    }

    /// What the database refuses for all may be the fault of one job: then each process is buried for itself, and
    /// the jobs of one that cannot be are returned apart. So are those of processes that are in no row.
    async fn reap_apart(&mut self, dead: &[Silent], error: &sqlx::Error) -> sqlx::Result<Reaped> {
        tracing::warn!(error = %crate::database::failure::described(error), "dead processes could not be buried together; burying each for itself");
        let mut all = Reaped::default();
        let each = dead.iter().map(|process| (std::slice::from_ref(process), Name::Dead(process)));
        for (process, name) in each.chain([(&[][..], Name::Ghosts)]) {
            let ghosts = process.is_empty();
            match self.reap(process, ghosts).await {
                Err(error) if is_about_a_row(&error) => {
                    all += self.return_apart(name, &error).await?;
                    all += self.reap(process, ghosts).await?;
                }
                reaped => all += reaped?,
            }
        }
        Ok(all)
    }

    async fn return_apart(&mut self, name: Name<'_>, error: &sqlx::Error) -> sqlx::Result<Reaped> {
        let reaped =
            return_apart(&mut self.connection, &self.store, name, self.max_crash_count, error)
                .await?;
        tell(reaped);
        Ok(reaped)
    }

    /// Who has been silent for so long, under this process's eyes, that it is dead.
    fn overdue(&mut self, now: Instant, silent: Vec<Silent>) -> Vec<Silent> {
        let before = std::mem::take(&mut self.unchanged);
        let mut dead = Vec::new();
        for process in silent {
            let since = match before.get(&process.id) {
                Some(&(heartbeat_at, since)) if heartbeat_at == process.heartbeat_at => since,
                _ => now,
            };
            self.unchanged.insert(process.id, (process.heartbeat_at, since));
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
        Reaper::new(store, &servers, 5, INTERVAL, mpsc::unbounded_channel().1)
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
        assert_eq!(reaper.overdue(start, vec![silent(1)]), vec![]);
        assert_eq!(reaper.overdue(start + INTERVAL * 5, vec![silent(1)]), vec![]);
        assert_eq!(reaper.overdue(start + INTERVAL * 6, vec![silent(1)]), vec![silent(1)]);
    }

    #[tokio::test]
    async fn a_heartbeat_that_moved_is_alive_however_old_it_looks() {
        let (mut reaper, start) = (reaper(), Instant::now());
        for (intervals, beat) in [(0, 1), (5, 2), (10, 3), (15, 4)] {
            assert_eq!(reaper.overdue(start + INTERVAL * intervals, vec![silent(beat)]), vec![]);
        }
    }

    #[tokio::test]
    async fn silence_that_nobody_watched_without_a_break_does_not_count() {
        let (mut reaper, start) = (reaper(), Instant::now());
        reaper.overdue(start, vec![silent(1)]);
        reaper.unchanged.clear();
        assert_eq!(reaper.overdue(start + INTERVAL * 6, vec![silent(1)]), vec![]);
        // A process that was heard of in between is no longer in the list.
        reaper.overdue(start + INTERVAL * 8, vec![]);
        assert_eq!(reaper.overdue(start + INTERVAL * 12, vec![silent(1)]), vec![]);
    }
}
