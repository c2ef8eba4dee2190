//! Health of a queue and of its workers in this process.

use std::{fmt, time::Duration};

use super::SimpleQueue;
use crate::{Error, database::failure::described};

/// Health of a queue and its workers in this process; returned by [`SimpleQueue::health`].
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Health {
    /// Whether the process can recover. If not, restart it; a liveness probe asks
    /// [`SimpleQueue::is_alive`].
    pub is_alive: bool,
    /// Whether the process does all its work now: it can enqueue and, if a worker was started, run
    /// jobs.
    pub is_ready: bool,
    /// The reasons why not; empty if the process is ready.
    pub reasons: Vec<Unhealthy>,
}

/// Why a queue is not ready.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Unhealthy {
    /// Handlers are registered, but no worker was started.
    #[non_exhaustive]
    NotStarted {
        /// The queues of these handlers.
        queues: Vec<String>,
    },
    /// The worker is still registering itself in the database and has fetched nothing yet.
    #[non_exhaustive]
    Starting {
        /// Time since the start.
        elapsed: Duration,
        /// The last error of the database, if there was one.
        problem: Option<String>,
    },
    /// The worker is shutting down and fetches no more jobs.
    Stopping,
    /// The worker has stopped after a shutdown.
    Stopped,
    /// The worker ended by itself, which is a bug of the library.
    #[non_exhaustive]
    WorkerEnded {
        /// The reason, as [`WorkerHandle::stopped`](crate::WorkerHandle::stopped) reports it.
        problem: String,
    },
    /// No heartbeat reached the database for a while. After six intervals the process counts as
    /// dead.
    #[non_exhaustive]
    HeartbeatSilent {
        /// Time since the last heartbeat.
        silent_for: Duration,
        /// The last error of the database, if there was one.
        problem: Option<String>,
    },
    /// The database refuses what a heartbeat asks, perhaps because of the row of another process. The process still
    /// counts as alive, but learns of no cancellation and of no dead process.
    #[non_exhaustive]
    HeartbeatRefused {
        /// Time since the first refusal.
        refused_for: Duration,
        /// The last error of the database.
        problem: String,
    },
    /// Fetches fail.
    #[non_exhaustive]
    FetchFailing {
        /// Time since the last fetch that succeeded.
        failing_for: Duration,
        /// The last error of the database.
        problem: String,
    },
    /// Too many outcomes are unwritten, so no job is started.
    #[non_exhaustive]
    EndsUnwritten {
        /// Number of runs whose outcome is unwritten.
        runs: usize,
    },
    /// The tables are missing, or older than this release.
    #[non_exhaustive]
    NotMigrated {
        /// What is missing.
        problem: String,
    },
    /// The database does not answer.
    #[non_exhaustive]
    Unreachable {
        /// The reason.
        problem: String,
    },
}

impl Health {
    fn of(reasons: Vec<Unhealthy>) -> Self {
        let is_alive = !reasons.iter().any(|it| matches!(it, Unhealthy::WorkerEnded { .. }));
        Self { is_alive, is_ready: reasons.is_empty(), reasons }
    }
}

/// Writes one line: `ready`, or the reasons.
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
            Self::HeartbeatRefused { refused_for, problem } => {
                write!(f, "the database has refused heartbeats for {}", whole(*refused_for))?;
                said(f, Some(problem))
            }
            Self::FetchFailing { failing_for, problem } => {
                write!(f, "no jobs could be fetched for {}", whole(*failing_for))?;
                said(f, Some(problem))
            }
            Self::EndsUnwritten { runs } => {
                write!(f, "no job is started, because the outcomes of {runs} runs are unwritten")
            }
            Self::NotMigrated { problem } => write!(
                f,
                "the tables are missing or older than this release: {problem}; run `SimpleQueue::migrate`"
            ),
            Self::Unreachable { problem } => {
                write!(f, "the database does not answer: {problem}")
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

/// 2 s, the longest wait for an answer of the database. A probe's own timeout is typically a second
/// or a few.
const PATIENCE: Duration = Duration::from_secs(2);

/// # Health
impl SimpleQueue {
    /// Returns the health of the queue and its workers in this process, for a health endpoint.
    ///
    /// With a worker this sends no statement: the worker knows the results of its own statements.
    /// Without one it sends a statement and waits at most two seconds for the answer. A queue with
    /// registered handlers is not ready before a worker is started.
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
            return Health::of(self.own_workers().problems());
        }
        let mut reasons = Vec::new();
        let queues = self.queue_names();
        if !queues.is_empty() {
            reasons.push(Unhealthy::NotStarted { queues });
        }
        reasons.extend(self.look_at_database().await);
        Health::of(reasons)
    }

    /// Returns whether the process can recover by itself, for a liveness probe; if not, restart it.
    ///
    /// It sends no statement and answers at once, also while the database hangs: a new process would
    /// have no other database. It is [`Health::is_alive`].
    pub fn is_alive(&self) -> bool {
        !self.has_started() || Health::of(self.own_workers().problems()).is_alive
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
                let problem =
                    format!("the schema `{schema}` lacks tables or columns of this release");
                Some(Unhealthy::NotMigrated { problem })
            }
            Err(error) => Some(match Error::database("check the tables")(error) {
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
