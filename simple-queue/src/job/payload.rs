//! The stored arguments of a declared job.

use serde::{Serialize, de::DeserializeOwned};
use serde_json::Value;

use super::{BoxDynError, JobOptions};

/// The arguments of a job as they are stored; `#[job]` writes the struct and this impl beside the
/// function.
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not a job",
    label = "not the struct that `#[job]` writes beside a function",
    note = "`#[job]` on `async fn send_welcome` makes the job `SendWelcome`; `#[derive(Job)]` makes one of a struct",
    note = "an argument whose type has the name of the job's own struct is taken for it; `payload = OtherName` gives that another"
)]
pub trait JobPayload: Serialize + DeserializeOwned + Send + Sync + 'static {
    /// What its handler returns when it succeeds: kept with the job that is done, and what
    /// [`Enqueued::wait`](crate::Enqueued::wait) answers with. `()` for a handler that returns nothing.
    type Output;

    /// What tells this job from the others of its queue: the function's name, unless `name = "…"`
    /// was given. It is stored with every job, so it never holds a module path that may change.
    const KIND: &'static str;

    /// A hash of [`Self::KIND`], so that the compiler can compare hundreds of kinds quickly.
    const KIND_HASH: u64;

    /// The queue its jobs go to.
    const QUEUE: &'static str;

    /// Attempts, back-off, timeout and priority of its jobs.
    const OPTIONS: JobOptions;

    /// File and line of the declaration, for messages.
    const DECLARED_AT: &'static str;

    /// Other kinds that its handler runs too: names that it had before, under which jobs may still be
    /// stored.
    const ALIASES: &'static [&'static str] = &[];

    /// The version of the payload's shape, stored with every job; from 1.
    const VERSION: i32 = 1;

    /// The stored arguments, as [`assert_schema!`](crate::assert_schema) compares them.
    const ARGUMENTS: &'static [StoredArgument] = &[];

    /// The key under which only one such job may be live, without the kind that stands before it in
    /// the database; `None` where the declaration has no `unique`.
    fn unique_key(&self) -> Option<String> {
        None
    }

    /// What it is grouped by, for cancelling jobs together; literal, so that jobs of several kinds can
    /// share one.
    fn fingerprint(&self) -> Option<String> {
        None
    }

    /// Brings a payload that was stored under an earlier version to the shape of this one.
    ///
    /// # Errors
    /// When it cannot: the job becomes `unprocessable`.
    fn upgrade(version: i32, stored: Value) -> Result<Value, BoxDynError> {
        let _ = version;
        Ok(stored)
    }
}

/// One argument of a job as it is stored.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct StoredArgument {
    /// What it is called in the stored job.
    pub name: &'static str,
    /// Its type, as the declaration writes it.
    pub ty: &'static str,
    /// Whether a job that was stored without it can be read.
    pub has_default: bool,
    /// What it was called before.
    pub aliases: &'static [&'static str],
    /// Whether its value is kept out of everything that people read: `Debug`, logs, the reasons of dead letters.
    pub is_redacted: bool,
}

impl StoredArgument {
    /// An argument of this name and type.
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

/// What a job's argument must be: something serde can write and read back.
#[diagnostic::on_unimplemented(
    message = "job argument type `{Self}` cannot be stored in the queue",
    label = "stored with the job, so it must be written and read back by serde",
    note = "derive `Serialize` and `Deserialize` for `{Self}` and for what is in it, or take `&{Self}` if it is part of the worker's state",
    note = "where the type is of another crate, `#[job(with = my_module)]` on the argument names a module that writes and reads it; or store something that it can be made of"
)]
pub trait Storable: Serialize + DeserializeOwned {}

#[diagnostic::do_not_recommend]
impl<T: Serialize + DeserializeOwned> Storable for T {}
