//! What the expansion of the macros names. Not part of the interface: it may change in any release.

use std::{any::Any, convert::Infallible, fmt::Display, marker::PhantomData};

pub use chrono::{DateTime, Utc};
pub use serde;
use serde::{Deserialize, Deserializer, Serialize, Serializer, de, ser};
pub use serde_json::Value;

pub use crate::{
    enqueue::{
        enqueue_all,
        live::{cancel, cancel_all, find},
    },
    job::{declaration::assert_distinct_kinds, queue_name::assert_queue_name},
    lock::assert_schema,
    worker::job_list::{JobList, Listed, ListedFallback, ListedJob, entry},
};

pub use crate::JobError;
pub use simple_queue_macros::Beside;

use crate::{
    BoxDynError, JobContext, JobTx,
    job::{JobPayload, Provide, Storable, of_arguments},
    outcome::{IntoOutcome, Outcome},
};

/// What a function's returned value says of its job.
pub fn into_outcome<R: IntoOutcome>(
    returned: R,
    find: impl FnOnce(&R::Error) -> Option<&JobError>,
) -> Outcome {
    returned.into_outcome(find)
}

/// A state that lends a job what it takes.
#[diagnostic::on_unimplemented(
    message = "the worker's state `{Self}` does not provide the `&{T}` that `{J}` takes",
    label = "`{J}` takes a `&{T}`",
    note = "add a field of type `{T}` to `{Self}` and put `#[derive(JobState)]` on it, or take the argument by value to store it with the job"
)]
pub trait ProvideTo<J: ?Sized, T: ?Sized>: Provide<T> {}

#[diagnostic::do_not_recommend]
impl<S: Provide<T> + ?Sized, J: ?Sized, T: ?Sized> ProvideTo<J, T> for S {}

/// What a function returned whose type is judged elsewhere: where the payload's `Output` is declared. The
/// fallback keeps the handler from reporting it again.
#[derive(Debug)]
pub struct Returned<R>(pub R);

/// Judges what a job can return.
pub trait ReturnedOutcome {
    /// The error that it may hold.
    type Error;

    /// What it says of the job.
    fn into_outcome(self, find: impl FnOnce(&Self::Error) -> Option<&JobError>) -> Outcome;
}

impl<R: IntoOutcome> ReturnedOutcome for Returned<R> {
    type Error = R::Error;

    fn into_outcome(self, find: impl FnOnce(&R::Error) -> Option<&JobError>) -> Outcome {
        self.0.into_outcome(find)
    }
}

/// Stands in where a job cannot; a crate in which it does has another error.
pub trait ReturnedFallback: Sized {
    /// Says nothing.
    fn into_outcome(self, find: impl FnOnce(&Infallible) -> Option<&JobError>) -> Outcome;
}

impl<R> ReturnedFallback for &Returned<R> {
    fn into_outcome(self, _find: impl FnOnce(&Infallible) -> Option<&JobError>) -> Outcome {
        unreachable!("a crate in which this is called does not compile")
    }
}

/// Brings a stored payload to the present version with the user's function.
///
/// # Errors
/// That of the function.
pub fn upgrade<E: Into<BoxDynError>>(
    upgrade: fn(i32, Value) -> Result<Value, E>,
    version: i32,
    stored: Value,
) -> Result<Value, BoxDynError> {
    upgrade(version, stored).map_err(Into::into)
}

/// What a function that is called when a job has failed for good may return.
#[diagnostic::on_unimplemented(
    message = "an `on_exhausted` function cannot return `{Self}`",
    label = "expected `()`, or `Result<(), E>`",
    note = "return `()`, or a `Result` whose error converts into `Box<dyn Error + Send + Sync>`"
)]
pub trait ExhaustedAnswer {
    /// The same as a `Result`.
    ///
    /// # Errors
    /// That of the function.
    fn into_result(self) -> Result<(), BoxDynError>;
}

impl ExhaustedAnswer for () {
    fn into_result(self) -> Result<(), BoxDynError> {
        Ok(())
    }
}

impl<E: Into<BoxDynError>> ExhaustedAnswer for Result<(), E> {
    fn into_result(self) -> Result<(), BoxDynError> {
        self.map_err(Into::into)
    }
}

/// What such a function returned.
///
/// # Errors
/// That of the function.
pub fn exhausted<R: ExhaustedAnswer>(returned: R) -> Result<(), BoxDynError> {
    returned.into_result()
}

/// What a handler keeps when it succeeds, beside what its job declares. A payload that is none, or an answer
/// that is none, is reported elsewhere: the fallback keeps it from being reported again.
#[derive(Debug)]
pub struct Agreement<J, K>(PhantomData<fn() -> (J, K)>);

impl<J, K> Agreement<J, K> {
    /// The only value.
    pub const NEW: Self = Self(PhantomData);
}

/// Holds for one and the same type.
#[diagnostic::on_unimplemented(
    message = "this handler keeps `{T}`, and its job declares `{Self}`",
    label = "not what the job declares",
    note = "write `output = {T}` in the `#[job(..)]` of the payload, or return what is declared there"
)]
pub trait Declares<T> {}

impl<T> Declares<T> for T {}

/// What is kept of what a function returns.
pub trait Keeps {
    /// Its type.
    type Kept;
}

/// A value that is written as such.
#[derive(Debug)]
pub struct Kept<T>(PhantomData<fn() -> T>);

impl<T> Keeps for Kept<T> {
    type Kept = T;
}

/// Whatever the returned type says.
#[derive(Debug)]
pub struct KeptOf<R>(PhantomData<fn() -> R>);

impl<R: IntoOutcome> Keeps for KeptOf<R> {
    type Kept = R::Output;
}

/// Compares the two.
pub trait AgreementJudged {
    /// What the job declares.
    type Declared;
    /// What the handler keeps.
    type Kept;

    /// Fails to compile where they differ.
    fn judge(&self)
    where
        Self::Declared: Declares<Self::Kept>;
}

impl<J: JobPayload, K: Keeps> AgreementJudged for Agreement<J, K> {
    type Declared = J::Output;
    type Kept = K::Kept;

    fn judge(&self)
    where
        J::Output: Declares<K::Kept>,
    {
    }
}

/// Stands in where there is nothing to compare; a crate in which it does has another error.
pub trait AgreementFallback {
    /// Does nothing.
    fn judge(&self);
}

impl<J, K> AgreementFallback for &Agreement<J, K> {
    fn judge(&self) {}
}

/// Begins the transaction that a job takes as a `&mut JobTx`.
///
/// # Errors
/// The outcome of the run, where the database cannot begin one.
pub async fn begin(context: &JobContext) -> Result<JobTx, Outcome> {
    JobTx::begin(context).await
}

/// Ends that transaction as the outcome asks.
pub async fn finish(context: &JobContext, tx: JobTx, outcome: Outcome) -> Outcome {
    tx.finish(context, outcome).await
}

/// `downcast_ref` for errors that have no such method of their own. Where the expansion calls it, the type
/// of the error is known, and a method of its own, as `anyhow`'s and `eyre`'s errors have, comes first.
pub trait DowncastRef {
    /// This error, if it is a `T`.
    fn downcast_ref<T: 'static>(&self) -> Option<&T>;
}

impl<E: 'static> DowncastRef for E {
    fn downcast_ref<T: 'static>(&self) -> Option<&T> {
        (self as &dyn Any).downcast_ref()
    }
}

/// The key for `unique` over arguments. What cannot be written has an empty one, with which it is refused when
/// it is enqueued; but its own error comes first.
pub fn unique_key_of<J: Serialize>(job: &J) -> String {
    of_arguments(job).unwrap_or_default()
}

/// Fails to compile where an argument cannot be stored.
pub const fn assert_storable<T: Storable>() {}

/// What may stand in a key's template.
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot be part of a key: it does not implement `Display`",
    label = "used in the key of this job",
    note = "use a field of it, like `{{payment.id}}`, or write `unique` alone for a key of all arguments"
)]
pub trait KeyPart: Display {}

#[diagnostic::do_not_recommend]
impl<T: Display + ?Sized> KeyPart for T {}

/// One argument of a key's template.
pub fn key_part<T: KeyPart>(part: &T) -> &dyn Display {
    part
}

// An argument that serde does not know is reported once, by `assert_storable` at the place of its type.
// The two pairs below keep the payload's own impls from reporting it again: a method call prefers the
// impl on the type itself, where serde's bound holds, and falls back to the one on a reference to it.

/// A payload on its way to JSON.
#[derive(Debug)]
pub struct Write<T>(pub T);

/// Writes what serde can write.
pub trait WriteStored {
    /// Writes the payload.
    ///
    /// # Errors
    /// Those of the serializer.
    fn write<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error>;
}

impl<T: Serialize> WriteStored for Write<T> {
    fn write<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.0.serialize(serializer)
    }
}

/// Stands in where serde cannot; a crate in which it does has another error.
pub trait WriteFallback {
    /// Fails.
    ///
    /// # Errors
    /// Always.
    fn write<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error>;
}

impl<T> WriteFallback for &Write<T> {
    fn write<S: Serializer>(&self, _serializer: S) -> Result<S::Ok, S::Error> {
        Err(ser::Error::custom("this payload cannot be stored"))
    }
}

/// A payload on its way back from JSON.
#[derive(Debug)]
pub struct Read<T>(PhantomData<fn() -> T>);

impl<T> Read<T> {
    /// The only value.
    pub const NEW: Self = Self(PhantomData);
}

/// Reads what serde can read.
pub trait ReadStored<'de, T> {
    /// Reads the payload.
    ///
    /// # Errors
    /// Those of the deserializer.
    fn read<D: Deserializer<'de>>(&self, deserializer: D) -> Result<T, D::Error>;
}

impl<'de, T: Deserialize<'de>> ReadStored<'de, T> for Read<T> {
    fn read<D: Deserializer<'de>>(&self, deserializer: D) -> Result<T, D::Error> {
        T::deserialize(deserializer)
    }
}

/// Stands in where serde cannot; a crate in which it does has another error.
pub trait ReadFallback<'de, T> {
    /// Fails.
    ///
    /// # Errors
    /// Always.
    fn read<D: Deserializer<'de>>(&self, deserializer: D) -> Result<T, D::Error>;
}

impl<'de, T> ReadFallback<'de, T> for &Read<T> {
    fn read<D: Deserializer<'de>>(&self, _deserializer: D) -> Result<T, D::Error> {
        Err(de::Error::custom("this payload cannot be read"))
    }
}
