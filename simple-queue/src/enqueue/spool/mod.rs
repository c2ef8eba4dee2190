//! Jobs that could not be enqueued because the database is away: they are kept in files until it is
//! back.
//!
//! A call whose jobs may be spooled tries the database for a short time. If the database cannot be
//! reached, the call is appended to a file of this process, and its caller learns that. From then on
//! calls are appended at once, until the flusher has reached the database. The flusher writes what
//! is in the files, the oldest first, and removes them. It finds jobs that an earlier try has written
//! by their ids.
//!
//! A process locks its files for as long as it lives. A file that can be locked is one of a process
//! that has died, and the process that locks it flushes it.

mod call;
mod directory;
mod file_system;
mod flush;
mod log;
mod record;
mod segment;
mod settings;
mod unload;

pub(super) use call::Asked;
pub use settings::Spool;

use std::{
    fmt,
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
};

use chrono::{DateTime, Utc};
use parking_lot::Mutex;
use tokio::sync::Notify;
use tokio_util::sync::CancellationToken;

use super::{EnqueueOutcome, Inserted, coalescer::Coalescer, write::Destination};
use crate::{row::NewJob, telemetry};
use call::{Call, Kept};
use directory::Directory;
use log::{Log, NotKept, Waiting};
use segment::{Framed, Origin};

/// The spool of a queue.
pub(crate) struct Spooler {
    settings: Spool,
    log: Arc<Log>,
    destination: Destination,
    coalescer: Arc<Coalescer>,
    /// The database could not be reached, so calls are appended without another try. Only the flusher
    /// finds out that it is back.
    is_away: AtomicBool,
    /// Held by the one who reads the files.
    reading: tokio::sync::Mutex<()>,
    /// There is something to flush.
    wanted: Arc<Notify>,
    has_flusher: Arc<AtomicBool>,
    last_error: Mutex<Option<String>>,
    refused: AtomicU64,
    /// Cancelled when the queue is gone, which ends the flusher.
    ended: CancellationToken,
}

/// A spool whose directory was checked.
#[derive(Debug)]
pub(crate) struct PreparedSpool {
    settings: Spool,
    directory: Directory,
}

/// What a spool holds.
///
/// It counts the files of this process, and those that it has taken over.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
#[non_exhaustive]
pub struct SpoolStatus {
    /// How many jobs wait for the database.
    pub jobs: u64,
    /// How many bytes they have in the files.
    pub bytes: u64,
    /// When the oldest of them was enqueued, by this host's clock.
    pub oldest: Option<DateTime<Utc>>,
    /// Whether the database counts as away: then jobs are spooled without a try to reach it.
    pub is_away: bool,
    /// How many jobs the database has refused since this process started. They are in files that end
    /// in `.rejected`, with the reasons.
    pub refused: u64,
    /// Why jobs could not be written to the database, or not to the files, the last time. `None` since
    /// the database took all of them.
    pub last_error: Option<String>,
}

impl PreparedSpool {
    /// Checks the settings and the directory.
    ///
    /// # Errors
    /// One sentence for each problem.
    pub(crate) fn new(settings: Spool) -> Result<Self, Vec<String>> {
        let problems = settings.problems();
        if !problems.is_empty() {
            return Err(problems);
        }
        let directory = Directory::open(&settings).map_err(|problem| vec![problem])?;
        Ok(Self { settings, directory })
    }
}

impl Spooler {
    pub(crate) fn new(
        PreparedSpool { settings, directory }: PreparedSpool,
        destination: Destination,
        coalescer: Arc<Coalescer>,
    ) -> Self {
        let options = destination.servers.pool().connect_options();
        let database = options.get_database().unwrap_or_else(|| options.get_username()).to_owned();
        let origin = Origin { database, schema: destination.store.schema().name().to_owned() };
        Self {
            log: Arc::new(Log::new(directory, origin, settings.clone())),
            destination: Destination { patience: Some(settings.patience), ..destination },
            settings,
            coalescer,
            is_away: AtomicBool::new(false),
            reading: tokio::sync::Mutex::default(),
            wanted: Arc::default(),
            has_flusher: Arc::default(),
            last_error: Mutex::default(),
            refused: AtomicU64::default(),
            ended: CancellationToken::new(),
        }
    }

    /// A spool with the same settings, for a queue of another schema.
    ///
    /// # Errors
    /// As of [`PreparedSpool::new`].
    pub(crate) fn prepare_another(&self) -> Result<PreparedSpool, Vec<String>> {
        PreparedSpool::new(self.settings.clone())
    }

    /// Where jobs that may be spooled are inserted: without a long wait for the database.
    pub(super) fn destination(&self) -> Destination {
        self.destination.clone()
    }

    pub(super) fn is_away(&self) -> bool {
        self.is_away.load(Ordering::Acquire)
    }

    /// Whether all these jobs may be spooled. Their answer must not depend on a key that another job
    /// may have.
    pub(super) fn takes(&self, jobs: &[NewJob]) -> bool {
        let has_key = |job: &NewJob| job.unique_key.is_some() || job.limit_key.is_some();
        let of_keys = |job: &NewJob| !has_key(job) || self.settings.keyed;
        jobs.iter().all(|job| job.spool.unwrap_or_else(|| of_keys(job)))
    }

    /// Keeps the jobs of a call in a file. When it returns, they survive a loss of power.
    ///
    /// # Errors
    /// When there is no room, or the file cannot be written; then none of them is kept.
    pub(super) async fn keep(
        self: &Arc<Self>,
        asked: Asked,
        jobs: &[NewJob],
    ) -> Result<Vec<Inserted>, NotKept> {
        let call = Call { asked, jobs: jobs.iter().map(Kept::of).collect() };
        let framed = Framed::of(&call).map_err(|error| NotKept::Io(Arc::new(error)));
        let kept = match framed {
            Ok(framed) => self.log.append(framed).await,
            Err(error) => Err(error),
        };
        if let Err(error) = kept {
            // Each caller gets an error, and the first of a kind is logged.
            if self.note(&error) {
                telemetry::spool::not_kept(jobs.len(), &error);
            }
            return Err(error);
        }
        if !self.is_away.swap(true, Ordering::AcqRel) {
            telemetry::spool::began(&self.log.directory.path().display());
        }
        self.wanted.notify_one();
        self.flush_in_background();
        let outcome = EnqueueOutcome::Spooled;
        Ok(jobs.iter().map(|job| Inserted { id: job.id, outcome }).collect())
    }

    pub(crate) fn status(&self) -> SpoolStatus {
        let Waiting { jobs, bytes, oldest } = self.log.waiting();
        SpoolStatus {
            jobs,
            bytes,
            oldest: oldest.map(Asked::at),
            is_away: self.is_away(),
            refused: self.refused.load(Ordering::Relaxed),
            last_error: self.last_error.lock().clone(),
        }
    }

    /// Keeps an error for the status; returns whether it is another one than before.
    fn note(&self, error: &dyn fmt::Display) -> bool {
        let error = Some(error.to_string());
        let mut last = self.last_error.lock();
        let is_new = *last != error;
        *last = error;
        is_new
    }
}

/// The spool as the queue holds it: when the queue is gone, the flusher ends at once, and others can take over the
/// files.
#[derive(Debug)]
pub(crate) struct OwnedSpooler(Arc<Spooler>);

impl OwnedSpooler {
    pub(crate) fn new(spooler: Spooler) -> Self {
        Self(Arc::new(spooler))
    }

    pub(crate) fn get(&self) -> &Arc<Spooler> {
        &self.0
    }
}

impl Drop for OwnedSpooler {
    fn drop(&mut self) {
        self.0.ended.cancel();
    }
}

impl fmt::Debug for Spooler {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Spooler").field("settings", &self.settings).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests;
