//! What the functions of a job return.

use std::{any::Any, convert::Infallible};

use crate::{
    job::{BoxDynError, JobError},
    outcome::{IntoOutcome, Outcome},
};

/// What a function's returned value says of its job.
pub fn into_outcome<R: IntoOutcome>(
    returned: R,
    find: impl FnOnce(&R::Error) -> Option<&JobError>,
) -> Outcome {
    returned.into_outcome(find)
}

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
