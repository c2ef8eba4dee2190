//! Statements that change or copy what one job contains.

use chrono::{DateTime, Utc};
use sqlx::{PgConnection, Row};
use uuid::Uuid;

use crate::store::{Store, decode::time};

/// What an edit of a job's contents has to know.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Edited {
    pub(crate) queue: String,
    pub(crate) kind: String,
    pub(crate) version: i32,
    pub(crate) payload: String,
    pub(crate) unique_key: Option<String>,
    pub(crate) fingerprint: Option<String>,
    pub(crate) gate: Option<String>,
    pub(crate) cost: Option<i32>,
}

/// New contents; what is `None` stays, except the keys and the cost.
#[derive(Debug, Clone, Default)]
pub(crate) struct NewContents {
    pub(crate) payload: Option<String>,
    pub(crate) unique_key: Option<String>,
    pub(crate) fingerprint: Option<String>,
    pub(crate) gate: Option<String>,
    pub(crate) cost: Option<i32>,
    pub(crate) max_attempts: Option<i32>,
    pub(crate) tags: Option<Vec<String>>,
}

/// What came of the copy of a completed job.
#[derive(Debug, Clone)]
pub(crate) enum Copied {
    Inserted,
    /// The key is taken.
    Taken(String),
}

impl Store {
    pub(crate) async fn read_for_edit(
        &self,
        connection: &mut PgConnection,
        id: Uuid,
    ) -> sqlx::Result<Edited> {
        let row =
            self.statements.read_for_edit.query().bind("id", id).fetch_one(connection).await?;
        Ok(Edited {
            queue: row.try_get("queue")?,
            kind: row.try_get("kind")?,
            version: row.try_get("version")?,
            payload: row.try_get("payload")?,
            unique_key: row.try_get("unique_key")?,
            fingerprint: row.try_get("fingerprint")?,
            gate: row.try_get("gate")?,
            cost: row.try_get("cost")?,
        })
    }

    /// Gives a waiting job, which is locked, other contents.
    pub(crate) async fn edit_job(
        &self,
        connection: &mut PgConnection,
        id: Uuid,
        new: &NewContents,
    ) -> sqlx::Result<()> {
        let edited = self
            .statements
            .edit_job
            .query()
            .bind("id", id)
            .bind("payload", &new.payload)
            .bind("unique_key", &new.unique_key)
            .bind("fingerprint", &new.fingerprint)
            .bind("gate", &new.gate)
            .bind("cost", new.cost)
            .bind("max_attempts", new.max_attempts)
            .bind("tags", &new.tags)
            .bind("channel", self.schema.channel());
        edited.fetch_one(connection).await.map(drop)
    }

    /// Enqueues a completed job once more; `None` if the archive does not have it. It was made after `since`.
    pub(crate) async fn copy_archived_job(
        &self,
        connection: &mut PgConnection,
        id: Uuid,
        new_id: Uuid,
        since: Option<DateTime<Utc>>,
    ) -> sqlx::Result<Option<Copied>> {
        let copied = self
            .statements
            .copy_archived_job
            .query()
            .bind("id", id)
            .bind("new_id", new_id)
            .bind("since", since.map(time))
            .bind("channel", self.schema.channel());
        let Some(row) = copied.fetch_optional(connection).await? else { return Ok(None) };
        let key: Option<String> = row.try_get("unique_key")?;
        Ok(Some(match (row.try_get("is_new")?, key) {
            (false, Some(key)) => Copied::Taken(key),
            _ => Copied::Inserted,
        }))
    }
}
