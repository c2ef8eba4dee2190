//! The settings of a spool.

use std::{
    path::{Path, PathBuf},
    time::Duration,
};

/// Settings of a spool: a directory for jobs that cannot be enqueued because the database is away.
/// [`SimpleQueueBuilder::spool`](crate::SimpleQueueBuilder::spool) takes one.
///
/// ```
/// use std::time::Duration;
/// use simple_queue::Spool;
///
/// let spool = Spool::at("/var/lib/app/spool")
///     .max_bytes(256 << 20)
///     .max_age(Duration::from_hours(24));
/// # let _ = spool;
/// ```
#[derive(Debug, Clone)]
#[must_use = "a queue has a spool when `spool` of its builder is called with it"]
pub struct Spool {
    directory: PathBuf,
    pub(super) max_bytes: u64,
    pub(super) max_jobs: u64,
    pub(super) max_age: Duration,
    pub(super) patience: Duration,
    pub(super) keyed: bool,
    pub(super) network_file_system: bool,
}

/// 10 ms and 1 min, the bounds of the patience.
const PATIENCE: (Duration, Duration) = (Duration::from_millis(10), Duration::from_mins(1));

impl Spool {
    /// Creates the settings of a spool in this directory, which is created with the mode 0700 if it
    /// does not exist.
    ///
    /// Processes that run as the same user and enqueue to the same database and schema can share a
    /// directory. It should be on a disk that outlives the process: in a container, on a volume.
    pub fn at(directory: impl Into<PathBuf>) -> Self {
        Self {
            directory: directory.into(),
            max_bytes: 64 << 20,
            max_jobs: 100_000,
            max_age: Duration::from_hours(7 * 24),
            patience: Duration::from_secs(1),
            keyed: false,
            network_file_system: false,
        }
    }

    /// Sets the most bytes of jobs that wait in the files of this process; 64 MiB by default. A job
    /// for which there is no room gets the error that it would get without a spool.
    pub fn max_bytes(self, bytes: u64) -> Self {
        Self { max_bytes: bytes, ..self }
    }

    /// Sets the most jobs that wait in the files of this process; 100,000 by default.
    pub fn max_jobs(self, jobs: u64) -> Self {
        Self { max_jobs: jobs, ..self }
    }

    /// Sets the greatest age of the oldest job; 7 days by default. While a job has waited for
    /// longer, no other job is taken. No job is deleted for its age.
    pub fn max_age(self, age: Duration) -> Self {
        Self { max_age: age, ..self }
    }

    /// Sets how long an enqueue tries to reach the database before its job is spooled; 1 second by
    /// default, from 10 ms to a minute. A statement that was sent is awaited for as long as the
    /// [statement timeout](crate::SimpleQueueBuilder::statement_timeout) says.
    pub fn patience(self, patience: Duration) -> Self {
        Self { patience, ..self }
    }

    /// Sets whether jobs with a unique key are spooled too; they are not by default.
    ///
    /// Their caller learns neither whether the key is taken nor which job has it. That is settled
    /// when the job is written to the database, by the job's own
    /// [`OnConflict`](crate::OnConflict). `#[job(spool = true)]` says the same for one job.
    pub fn keyed(self, keyed: bool) -> Self {
        Self { keyed, ..self }
    }

    /// Sets whether the directory may be on a network file system; it may not by default. There a
    /// lock may be lost, or be unknown to another machine, and then two processes write the same
    /// jobs.
    pub fn network_file_system(self, allowed: bool) -> Self {
        Self { network_file_system: allowed, ..self }
    }

    pub(super) fn directory(&self) -> &Path {
        &self.directory
    }

    /// Returns one sentence for each setting that is out of range.
    pub(crate) fn problems(&self) -> Vec<String> {
        let mut problems = Vec::new();
        for (setting, most) in [("max_bytes", self.max_bytes), ("max_jobs", self.max_jobs)] {
            if most == 0 {
                problems.push(format!(
                    "`{setting}` of the spool is 0, so it would take no job: leave `spool` out for none"
                ));
            }
        }
        if self.max_age.is_zero() {
            let problem =
                "`max_age` of the spool is 0, so it would take one job: give it some time";
            problems.push(problem.to_owned());
        }
        let (shortest, longest) = PATIENCE;
        if self.patience < shortest || self.patience > longest {
            problems.push(format!(
                "`patience` of the spool is {:?}: it must be from {shortest:?} to {longest:?}",
                self.patience
            ));
        }
        problems
    }
}
