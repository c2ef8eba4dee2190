//! Whether a handler keeps what its job declares.

use std::marker::PhantomData;

use crate::{job::JobPayload, outcome::IntoOutcome};

/// What a handler keeps when it succeeds, beside what its job declares. A payload that is none, or an answer
/// that is none, is reported elsewhere: the fallback keeps it from being reported again.
#[derive(Debug)]
pub struct OutputAgreement<J, K>(PhantomData<fn() -> (J, K)>);

impl<J, K> OutputAgreement<J, K> {
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
pub trait OutputCheck {
    /// What the job declares.
    type Declared;
    /// What the handler keeps.
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

/// Stands in where there is nothing to compare; a crate in which it does has another error.
pub trait OutputCheckFallback {
    /// Does nothing.
    fn check_output(&self);
}

impl<J, K> OutputCheckFallback for &OutputAgreement<J, K> {
    fn check_output(&self) {}
}
