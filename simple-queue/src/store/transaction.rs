//! Statements that limit how long an open transaction may wait.

use std::time::Duration;

use sqlx::PgConnection;

use super::Store;

impl Store {
    /// Limits how long statements of the open transaction wait for a lock.
    pub(crate) async fn limit_lock_wait(
        &self,
        connection: &mut PgConnection,
        limit: Duration,
    ) -> sqlx::Result<()> {
        let milliseconds = limit.as_millis().to_string();
        let limited = self.statements.limit_lock_wait.query().bind("limit", milliseconds);
        limited.execute(connection).await?;
        Ok(())
    }

    /// Limits how long a transaction that is about to finish a job may be idle, and marks it. Returns whether it was
    /// marked before.
    pub(crate) async fn limit_idle_transaction(
        &self,
        connection: &mut PgConnection,
        limit: Duration,
    ) -> sqlx::Result<bool> {
        let milliseconds = limit.as_millis().to_string();
        let limited = self.statements.limit_idle_transaction.query().bind("limit", milliseconds);
        limited.fetch_scalar(connection).await
    }
}
