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

/// The transaction in which a job is finished. A `#[job]` function with a `&mut JobTx` parameter
/// receives it.
///
/// When the function succeeds, its statements in the transaction and the completion of its job are
/// committed together, so the effects happen exactly once. In every other case they are rolled
/// back.
///
/// Trouble of the database uses no attempt. If the transaction cannot begin, loses its connection,
/// or is rolled back for a deadlock or a conflict, the job runs again about a second later with the
/// same number of attempts left. The wait for a connection of the pool does not count towards the
/// job's `timeout`. A process starts at most twice as many of these jobs as its pool has
/// connections.
///
/// The queue ends the transaction. A function that sends `commit` or `rollback` as SQL has failed,
/// whatever it returns. Savepoints are allowed.
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
    /// Begins the transaction on the queue's pool. If that fails, the job did not run and no
    /// attempt is used.
    pub(crate) async fn begin(context: &JobContext) -> Result<Self, Outcome> {
        let queue = context.queue();
        #[cfg(feature = "testing")]
        if let Some(unit) = queue.unit()
            && let Some(lent) = unit.lend().await
        {
            let store = queue.store().clone();
            return lent.map_or_else(
                |error| Err(Outcome::undone(error.to_string())),
                |tx| Ok(Self { tx, store }),
            );
        }
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

    /// Finishes the job in the transaction and commits, if the outcome is a success.
    ///
    /// If a commit gets no answer, the step that writes the outcome finds out whether it took
    /// place.
    pub(crate) async fn finish(mut self, context: &JobContext, outcome: Outcome) -> Outcome {
        #[cfg(feature = "testing")]
        if let Some(unit) = context.queue().unit().filter(|unit| unit.lent.is_some()) {
            let ended = unit.take_back(self.tx, outcome.is_complete()).await;
            return match ended {
                Ok(()) => outcome,
                Err(error) => Outcome::attempt_failed(error.to_string()),
            };
        }
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

    /// Rolls back. A function that failed because of the database is not to blame, and neither is
    /// one whose connection turns out to be broken.
    async fn roll_back(self, servers: &Servers, outcome: Outcome) -> Outcome {
        let rolled_back = timeout(servers.statement_timeout(), self.tx.rollback()).await;
        match rolled_back {
            Ok(Err(error)) if excuse_of(&error).is_some() => outcome.undo(),
            _ => outcome.excused(&[Excuse::RolledBack]),
        }
    }
}

/// 4 more tries after a connection that broke while it was idle; a pool may hold several of those.
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
