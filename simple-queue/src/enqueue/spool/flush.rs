//! Writes spooled jobs to the database when it is back.

use std::{
    fmt, io,
    sync::{
        Arc, Weak,
        atomic::{AtomicBool, Ordering},
    },
    time::{Duration, Instant},
};

use tokio::{runtime::Handle, sync::Notify, time::timeout};

use super::Spooler;
use crate::{
    Error, SpoolError,
    database::failure::{
        FailedStatement as _, described, is_about_these_rows, is_statement_timeout, is_transient,
        is_unreachable,
    },
    enqueue::{failure::Failure, write::insert_again},
    jitter,
    retry_pause::Pauses,
    row::NewJob,
    telemetry,
    upkeep::role::{Next, Role, repeat},
};

/// 1 min between two looks for files of processes that have died.
const LOOKS: Duration = Duration::from_mins(1);

/// 30 s between two tries while the database is there and does not take the jobs.
const AFTER_REFUSAL: Duration = Duration::from_secs(30);

/// Why jobs stay in the files.
#[derive(Debug)]
enum FlushError {
    Database(Failure),
    Files(io::Error),
}

impl FlushError {
    /// The error of the database, if it is one.
    fn of_database(&self) -> Option<&sqlx::Error> {
        match self {
            Self::Database(failure) => failure.failed_statement(),
            Self::Files(_) => None,
        }
    }
}

impl fmt::Display for FlushError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Database(Failure::KeyHeld { unique_key, .. }) => {
                write!(f, "an open transaction holds the key `{unique_key}`")
            }
            Self::Database(failure) => match failure.failed_statement() {
                Some(error) => write!(f, "{}", described(error)),
                None => write!(f, "{failure:?}"),
            },
            Self::Files(error) => write!(f, "{error}"),
        }
    }
}

impl From<io::Error> for FlushError {
    fn from(error: io::Error) -> Self {
        Self::Files(error)
    }
}

impl From<FlushError> for Error {
    fn from(error: FlushError) -> Self {
        match error {
            FlushError::Database(failure) => failure.into(),
            FlushError::Files(error) => Self::Spool(SpoolError::Files { error }),
        }
    }
}

impl Spooler {
    /// Takes over the files of processes that have died, and writes all jobs of all files to the
    /// database. Returns how many there were.
    ///
    /// # Errors
    /// Jobs that are not written stay in the files.
    pub(crate) async fn flush_now(&self) -> Result<u64, Error> {
        Ok(self.flush().await?)
    }

    async fn flush(&self) -> Result<u64, FlushError> {
        let _reading = self.reading.lock().await;
        let (began, mut jobs) = (Instant::now(), 0);
        let flushed = self.flush_batches(&mut jobs).await;
        if jobs > 0 {
            telemetry::spool::flushed(jobs, began.elapsed());
        }
        match &flushed {
            Ok(()) => *self.last_error.lock() = None,
            Err(error) => {
                // A database that answers is there, whatever it says. And files that cannot be read are no place for
                // more jobs.
                if !error.of_database().is_some_and(is_unreachable) {
                    self.is_away.store(false, Ordering::Release);
                }
                self.note(error);
            }
        }
        flushed.map(|()| jobs)
    }

    async fn flush_batches(&self, jobs: &mut u64) -> Result<(), FlushError> {
        self.log.take_over().await?;
        while let Some(batch) = self.log.next_batch().await? {
            let unreadable = batch.refused.len();
            let refused = self.insert(&batch.jobs).await.map_err(FlushError::Database)?;
            self.is_away.store(false, Ordering::Release);
            let aside = (unreadable + refused.len()) as u64;
            self.refused.fetch_add(aside, Ordering::Relaxed);
            *jobs += batch.jobs.len() as u64 - refused.len() as u64;
            self.log.stored(batch, refused).await?;
        }
        Ok(())
    }

    /// Inserts jobs; returns those that the database refuses, with the reasons.
    ///
    /// If one of many is refused, or many take too long, they are inserted in halves.
    async fn insert(&self, jobs: &[NewJob]) -> Result<Vec<(NewJob, String)>, Failure> {
        let (mut refused, mut parts) = (Vec::new(), vec![jobs]);
        while let Some(part) = parts.pop().filter(|part| !part.is_empty()) {
            let inserted = insert_again(&self.destination, self.coalescer.calls(), part).await;
            let Err(failure) = inserted else { continue };
            let error = failure.failed_statement();
            let is_refused = match &failure {
                Failure::Duplicate { .. } | Failure::IdUsed { .. } => true,
                _ => error.is_some_and(is_about_these_rows),
            };
            // If the server does not answer, the halves would only wait for longer.
            let is_late = error.is_some_and(|it| is_statement_timeout(it) && !is_unreachable(it));
            match part {
                [job] if is_refused => {
                    refused.push((job.clone(), Error::from(failure).to_string()));
                }
                [_, _, ..] if is_refused || is_late => {
                    let (first, second) = part.split_at(part.len() / 2);
                    parts.extend([second, first]);
                }
                _ => return Err(failure),
            }
        }
        Ok(refused)
    }

    /// Starts the flusher, unless it runs. Without a runtime it is started by the next enqueue.
    pub(crate) fn flush_in_background(self: &Arc<Self>) {
        let Ok(runtime) = Handle::try_current() else { return };
        if !self.has_flusher.swap(true, Ordering::AcqRel) {
            let flusher = Flusher {
                spooler: Arc::downgrade(self),
                wanted: Arc::clone(&self.wanted),
                _mark: Mark(Arc::clone(&self.has_flusher)),
            };
            runtime.spawn(repeat(flusher, self.ended.clone()));
        }
    }
}

/// The task that flushes, for as long as there is the queue and the runtime.
struct Flusher {
    /// Weak, so that a queue that is dropped ends it.
    spooler: Weak<Spooler>,
    wanted: Arc<Notify>,
    _mark: Mark,
}

/// Says that there is a flusher. Dropped with it, perhaps because its runtime ends; then the next
/// enqueue starts another one.
struct Mark(Arc<AtomicBool>);

impl Drop for Mark {
    fn drop(&mut self) {
        self.0.store(false, Ordering::Release);
    }
}

impl Role for Flusher {
    const NAME: &'static str = "flusher";

    async fn run_once(&mut self) -> sqlx::Result<Next> {
        let Some(spooler) = self.spooler.upgrade() else { return Ok(Next::Never) };
        let flushed = spooler.flush().await;
        drop(spooler);
        match flushed {
            Ok(_) => {
                // Nothing is flushed when the time is over, so it is no error.
                if timeout(jitter::around(LOOKS, 0.2), self.wanted.notified()).await.is_err() {
                    telemetry::spool::looks_again();
                }
                Ok(Next::AtOnce)
            }
            Err(FlushError::Database(Failure::Database(error))) if is_transient(&error) => {
                Err(error)
            }
            Err(error) => {
                telemetry::spool::not_flushed(&error);
                Ok(Next::About(AFTER_REFUSAL))
            }
        }
    }

    fn failed(error: &sqlx::Error) {
        telemetry::spool::flush_retried(&described(error));
    }

    /// 50 ms to 1 s: jobs wait, and each try costs a connection.
    fn retries_after(&self) -> Pauses {
        let (first, longest) = (Duration::from_millis(50), Duration::from_secs(1));
        Pauses { first, longest, jitter: 0.5 }
    }
}
