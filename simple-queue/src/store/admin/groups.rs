//! Dead letters grouped by their errors.

use chrono::{DateTime, Utc};
use sqlx::{PgConnection, Row};
use uuid::Uuid;

use crate::store::{
    Store,
    decode::{Columns, Time, columns},
};

columns! {
    GroupColumns { kind, error_key, jobs, first_at, last_at, sample_id }
}

/// The dead letters of one kind and error.
#[derive(Debug, Clone)]
pub(crate) struct GroupRow {
    pub(crate) kind: String,
    pub(crate) error_key: String,
    pub(crate) jobs: i64,
    pub(crate) first_at: DateTime<Utc>,
    pub(crate) last_at: DateTime<Utc>,
    pub(crate) sample_id: Uuid,
}

impl Store {
    /// Groups the dead letters that a filter wants, among the last `window` of its times; returns how many were looked
    /// at, and the `limit` largest groups.
    pub(crate) async fn group_errors(
        &self,
        connection: &mut PgConnection,
        (of_the_row, of_the_contents): (&str, Option<&str>),
        window: i64,
        limit: i64,
    ) -> sqlx::Result<(i64, Vec<GroupRow>)> {
        let grouping = self
            .statements
            .group_errors
            .query()
            .bind("filter", of_the_row)
            .bind("contents", of_the_contents.unwrap_or("{}"))
            .bind("asks_contents", of_the_contents.is_some())
            .bind("window", window)
            .bind("limit", limit);
        let rows = grouping.fetch_all(connection).await?;
        let first = rows.first().ok_or(sqlx::Error::RowNotFound)?;
        let looked_at: i64 = first.try_get("looked_at")?;
        // Without a group there is one row, which only says how many were looked at.
        let is_empty = first.try_get::<Option<Uuid>, _>("sample_id")?.is_none();
        let rows = if is_empty { &[] } else { rows.as_slice() };
        let groups = GroupColumns::read(rows, |row, columns| {
            Ok(GroupRow {
                kind: row.try_get(columns.kind)?,
                error_key: row.try_get::<Option<String>, _>(columns.error_key)?.unwrap_or_default(),
                jobs: row.try_get(columns.jobs)?,
                first_at: row.try_get::<Time, _>(columns.first_at)?.0,
                last_at: row.try_get::<Time, _>(columns.last_at)?.0,
                sample_id: row.try_get(columns.sample_id)?,
            })
        })?;
        Ok((looked_at, groups))
    }
}
