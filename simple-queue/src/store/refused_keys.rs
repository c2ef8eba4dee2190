//! Statements that find the job of a key for which a visit is refused.

use sqlx::{Connection, PgConnection};
use uuid::Uuid;

use super::{Fetched, Store};
use crate::job::KeyLimit;

impl Store {
    /// The next due jobs of the keys that a visit of this limit would look at, from this gate on.
    pub(crate) async fn find_due_of_keys(
        &self,
        connection: &mut PgConnection,
        (name, limit): (&str, KeyLimit),
        after: &str,
        permits: usize,
    ) -> sqlx::Result<Vec<Uuid>> {
        let find = self.statements.find_due_of_keys.query().bind("rule", name).bind("after", after);
        // Of a sequence only the first job may be claimed, and only that one may halt it.
        let each = if limit.order.is_some() { 1 } else { 10 };
        let permits = i64::try_from(permits).unwrap_or(i64::MAX);
        find.bind("each", each).bind("permits", permits).fetch_scalars(connection).await
    }

    /// Whether these jobs can be claimed and read. Nothing is changed, so their keys and limits do not matter.
    ///
    /// # Errors
    /// When one of them is refused, or cannot be read.
    pub(crate) async fn try_jobs_of_keys(
        &self,
        connection: &mut PgConnection,
        worker_id: Uuid,
        ids: &[Uuid],
    ) -> sqlx::Result<()> {
        let mut tx = connection.begin().await?;
        let claim = self.statements.try_jobs_of_keys.query().bind("ids", ids);
        let rows = claim.bind("worker_id", worker_id).fetch_all(&mut tx).await;
        let read = rows.and_then(|rows| Fetched::decode(&rows, worker_id, ids.len()));
        tx.rollback().await?;
        read.map(|_| ())
    }
}
