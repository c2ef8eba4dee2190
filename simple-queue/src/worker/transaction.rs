//! The transaction in which a job is finished.

use std::{
    fmt,
    ops::{Deref, DerefMut},
};

use sqlx::{PgConnection, Postgres, Transaction};

use super::JobContext;
use crate::{
    Error,
    enqueue::{EnqueueOn, Target, Via},
    outcome::Outcome,
    store::Store,
};

/// The transaction in which a job is finished; a `#[job]` function that takes a `&mut JobTx` is given it.
///
/// What the function does in it and the completion of its job are committed together when the function
/// succeeds, so the effects happen exactly once; in every other case they are rolled back.
///
/// ```
/// # use simple_queue::prelude::*;
/// /// Adds up what was ordered.
/// #[job(queue = "orders")]
/// async fn book_order(tx: &mut JobTx, amount: i64) -> Result<(), BoxDynError> {
///     sqlx::query("update revenue set total = total + $1").bind(amount).execute(&mut **tx).await?;
///     Ok(())
/// }
/// ```
pub struct JobTx {
    tx: Transaction<'static, Postgres>,
    store: Store,
}

impl JobTx {
    /// Begins it on the queue's pool. A database that cannot begin one has failed the attempt.
    pub(crate) async fn begin(context: &JobContext) -> Result<Self, Outcome> {
        let queue = context.queue();
        match queue
            .servers()
            .begin()
            .await
            .map_err(Error::database("begin the transaction of a job"))
        {
            Ok(tx) => Ok(Self { tx, store: queue.store().clone() }),
            Err(error) => Err(Outcome::attempt_failed(error.to_string())),
        }
    }

    /// Finishes the job in it and commits, if that is what the outcome asks for.
    ///
    /// Whether a commit without an answer took place is found out by whoever writes the outcome.
    pub(crate) async fn finish(mut self, context: &JobContext, outcome: Outcome) -> Outcome {
        if !outcome.is_complete() {
            return outcome;
        }
        let finished = async {
            if context.is_claimed() {
                context.finish_with(&mut self.tx, outcome.result()).await?;
            }
            self.tx.commit().await.map_err(Error::database("commit the transaction of a job"))
        };
        match finished.await {
            Ok(()) => outcome,
            Err(error) => Outcome::attempt_failed(error.to_string()),
        }
    }
}

impl Deref for JobTx {
    type Target = PgConnection;

    fn deref(&self) -> &PgConnection {
        &self.tx
    }
}

impl DerefMut for JobTx {
    fn deref_mut(&mut self) -> &mut PgConnection {
        &mut self.tx
    }
}

impl<'e> EnqueueOn<'e> for &'e mut JobTx {
    fn target(self) -> Target<'e> {
        Target(Via::Connection { connection: &mut self.tx, store: self.store.clone() })
    }
}

impl fmt::Debug for JobTx {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("JobTx").finish_non_exhaustive()
    }
}
