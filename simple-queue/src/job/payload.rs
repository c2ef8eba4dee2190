//! Payload: the stored arguments of a declared job.

use serde::{Serialize, de::DeserializeOwned};
use serde_json::Value;

#[cfg(feature = "cron")]
use super::DeclaredSchedule;
use super::{BoxDynError, JobOptions};

/// Stored arguments of a job. `#[job]` writes the struct and this impl for a function.
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not a job",
    label = "not a struct that `#[job]` writes for a function",
    note = "`#[job]` on `async fn send_welcome` makes the job `SendWelcome`; `#[derive(Job)]` makes one of a struct",
    note = "if an argument's type is named like the job's struct, the macro treats it as the payload; rename the struct with `payload = OtherName`"
)]
pub trait JobPayload: Serialize + DeserializeOwned + Send + Sync + 'static {
    /// The handler's result type. The result is kept with the completed job, and
    /// [`Enqueued::wait`](crate::Enqueued::wait) returns it. `()` for a handler that returns
    /// nothing.
    type Output;

    /// The job's name within its queue: the function's name, or `name = "…"`. It is stored with
    /// every job, so it has no module path, which may change.
    const KIND: &'static str;

    /// The queue of its jobs.
    const QUEUE: &'static str;

    /// Attempts, back-off, timeout and priority of its jobs.
    const OPTIONS: JobOptions;

    /// File and line of the declaration, for messages.
    const DECLARED_AT: &'static str;

    /// Other kinds that the handler runs: earlier names of the job, under which jobs may still be
    /// stored.
    const ALIASES: &'static [&'static str] = &[];

    /// Version of the payload's shape, stored with every job; from 1.
    const VERSION: i32 = 1;

    /// The stored arguments, as [`assert_schema!`](crate::assert_schema) compares them.
    const ARGUMENTS: &'static [StoredArgument] = &[];

    /// When a worker that registers the job enqueues it; `None` if only calls do. The schedule's
    /// name is the kind.
    #[cfg(feature = "cron")]
    const SCHEDULE: Option<DeclaredSchedule> = None;

    /// Returns the payload of the jobs that [`SCHEDULE`](JobPayload::SCHEDULE) enqueues.
    #[cfg(feature = "cron")]
    fn scheduled() -> Option<Self> {
        None
    }

    /// Returns the unique key: only one live job may have it. The stored key begins with the kind;
    /// this one does not. `None` if the declaration has no `unique`.
    fn unique_key(&self) -> Option<String> {
        None
    }

    /// Returns the fingerprint, for cancelling jobs together. It is stored as it is, so jobs of
    /// several kinds can share one.
    fn fingerprint(&self) -> Option<String> {
        None
    }

    /// Returns the key of its limit; `None` if the declaration has no limit for each key. Without a
    /// key, a job is not limited.
    fn limit_key(&self) -> Option<String> {
        None
    }

    /// Returns how many tokens of its rate the job takes; `None`: one. A rate that counts costs is
    /// one for each key.
    fn cost(&self) -> Option<u64> {
        None
    }

    /// Converts a payload of an earlier version to this one.
    ///
    /// # Errors
    /// When it cannot be converted: the job becomes `unprocessable`.
    fn upgrade(version: i32, stored: Value) -> Result<Value, BoxDynError> {
        let _ = version;
        Ok(stored)
    }
}

/// One stored argument of a job.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct StoredArgument {
    /// Its name in the stored payload.
    pub name: &'static str,
    /// Its type, as the declaration writes it.
    pub ty: &'static str,
    /// Whether a payload without this argument can be read.
    pub has_default: bool,
    /// Its earlier names.
    pub aliases: &'static [&'static str],
    /// Whether its value is left out of everything that people read: `Debug`, logs, reasons of dead
    /// letters.
    pub is_redacted: bool,
}

impl StoredArgument {
    /// Creates an argument of this name and type.
    #[must_use]
    pub const fn new(name: &'static str, ty: &'static str) -> Self {
        Self { name, ty, has_default: false, aliases: &[], is_redacted: false }
    }

    /// Sets [`StoredArgument::has_default`].
    #[must_use]
    pub const fn with_default(self) -> Self {
        Self { has_default: true, ..self }
    }

    /// Sets [`StoredArgument::aliases`].
    #[must_use]
    pub const fn with_aliases(self, aliases: &'static [&'static str]) -> Self {
        Self { aliases, ..self }
    }

    /// Sets [`StoredArgument::is_redacted`].
    #[must_use]
    pub const fn redacted(self) -> Self {
        Self { is_redacted: true, ..self }
    }
}

/// The bound on a job's argument: serde can write it and read it back.
#[diagnostic::on_unimplemented(
    message = "job argument type `{Self}` cannot be stored in the queue",
    label = "stored with the job, so serde must be able to write it and read it back",
    note = "derive `Serialize` and `Deserialize` for `{Self}` and the types in it, or take `&{Self}` if it is part of the worker's state",
    note = "if `{Self}` is from another crate, write `#[job(with = my_module)]` on the argument, a module that writes and reads it; or store a value from which it can be made"
)]
pub trait Storable: Serialize + DeserializeOwned {}

#[diagnostic::do_not_recommend]
impl<T: Serialize + DeserializeOwned> Storable for T {}
