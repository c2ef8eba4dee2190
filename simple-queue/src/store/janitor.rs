//! Statements of the janitor.

use std::time::Duration;

use sqlx::{PgConnection, Row};

use super::{Store, decode::interval};

/// How many rows of each table were deleted.
#[derive(Debug, Clone, Copy)]
pub(crate) struct DeletedHistory {
    pub(crate) archived: i64,
    pub(crate) dead_letters: i64,
    pub(crate) kept_keys: i64,
}

impl Store {
    /// Deletes jobs whose own retention has passed, dead letters older than `keep`, and kept keys whose time is over, at
    /// most `limit` of each table.
    pub(crate) async fn delete_expired(
        &self,
        connection: &mut PgConnection,
        keep: Duration,
        limit: i64,
    ) -> sqlx::Result<DeletedHistory> {
        let row = self
            .statements
            .delete_expired
            .query()
            .bind("keep", interval(keep))
            .bind("limit", limit)
            .bind("channel", self.schema.channel())
            .fetch_one(connection)
            .await?;
        Ok(DeletedHistory {
            archived: row.try_get("archived")?,
            dead_letters: row.try_get("dead_letters")?,
            kept_keys: row.try_get("kept_keys")?,
        })
    }
}
