//! Returns the jobs of processes that died.
//!
//! A process is dead when its heartbeat has not moved while this process watched it. Clocks are never compared, and the
//! duration of a job does not matter: a job that takes a day is safe as long as its process beats.

use std::time::{Duration, Instant};

use tokio::sync::mpsc;

use crate::{
    database::{
        Dedicated, Servers,
        failure::{described, is_about_a_row},
    },
    jitter,
    store::{Name, Reaped, Silence, Silent, Store, Stuck},
    telemetry,
    upkeep::{
        orphans::return_apart,
        role::{Next, Role},
        silence::{Look, Watch, patience},
    },
};

/// What the heartbeat reports to the reaper.
#[derive(Debug)]
pub(crate) enum Sighting {
    /// Some processes were silent.
    Silent(Look, Silence),
    /// This process lives, and could not ask about others.
    NotAsked,
    /// The table could not be read for a while.
    Disconnected,
    /// This process was declared dead itself, so jobs that it held may belong to no process now.
    DeclaredDead,
}

/// The role that returns the jobs of dead processes, with what it has seen of their heartbeats. It has a connection of
/// its own, because a scan of a large table for orphans must not delay a heartbeat.
#[derive(Debug)]
pub(crate) struct Reaper {
    store: Store,
    connection: Dedicated,
    max_crash_count: i32,
    watch: Watch,
    /// When this process next asks whether a search for orphans is due.
    next_look_for_orphans: Instant,
    /// This process lost its row, so there may be orphans.
    expects_orphans: bool,
    /// Jobs that can be neither returned nor moved, and the dead processes that are kept for them.
    stuck: Stuck,
    /// What the heartbeat sees.
    sightings: mpsc::UnboundedReceiver<Sighting>,
}

/// 10 minutes between two searches for orphans. Orphans are jobs of processes that have no row, or of a process that
/// does not know of them. A search reads the whole table, so one process makes it for all. Each process asks first at a
/// random moment within the time after which a silent process is dead, and from then on once in a while.
const LOOK_FOR_ORPHANS: Duration = Duration::from_mins(10);

/// 10 s between two searches after a process has lost its row.
const LOOK_FOR_OWN: Duration = Duration::from_secs(10);

/// One reaping is one transaction: if it is cut off, it did not happen.
impl Role for Reaper {
    const NAME: &'static str = "reaper";

    /// Waits for the next sighting. Ends when the heartbeat, which sends them, is gone.
    async fn run_once(&mut self) -> sqlx::Result<Next> {
        let Some(sighting) = self.sightings.recv().await else { return Ok(Next::Never) };
        self.observe(sighting).await?;
        Ok(Next::AtOnce)
    }

    fn failed(error: &sqlx::Error) {
        telemetry::upkeep::reaper_failed(&described(error));
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
            watch: Watch::default(),
            next_look_for_orphans: Instant::now() + first_look,
            expects_orphans: false,
            stuck: Stuck::default(),
            sightings,
        }
    }

    /// Handles one sighting, and returns the jobs of processes that were silent for too long.
    async fn observe(&mut self, sighting: Sighting) -> sqlx::Result<Reaped> {
        let now = Instant::now();
        let mut dead = match sighting {
            Sighting::Silent(look, silence) => self.watch.overdue(look, silence),
            // This says neither that a process is silent nor that it beats.
            Sighting::NotAsked => Vec::new(),
            // After an outage of the database every process looks silent, so counting starts again.
            Sighting::Disconnected => {
                self.watch.interrupt();
                return Ok(Reaped::default());
            }
            Sighting::DeclaredDead => {
                self.next_look_for_orphans = now;
                self.expects_orphans = true;
                Vec::new()
            }
        };
        dead.retain(|process| !self.stuck.ids().contains(&process.id));
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
        let (stuck, max_crash_count) = (self.stuck.ids(), self.max_crash_count);
        let reaped = self
            .connection
            .ask_in_transaction(async |connection| {
                self.store.look_for_orphans(connection, pause, stuck, max_crash_count).await
            })
            .await?;
        self.expects_orphans &= reaped.is_none();
        let pause = if self.expects_orphans { LOOK_FOR_OWN } else { LOOK_FOR_ORPHANS };
        self.next_look_for_orphans = now + jitter::around(pause, 0.5);
        let reaped = reaped.unwrap_or_default();
        log_reaped(reaped);
        Ok(reaped)
    }

    async fn reap(&mut self, dead: &[Silent], ghosts: bool) -> sqlx::Result<Reaped> {
        telemetry::upkeep::reaper_span(dead.len(), async {
            let (stuck, max_crash_count) = (self.stuck.ids(), self.max_crash_count);
            let reaped = self
                .connection
                .ask_in_transaction(async |connection| {
                    self.store.reap_workers(connection, dead, ghosts, stuck, max_crash_count).await
                })
                .await?;
            log_reaped(reaped);
            Ok(reaped)
        })
        .await
    }

    /// One bad job may be the reason for which the database refused all. So each process is handled alone, and jobs of
    /// a process that is still refused are returned in parts. The same holds for jobs of processes that have no row.
    async fn reap_apart(&mut self, dead: &[Silent], error: &sqlx::Error) -> sqlx::Result<Reaped> {
        telemetry::upkeep::reaping_refused(&described(error));
        let mut all = Reaped::default();
        let each = dead.iter().map(|process| (std::slice::from_ref(process), Name::Dead(process)));
        for (process, name) in each.chain([(&[][..], Name::Ghosts)]) {
            let ghosts = process.is_empty();
            match self.reap(process, ghosts).await {
                Err(error) if is_about_a_row(&error) => {
                    let before = self.stuck.ids().len();
                    all += self.return_apart(name, &error).await?;
                    if self.stuck.ids().len() > before {
                        for kept in process {
                            self.stuck.add(kept.id);
                        }
                    }
                    all += self.reap(process, ghosts).await?;
                }
                reaped => all += reaped?,
            }
        }
        Ok(all)
    }

    async fn return_apart(&mut self, name: Name<'_>, error: &sqlx::Error) -> sqlx::Result<Reaped> {
        let Self { connection, store, max_crash_count, stuck, .. } = self;
        let reaped = return_apart(connection, store, name, *max_crash_count, error, stuck).await?;
        log_reaped(reaped);
        Ok(reaped)
    }
}

fn log_reaped(reaped: Reaped) {
    if reaped != Reaped::default() {
        telemetry::upkeep::reaped(reaped.workers, reaped.returned, reaped.dead_lettered);
    }
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
}
