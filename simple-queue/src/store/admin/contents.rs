//! What jobs contain, and what concerns a single one.

use chrono::{DateTime, Utc};
use sqlx::{PgConnection, Row, postgres::PgRow};
use uuid::Uuid;

use super::look::ListRow;
use crate::store::{
    Store,
    decode::{Columns, Time, columns, time},
    statements::Bound,
};

columns! {
    ContentsColumns {
        id, payload_bytes, payload, version, unique_key, fingerprint, tags, metadata, errors, result, reason,
    }
}

/// What a job contains. JSON is in its text.
#[derive(Debug, Clone)]
pub(crate) struct ContentsRow {
    pub(crate) id: Uuid,
    pub(crate) payload_bytes: i32,
    /// `None`: it is longer than was asked for.
    pub(crate) payload: Option<String>,
    pub(crate) version: i32,
    pub(crate) unique_key: Option<String>,
    pub(crate) fingerprint: Option<String>,
    pub(crate) tags: Option<Vec<Option<String>>>,
    pub(crate) metadata: Option<String>,
    pub(crate) errors: Option<String>,
    pub(crate) result: Option<String>,
    pub(crate) reason: Option<String>,
}

/// What concerns the start of a live job.
#[derive(Debug, Clone)]
pub(crate) struct Circumstances {
    pub(crate) expires_at: Option<DateTime<Utc>>,
    pub(crate) cancel_requested_at: Option<DateTime<Utc>>,
    /// Seconds.
    pub(crate) timeout: Option<f64>,
    pub(crate) reprocess_count: i32,
    pub(crate) held: Option<Uuid>,
    pub(crate) gate: Option<String>,
    pub(crate) host: Option<String>,
    pub(crate) pid: Option<i32>,
    pub(crate) heartbeat_at: Option<DateTime<Utc>>,
    pub(crate) queue_paused_at: Option<DateTime<Utc>>,
    pub(crate) kind_paused_at: Option<DateTime<Utc>>,
}

/// The job that has a unique key.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Holder {
    pub(crate) job_id: Uuid,
    /// When a key that is only kept becomes free.
    pub(crate) kept_until: Option<DateTime<Utc>>,
}

/// What the role of a session may do with jobs.
#[derive(Debug, Clone, Copy)]
#[expect(clippy::struct_excessive_bools, reason = "each is a right of its own")]
pub(crate) struct RoleRights {
    pub(crate) sees: bool,
    pub(crate) sees_contents: bool,
    /// Without it no act is possible.
    pub(crate) leaves_traces: bool,
    /// Pauses and resumes.
    pub(crate) controls: bool,
    pub(crate) inserts: bool,
    pub(crate) updates: bool,
    /// Cancels, deletes and retries.
    pub(crate) ends: bool,
}

/// The tables of jobs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Table {
    Jobs,
    Archive,
    DeadLetters,
}

impl Table {
    fn of(row: &ListRow) -> Self {
        match row.status.as_str() {
            "pending" | "running" => Self::Jobs,
            "completed" => Self::Archive,
            _ => Self::DeadLetters,
        }
    }
}

impl Store {
    /// Which of these jobs a filter wants for what they contain.
    pub(crate) async fn match_contents(
        &self,
        connection: &mut PgConnection,
        rows: &[ListRow],
        contents: &str,
    ) -> sqlx::Result<Vec<Uuid>> {
        let mut wanted = Vec::new();
        for table in [Table::Jobs, Table::Archive, Table::DeadLetters] {
            let (ids, finished_ats) = in_table(rows, table);
            if ids.is_empty() {
                continue;
            }
            let statements = &self.statements;
            let matching = match table {
                Table::Jobs => statements.match_jobs.query().bind("ids", ids),
                Table::Archive => statements
                    .match_archived
                    .query()
                    .bind("ids", ids)
                    .bind("finished_ats", finished_ats),
                Table::DeadLetters => statements.match_dead_letters.query().bind("ids", ids),
            };
            let matching = for_contents(matching, contents);
            wanted.extend(matching.fetch_scalars::<Uuid>(connection).await?);
        }
        Ok(wanted)
    }

    /// What these jobs contain, in any order. A text of more than `longest` bytes is left out.
    pub(crate) async fn read_contents(
        &self,
        connection: &mut PgConnection,
        rows: &[ListRow],
        longest: i32,
    ) -> sqlx::Result<Vec<ContentsRow>> {
        let mut contents = Vec::new();
        for table in [Table::Jobs, Table::Archive, Table::DeadLetters] {
            let (ids, finished_ats) = in_table(rows, table);
            if ids.is_empty() {
                continue;
            }
            let statements = &self.statements;
            let reading = match table {
                Table::Jobs => statements.read_contents_of_jobs.query().bind("ids", ids),
                Table::Archive => statements
                    .read_contents_of_archived
                    .query()
                    .bind("ids", ids)
                    .bind("finished_ats", finished_ats),
                Table::DeadLetters => {
                    statements.read_contents_of_dead_letters.query().bind("ids", ids)
                }
            };
            let rows = up_to(reading, longest).fetch_all(connection).await?;
            contents.extend(ContentsColumns::read(&rows, read_contents)?);
        }
        Ok(contents)
    }

    /// What concerns the start of a job; `None` if it is not live.
    pub(crate) async fn read_circumstances(
        &self,
        connection: &mut PgConnection,
        id: Uuid,
    ) -> sqlx::Result<Option<Circumstances>> {
        let read = self.statements.read_circumstances.query().bind("id", id);
        let Some(row) = read.fetch_optional(connection).await? else { return Ok(None) };
        let read_time =
            |column| row.try_get::<Option<Time>, _>(column).map(|time| time.map(|Time(at)| at));
        Ok(Some(Circumstances {
            expires_at: read_time("expires_at")?,
            cancel_requested_at: read_time("cancel_requested_at")?,
            timeout: row.try_get("timeout")?,
            reprocess_count: row.try_get("reprocess_count")?,
            held: row.try_get("held")?,
            gate: row.try_get("gate")?,
            host: row.try_get("host")?,
            pid: row.try_get("pid")?,
            heartbeat_at: read_time("heartbeat_at")?,
            queue_paused_at: read_time("queue_paused_at")?,
            kind_paused_at: read_time("kind_paused_at")?,
        }))
    }

    /// What the role of this session may do with jobs.
    pub(crate) async fn read_rights(
        &self,
        connection: &mut PgConnection,
    ) -> sqlx::Result<RoleRights> {
        let row = self.statements.read_rights.query().fetch_one(connection).await?;
        Ok(RoleRights {
            sees: row.try_get("sees")?,
            sees_contents: row.try_get("sees_contents")?,
            leaves_traces: row.try_get("leaves_traces")?,
            controls: row.try_get("controls")?,
            inserts: row.try_get("inserts")?,
            updates: row.try_get("updates")?,
            ends: row.try_get("ends")?,
        })
    }

    /// The job that has a unique key, live or only keeping it.
    pub(crate) async fn find_holder_of_key(
        &self,
        connection: &mut PgConnection,
        key: &str,
    ) -> sqlx::Result<Option<Holder>> {
        let found = self.statements.find_holder_of_key.query().bind("key", key);
        let row = found.fetch_optional(connection).await?;
        row.map(|row| {
            let kept_until = row.try_get::<Option<Time>, _>("kept_until")?.map(|Time(at)| at);
            Ok(Holder { job_id: row.try_get("id")?, kept_until })
        })
        .transpose()
    }
}

fn for_contents<'q>(matching: Bound<'q>, contents: &'q str) -> Bound<'q> {
    matching.bind("contents", contents)
}

fn up_to(reading: Bound<'_>, longest: i32) -> Bound<'_> {
    reading.bind("longest", longest)
}

/// The rows of one table: their ids and their ends.
fn in_table(rows: &[ListRow], table: Table) -> (Vec<Uuid>, Vec<DateTime<Utc>>) {
    let rows = rows.iter().filter(|row| Table::of(row) == table);
    rows.map(|row| (row.id, time(row.finished_at.unwrap_or(row.changed_at)))).unzip()
}

fn read_contents(row: &PgRow, columns: &ContentsColumns) -> sqlx::Result<ContentsRow> {
    Ok(ContentsRow {
        id: row.try_get(columns.id)?,
        payload_bytes: row.try_get(columns.payload_bytes)?,
        payload: row.try_get(columns.payload)?,
        version: row.try_get(columns.version)?,
        unique_key: row.try_get(columns.unique_key)?,
        fingerprint: row.try_get(columns.fingerprint)?,
        tags: row.try_get(columns.tags)?,
        metadata: row.try_get(columns.metadata)?,
        errors: row.try_get(columns.errors)?,
        result: row.try_get(columns.result)?,
        reason: row.try_get(columns.reason)?,
    })
}
