//! Converts what the functions of a job return.

use std::{any::Any, convert::Infallible};

use crate::{
    job::{BoxDynError, JobError},
    outcome::{IntoOutcome, Outcome},
};

/// The outcome that a function's return value means.
pub fn into_outcome<R: IntoOutcome>(
    returned: R,
    find: impl FnOnce(&R::Error) -> Option<&JobError>,
) -> Outcome {
    returned.into_outcome(find)
}

/// A return value whose type is checked elsewhere: where the payload's `Output` is declared. The fallback prevents a
/// second report by the handler.
#[derive(Debug)]
pub struct Returned<R>(pub R);

/// Converts a type that a job can return.
pub trait ReturnedOutcome {
    /// Its error type.
    type Error;

    /// Converts it.
    fn into_outcome(self, find: impl FnOnce(&Self::Error) -> Option<&JobError>) -> Outcome;
}

impl<R: IntoOutcome> ReturnedOutcome for Returned<R> {
    type Error = R::Error;

    fn into_outcome(self, find: impl FnOnce(&R::Error) -> Option<&JobError>) -> Outcome {
        self.0.into_outcome(find)
    }
}

/// Used if a job cannot return the type; the crate then has another error.
pub trait ReturnedFallback: Sized {
    /// Returns nothing of use.
    fn into_outcome(self, find: impl FnOnce(&Infallible) -> Option<&JobError>) -> Outcome;
}

impl<R> ReturnedFallback for &Returned<R> {
    fn into_outcome(self, _find: impl FnOnce(&Infallible) -> Option<&JobError>) -> Outcome {
        unreachable!("a crate in which this is called does not compile")
    }
}

/// `downcast_ref` for error types without such a method. The expansion calls it while the error's type is known; a
/// method of the type itself, as `anyhow`'s and `eyre`'s errors have, takes precedence.
pub trait DowncastRef {
    /// This error, if it is a `T`.
    fn downcast_ref<T: 'static>(&self) -> Option<&T>;
}

impl<E: 'static> DowncastRef for E {
    fn downcast_ref<T: 'static>(&self) -> Option<&T> {
        (self as &dyn Any).downcast_ref()
    }
}

/// What an `on_exhausted` function may return.
#[diagnostic::on_unimplemented(
    message = "an `on_exhausted` function cannot return `{Self}`",
    label = "expected `()`, or `Result<(), E>`",
    note = "return `()`, or a `Result` whose error converts into `Box<dyn Error + Send + Sync>`"
)]
pub trait ExhaustedAnswer {
    /// Converts it into a `Result`.
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

/// Converts what such a function returned.
///
/// # Errors
/// That of the function.
pub fn exhausted<R: ExhaustedAnswer>(returned: R) -> Result<(), BoxDynError> {
    returned.into_result()
}
