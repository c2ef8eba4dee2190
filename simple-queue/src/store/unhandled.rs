//! Statements that find waiting jobs without a worker that runs them.

use chrono::{DateTime, Utc};
use serde_json::{Value, json};
use sqlx::{PgConnection, Row, types::Json};

use super::{Store, decode::Time};

/// Jobs that have long been due and that this process does not run.
#[derive(Debug)]
pub(crate) struct UnhandledKind {
    pub(crate) queue: String,
    pub(crate) kind: String,
    pub(crate) since: DateTime<Utc>,
}

impl Store {
    /// The kinds that wait in these queues and are not among these kinds.
    pub(crate) async fn list_unhandled_kinds(
        &self,
        connection: &mut PgConnection,
        served: &[(&str, Vec<&str>)],
    ) -> sqlx::Result<Vec<UnhandledKind>> {
        let asked: Vec<Value> =
            served.iter().map(|(queue, kinds)| json!({ "queue": queue, "kinds": kinds })).collect();
        let rows = self
            .statements
            .list_unhandled_kinds
            .query()
            .bind("served", Json(asked))
            .fetch_all(connection)
            .await?;
        rows.iter()
            .map(|row| {
                Ok(UnhandledKind {
                    queue: row.try_get("queue")?,
                    kind: row.try_get("kind")?,
                    since: row.try_get::<Time, _>("since")?.0,
                })
            })
            .collect()
    }

    /// Queues with waiting jobs that no process serves, and since when.
    pub(crate) async fn list_unhandled_queues(
        &self,
        connection: &mut PgConnection,
    ) -> sqlx::Result<Vec<(String, DateTime<Utc>)>> {
        let rows = self.statements.list_unhandled_queues.query().fetch_all(connection).await?;
        rows.iter()
            .map(|row| Ok((row.try_get("queue")?, row.try_get::<Time, _>("since")?.0)))
            .collect()
    }
}
