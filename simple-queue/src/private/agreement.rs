//! Whether a handler returns the type that its job declares.

use std::marker::PhantomData;

use crate::{job::JobPayload, outcome::IntoOutcome};

/// The type that a handler's result is kept as, beside the type that its job declares. If the payload or the answer is
/// invalid, that is reported elsewhere; the fallback prevents a second report.
#[derive(Debug)]
pub struct OutputAgreement<J, K>(PhantomData<fn() -> (J, K)>);

impl<J, K> OutputAgreement<J, K> {
    /// The only value.
    pub const NEW: Self = Self(PhantomData);
}

/// Implemented for two identical types only.
#[diagnostic::on_unimplemented(
    message = "this handler returns `{T}`, and its job declares `{Self}`",
    label = "not the declared output",
    note = "write `output = {T}` in the `#[job(..)]` of the payload, or return the declared type"
)]
pub trait Declares<T> {}

impl<T> Declares<T> for T {}

/// What is kept of a function's return value.
pub trait Keeps {
    /// Its type.
    type Kept;
}

/// A value that is stored as it is.
#[derive(Debug)]
pub struct Kept<T>(PhantomData<fn() -> T>);

impl<T> Keeps for Kept<T> {
    type Kept = T;
}

/// What the returned type decides.
#[derive(Debug)]
pub struct KeptOf<R>(PhantomData<fn() -> R>);

impl<R: IntoOutcome> Keeps for KeptOf<R> {
    type Kept = R::Output;
}

/// Compares the two.
pub trait OutputCheck {
    /// What the job declares.
    type Declared;
    /// The type that the handler returns.
    type Kept;

    /// Fails to compile where they differ.
    fn check_output(&self)
    where
        Self::Declared: Declares<Self::Kept>;
}

impl<J: JobPayload, K: Keeps> OutputCheck for OutputAgreement<J, K> {
    type Declared = J::Output;
    type Kept = K::Kept;

    fn check_output(&self)
    where
        J::Output: Declares<K::Kept>,
    {
    }
}

/// Used if there is nothing to compare; the crate then has another error.
pub trait OutputCheckFallback {
    /// Does nothing.
    fn check_output(&self);
}

impl<J, K> OutputCheckFallback for &OutputAgreement<J, K> {
    fn check_output(&self) {}
}
