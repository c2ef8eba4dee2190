//! Statements that cancel and redrive jobs.

use sqlx::{PgConnection, Row};
use uuid::Uuid;

use super::Store;

impl Store {
    /// Whether the tables exist and are new enough for this release.
    pub(crate) async fn read_readiness(&self, connection: &mut PgConnection) -> sqlx::Result<bool> {
        self.statements.read_readiness.query().fetch_scalar(connection).await
    }

    /// The live job that holds the unique key of a dead letter, or its id.
    pub(crate) async fn find_holder_of_dead_key(
        &self,
        connection: &mut PgConnection,
        dead: Uuid,
    ) -> sqlx::Result<Option<(Option<String>, Uuid)>> {
        let holder = self.statements.find_holder_of_dead_key.query().bind("id", dead);
        let row = holder.fetch_optional(connection).await?;
        row.map(|row| Ok((row.try_get("unique_key")?, row.try_get("id")?))).transpose()
    }

    /// Puts dead letters back to pending; returns each with whether it was put back.
    pub(crate) async fn redrive_dead_letters(
        &self,
        connection: &mut PgConnection,
        ids: &[Uuid],
    ) -> sqlx::Result<Vec<(Uuid, bool)>> {
        let rows = self
            .statements
            .redrive_dead_letters
            .query()
            .bind("ids", ids)
            .bind("channel", self.schema.channel())
            .fetch_all(connection)
            .await?;
        rows.iter().map(|row| Ok((row.try_get("id")?, row.try_get("redriven")?))).collect()
    }

    /// Ends pending jobs and requests the cancellation of running ones; returns how many of each. If an earlier call
    /// may have been carried out, jobs that are already cancelled count too.
    pub(crate) async fn cancel_jobs(
        &self,
        connection: &mut PgConnection,
        ids: &[Uuid],
        repeated: bool,
    ) -> sqlx::Result<(i64, i64)> {
        let (mut cancelled, mut requested) = (0, 0);
        let (mut ids, mut repeated) = (ids.to_vec(), repeated);
        loop {
            let cancel = self.statements.cancel_jobs.query().bind("ids", ids);
            let cancel = cancel.bind("channel", self.schema.channel()).bind("repeated", repeated);
            let row = cancel.fetch_one(&mut *connection).await?;
            cancelled += row.try_get::<i64, _>("cancelled")?;
            requested += row.try_get::<i64, _>("requested")?;
            // Jobs that have changed while the statement waited for them: the next one sees them as they are now.
            ids = row.try_get("changed")?;
            repeated = false;
            if ids.is_empty() {
                return Ok((cancelled, requested));
            }
        }
    }
}
