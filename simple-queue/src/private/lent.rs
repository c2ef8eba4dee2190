//! What the worker lends to a run: parts of its state, and a transaction.

use crate::{
    job::Provide,
    outcome::Outcome,
    queue::{JobContext, JobTx},
};

/// A state that provides what a job takes from it.
#[diagnostic::on_unimplemented(
    message = "the worker's state `{Self}` does not provide the `&{T}` that `{J}` takes",
    label = "`{J}` takes a `&{T}`",
    note = "add a field of type `{T}` to `{Self}` and put `#[derive(JobState)]` on it, or take the argument by value to store it with the job"
)]
pub trait ProvideTo<J: ?Sized, T: ?Sized>: Provide<T> {}

#[diagnostic::do_not_recommend]
impl<S: Provide<T> + ?Sized, J: ?Sized, T: ?Sized> ProvideTo<J, T> for S {}

/// Begins the transaction that a job takes as a `&mut JobTx`.
///
/// # Errors
/// The outcome of the run, if the database cannot begin a transaction.
pub async fn begin(context: &JobContext) -> Result<JobTx, Outcome> {
    JobTx::begin(context).await
}

/// Commits or rolls back that transaction, as the outcome requires.
pub async fn finish(context: &JobContext, tx: JobTx, outcome: Outcome) -> Outcome {
    tx.finish(context, outcome).await
}
