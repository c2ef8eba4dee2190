//! The transaction in which a job is finished.

use std::{
    fmt,
    ops::{Deref, DerefMut},
};

use sqlx::{PgConnection, Postgres, Transaction};
use tokio::time::timeout;

use super::JobContext;
use crate::{
    Error,
    database::{
        Servers,
        failure::{Excuse, excuse_of},
    },
    enqueue::{EnqueueOn, Target, Via},
    outcome::Outcome,
    retry_pause::RetryPause,
    store::Store,
};

/// The transaction in which a job is finished; a `#[job]` function that takes a `&mut JobTx` is given it.
///
/// What the function does in it and the completion of its job are committed together when the function
/// succeeds, so the effects happen exactly once; in every other case they are rolled back.
///
/// Excuse of the database's is no attempt: where the transaction cannot be begun, breaks off, or is rolled back
/// for a deadlock or a conflict with another one, the job runs again about a second later with as many attempts
/// as before. The wait for a connection of the pool is no part of the job's `timeout`, and no more jobs are
/// started that take a transaction than twice as many as the pool has connections.
///
/// Its end is the queue's: a function that sends `commit` or `rollback` as SQL has failed, whatever it returns.
/// Savepoints are its own.
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
    /// Begins it on the queue's pool. Where that cannot be, the job did not run, and no attempt is used.
    pub(crate) async fn begin(context: &JobContext) -> Result<Self, Outcome> {
        let queue = context.queue();
        let run = context.run();
        run.inspect(|run| run.wait_to_begin());
        let tx = begin_patiently(queue.servers()).await;
        if let (Ok(_), Some(run)) = (&tx, run) {
            run.begin();
        }
        match tx.map_err(Error::database("begin the transaction of a job")) {
            Ok(tx) => Ok(Self { tx, store: queue.store().clone() }),
            Err(error) => Err(Outcome::undone(error.to_string())),
        }
    }

    /// Finishes the job in it and commits, if that is what the outcome asks for.
    ///
    /// Whether a commit without an answer took place is found out by whoever writes the outcome.
    pub(crate) async fn finish(mut self, context: &JobContext, outcome: Outcome) -> Outcome {
        if !outcome.is_complete() {
            return self.roll_back(context.queue().servers(), outcome).await;
        }
        let finished = async {
            if context.is_claimed() {
                context.finish_marked(&mut self.tx, outcome.result()).await?;
            }
            self.tx.commit().await.map_err(Error::database("commit the transaction of a job"))
        };
        match finished.await {
            Ok(()) => outcome,
            Err(Error::Database { action, error }) if excuse_of(&error).is_some() => {
                Outcome::undone(Error::Database { action, error }.to_string())
            }
            Err(error) => Outcome::attempt_failed(error.to_string()),
        }
    }

    /// Undoes what was done in it. A function that failed with the database is not to blame, and neither is one
    /// whose connection turns out to be broken.
    async fn roll_back(self, servers: &Servers, outcome: Outcome) -> Outcome {
        let rolled_back = timeout(servers.statement_timeout(), self.tx.rollback()).await;
        match rolled_back {
            Ok(Err(error)) if excuse_of(&error).is_some() => outcome.undo(),
            _ => outcome.excused(&[Excuse::RolledBack]),
        }
    }
}

/// Four times more it is tried after a connection that broke while it was idle, of which a pool may hold several.
const MORE_TRIES: u32 = 4;

async fn begin_patiently(servers: &Servers) -> sqlx::Result<Transaction<'static, Postgres>> {
    let mut retry_pause = RetryPause::default();
    for _ in 0..MORE_TRIES {
        match servers.begin().await {
            Err(error) if excuse_of(&error) == Some(Excuse::Lost) => retry_pause.wait().await,
            begun => return begun,
        }
    }
    servers.begin().await
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
