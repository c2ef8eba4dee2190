//! What can be told of a queue and its workers without working: whether they are well.

use std::{
    fmt,
    sync::{
        Arc, Weak,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use parking_lot::{Mutex, MutexGuard};

use super::SimpleQueue;
use crate::{Error, database::failure::described};

/// How a queue and its workers in this process are; what [`SimpleQueue::health`] answers.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Health {
    /// Whether the process can go on. If not, only a new one helps: let what supervises it start one.
    pub is_alive: bool,
    /// Whether it does now all that it is to do: enqueue and, if a worker was started, work.
    pub is_ready: bool,
    /// Why not; empty if it is ready.
    pub reasons: Vec<Unhealthy>,
}

/// Why a queue is not ready.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Unhealthy {
    /// Handlers are registered, and no worker was started for them.
    #[non_exhaustive]
    NotStarted {
        /// The queues that they would serve.
        queues: Vec<String>,
    },
    /// The worker has not looked for jobs yet: it is to be registered in the database first.
    #[non_exhaustive]
    Starting {
        /// For how long it has tried.
        elapsed: Duration,
        /// What the database said the last time, if it refused.
        problem: Option<String>,
    },
    /// The worker fetches no more jobs, because it was told to stop.
    Stopping,
    /// The worker has stopped, because it was told to.
    Stopped,
    /// The worker ended by itself, which is a fault of the library's.
    #[non_exhaustive]
    WorkerEnded {
        /// How, as [`WorkerHandle::stopped`](crate::WorkerHandle::stopped) says it.
        problem: String,
    },
    /// No heartbeat reached the database for a while; after six intervals the process is taken for dead.
    #[non_exhaustive]
    HeartbeatSilent {
        /// For how long.
        silent_for: Duration,
        /// What the database said the last time, if it refused.
        problem: Option<String>,
    },
    /// No jobs can be fetched.
    #[non_exhaustive]
    FetchFailing {
        /// For how long.
        failing_for: Duration,
        /// What the database said the last time.
        problem: String,
    },
    /// So many ends of runs wait to be written that no job is started.
    #[non_exhaustive]
    EndsUnwritten {
        /// How many.
        runs: usize,
    },
    /// The tables are missing, or older than this release.
    #[non_exhaustive]
    NotMigrated {
        /// What is missing.
        problem: String,
    },
    /// The database could not be asked.
    #[non_exhaustive]
    Unreachable {
        /// Why.
        problem: String,
    },
}

impl Health {
    fn of(reasons: Vec<Unhealthy>) -> Self {
        let is_alive = !reasons.iter().any(|it| matches!(it, Unhealthy::WorkerEnded { .. }));
        Self { is_alive, is_ready: reasons.is_empty(), reasons }
    }
}

/// One line: `ready`, or the reasons.
impl fmt::Display for Health {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.is_ready {
            return f.write_str("ready");
        }
        f.write_str(if self.is_alive { "not ready: " } else { "not alive: " })?;
        for (position, reason) in self.reasons.iter().enumerate() {
            f.write_str(if position == 0 { "" } else { "; " })?;
            reason.fmt(f)?;
        }
        Ok(())
    }
}

impl fmt::Display for Unhealthy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NotStarted { queues } => write!(
                f,
                "handlers of {queues:?} are registered and no worker was started: call `SimpleQueue::start` or `run_until`"
            ),
            Self::Starting { elapsed, problem } => {
                write!(
                    f,
                    "the worker is not registered in the database after {}",
                    whole(*elapsed)
                )?;
                said(f, problem.as_deref())
            }
            Self::Stopping => f.write_str("the worker is stopping"),
            Self::Stopped => f.write_str("the worker has stopped"),
            Self::WorkerEnded { problem } => f.write_str(problem),
            Self::HeartbeatSilent { silent_for, problem } => {
                write!(f, "no heartbeat reached the database for {}", whole(*silent_for))?;
                said(f, problem.as_deref())
            }
            Self::FetchFailing { failing_for, problem } => {
                write!(f, "no jobs could be fetched for {}", whole(*failing_for))?;
                said(f, Some(problem))
            }
            Self::EndsUnwritten { runs } => {
                write!(f, "no job is started, because the ends of {runs} runs wait to be written")
            }
            Self::NotMigrated { problem } => write!(
                f,
                "the tables are missing or older than this release: {problem}; run `SimpleQueue::migrate`"
            ),
            Self::Unreachable { problem } => {
                write!(f, "the database cannot be asked: {problem}")
            }
        }
    }
}

fn said(f: &mut fmt::Formatter<'_>, problem: Option<&str>) -> fmt::Result {
    problem.map_or(Ok(()), |problem| write!(f, ": {problem}"))
}

fn whole(duration: Duration) -> String {
    format!("{} s", duration.as_secs())
}

/// The longest time that an answer of the database is waited for; a probe waits a second or a few.
const PATIENCE: Duration = Duration::from_secs(2);

/// # Health
impl SimpleQueue {
    /// Says whether the queue and its workers in this process are well, for a health endpoint.
    ///
    /// With a worker it asks nothing of the database: what the worker's own statements met is known. Without one it
    /// sends a statement, and waits at most two seconds for the answer. A queue whose handlers are registered is not
    /// ready before a worker was started.
    ///
    /// ```
    /// # use simple_queue::prelude::*;
    /// /// A status of HTTP and a text, for a readiness probe.
    /// async fn ready(queue: &SimpleQueue) -> (u16, String) {
    ///     let health = queue.health().await;
    ///     (if health.is_ready { 200 } else { 503 }, health.to_string())
    /// }
    /// ```
    ///
    /// # Cancel safety
    /// Cancel safe: it only looks.
    pub async fn health(&self) -> Health {
        if self.has_started() {
            return Health::of(self.workers().problems());
        }
        let mut reasons = Vec::new();
        let queues = self.queue_names();
        if !queues.is_empty() {
            reasons.push(Unhealthy::NotStarted { queues });
        }
        reasons.extend(self.look_at_database().await);
        Health::of(reasons)
    }

    async fn look_at_database(&self) -> Option<Unhealthy> {
        let look = self.ask(async |connection| self.store().read_readiness(connection).await);
        let Ok(looked) = tokio::time::timeout(PATIENCE, look).await else {
            let problem = format!("no answer within {PATIENCE:?}");
            return Some(Unhealthy::Unreachable { problem });
        };
        match looked {
            Ok(true) => None,
            Ok(false) => {
                let schema = self.store().schema().name();
                let problem = format!("the schema `{schema}` lacks some of this release");
                Some(Unhealthy::NotMigrated { problem })
            }
            Err(error) => Some(match Error::database("look at the tables")(error) {
                Error::NotMigrated { error, .. } => {
                    Unhealthy::NotMigrated { problem: described(&error).to_string() }
                }
                Error::Database { error, .. } => {
                    Unhealthy::Unreachable { problem: described(&error).to_string() }
                }
                other => Unhealthy::Unreachable { problem: other.to_string() },
            }),
        }
    }
}

/// A worker, which knows how it is without asking the database.
pub(crate) trait Reports: Send + Sync {
    /// Why it is not ready.
    fn problems(&self) -> Vec<Unhealthy>;
}

/// The workers that this process has started on a queue.
#[derive(Default)]
pub(crate) struct Workers {
    has_started: AtomicBool,
    workers: Mutex<Vec<Weak<dyn Reports>>>,
}

impl Workers {
    pub(crate) fn has_started(&self) -> bool {
        self.has_started.load(Ordering::Acquire)
    }

    pub(crate) fn note_start(&self) {
        self.has_started.store(true, Ordering::Release);
    }

    pub(crate) fn add<R: Reports + 'static>(&self, worker: &Arc<R>) {
        let worker: Weak<R> = Arc::downgrade(worker);
        let mut workers = self.workers();
        workers.retain(|worker| worker.strong_count() > 0);
        workers.push(worker);
    }

    fn problems(&self) -> Vec<Unhealthy> {
        let workers: Vec<_> = self.workers().iter().filter_map(Weak::upgrade).collect();
        if workers.is_empty() {
            return vec![Unhealthy::Stopped];
        }
        workers.iter().flat_map(|worker| worker.problems()).collect()
    }

    fn workers(&self) -> MutexGuard<'_, Vec<Weak<dyn Reports>>> {
        self.workers.lock()
    }
}
