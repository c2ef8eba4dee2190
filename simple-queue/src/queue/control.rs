//! Cancels jobs; and how a call is sent.

use sqlx::{Connection, PgConnection};
use uuid::Uuid;

use super::SimpleQueue;
use crate::{
    Error,
    database::failure::FailedStatement,
    enqueue::{
        EnqueueOn,
        live::{Which, cancel_those},
    },
};

/// # Cancelling
impl SimpleQueue {
    /// Cancels a job. A waiting job ends at once. For a running job, in whatever process, the
    /// handler is told, and dropped after a grace. Returns whether the job was waiting or running.
    ///
    /// A job that succeeds before it is dropped is `completed`.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn cancel(&self, job_id: Uuid) -> Result<bool, Error> {
        Ok(cancel_those(self.target(), Which::Id(job_id)).await? > 0)
    }

    /// Sends one statement on one of the connections for calls.
    pub(super) async fn ask<T>(
        &self,
        exchange: impl AsyncFnOnce(&mut PgConnection) -> sqlx::Result<T>,
    ) -> sqlx::Result<T> {
        self.ask_for(1, exchange).await
    }

    /// Sends up to this number of statements on one of the connections for calls.
    pub(crate) async fn ask_for<T, E: From<sqlx::Error> + FailedStatement>(
        &self,
        statements: usize,
        exchange: impl AsyncFnOnce(&mut PgConnection) -> Result<T, E>,
    ) -> Result<T, E> {
        self.coalescer().calls().ask(self.servers(), statements, exchange).await
    }

    /// As [`SimpleQueue::ask_for`], in one transaction.
    pub(crate) async fn ask_in_transaction<T, E: From<sqlx::Error> + FailedStatement>(
        &self,
        statements: usize,
        exchange: impl AsyncFnOnce(&mut PgConnection) -> Result<T, E>,
    ) -> Result<T, E> {
        self.ask_for(statements, async |connection| {
            // Behind a pooler it is in one already.
            if connection.is_in_transaction() {
                return exchange(connection).await;
            }
            let mut tx = connection.begin().await?;
            let answer = exchange(&mut tx).await?;
            tx.commit().await?;
            Ok(answer)
        })
        .await
    }
}
