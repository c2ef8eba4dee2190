//! Statements that only tests send.

use std::time::Duration;

use sqlx::{AssertSqlSafe, Executor, PgConnection, Row, postgres::PgRow};
use uuid::Uuid;

use super::{
    Store,
    decode::{Columns, JobColumns, columns, interval, read_job, seconds},
    history::{all_parts, read_history},
};
use crate::row::Job;

/// A job, as a test looks at it.
#[derive(Debug, Clone)]
pub(crate) struct EnqueuedRow {
    pub(crate) job: Job,
    pub(crate) priority: i16,
    /// Seconds until it is due; `None`: it has ended.
    pub(crate) due_in: Option<f64>,
}

/// How many jobs of a kind are in a state.
#[derive(Debug, Clone)]
pub(crate) struct KindCount {
    pub(crate) kind: String,
    /// `None`: they are live.
    pub(crate) status: Option<String>,
    pub(crate) jobs: i64,
}

/// What is left of the jobs that a worker runs.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Unfinished {
    pub(crate) running: i64,
    /// The kind of one of those that run.
    pub(crate) runs: Option<String>,
    pub(crate) due: i64,
    pub(crate) later: i64,
    /// Time until the next of the later ones is due.
    pub(crate) next_in: Option<Duration>,
    /// Time until a limit lets more jobs start.
    pub(crate) permitted_in: Option<Duration>,
}

columns! {
    EnqueuedColumns { priority, due_in }
}

fn read_enqueued(rows: &[PgRow]) -> sqlx::Result<Vec<EnqueuedRow>> {
    let Some(first) = rows.first() else { return Ok(Vec::new()) };
    let columns = JobColumns::of(first)?;
    EnqueuedColumns::read(rows, |row, more| {
        Ok(EnqueuedRow {
            job: read_job(row, &columns)?,
            priority: row.try_get(more.priority)?,
            due_in: row.try_get(more.due_in)?,
        })
    })
}

impl Store {
    /// Creates the tables in one round trip, and without their comments, unless the schema exists. Returns whether the
    /// tables are those of this release now.
    pub(crate) async fn create_at_once(&self, connection: &mut PgConnection) -> sqlx::Result<bool> {
        let history = read_history(&self.schema, connection).await?;
        if history.has_schema() {
            return Ok(history.is_current());
        }
        let parts = all_parts(&self.schema, self.days_ahead);
        let sql: String = parts.iter().map(|part| without_comments(&part.sql)).collect();
        connection.execute(sqlx::raw_sql(AssertSqlSafe(sql))).await?;
        Ok(true)
    }

    /// The live jobs of these kinds, or of all.
    pub(crate) async fn list_enqueued(
        &self,
        connection: &mut PgConnection,
        kinds: Option<&[&str]>,
    ) -> sqlx::Result<Vec<EnqueuedRow>> {
        let listed = self.statements.list_enqueued.query().bind("kinds", kinds);
        read_enqueued(&listed.fetch_all(connection).await?)
    }

    /// The jobs of all tables but those with these ids.
    pub(crate) async fn list_unknown_jobs(
        &self,
        connection: &mut PgConnection,
        known: &[Uuid],
    ) -> sqlx::Result<Vec<EnqueuedRow>> {
        let listed = self.statements.list_unknown_jobs.query().bind("known", known);
        read_enqueued(&listed.fetch_all(connection).await?)
    }

    /// The ids of all jobs.
    pub(crate) async fn list_ids(&self, connection: &mut PgConnection) -> sqlx::Result<Vec<Uuid>> {
        self.statements.list_ids.query().fetch_scalars(connection).await
    }

    /// How many jobs of each kind there are.
    pub(crate) async fn count_kinds(
        &self,
        connection: &mut PgConnection,
    ) -> sqlx::Result<Vec<KindCount>> {
        let rows = self.statements.count_kinds.query().fetch_all(connection).await?;
        let read = |row: &PgRow| {
            Ok(KindCount {
                kind: row.try_get("kind")?,
                status: row.try_get("status")?,
                jobs: row.try_get("jobs")?,
            })
        };
        rows.iter().map(read).collect()
    }

    /// What is left of the jobs of these queues, of the kind beside each or of every kind.
    pub(crate) async fn look_for_unfinished(
        &self,
        connection: &mut PgConnection,
        queues: &[String],
        kinds: &[Option<&str>],
    ) -> sqlx::Result<Unfinished> {
        let look = self.statements.look_for_unfinished.query();
        let row = look.bind("queues", queues).bind("kinds", kinds).fetch_one(connection).await?;
        let until =
            |column| Ok::<_, sqlx::Error>(row.try_get::<Option<f64>, _>(column)?.map(seconds));
        Ok(Unfinished {
            running: row.try_get("running")?,
            runs: row.try_get("runs")?,
            due: row.try_get("due")?,
            later: row.try_get("later")?,
            next_in: until("next_in")?,
            permitted_in: until("permitted_in")?,
        })
    }

    /// Brings all that waits nearer by this time, but for schedules.
    pub(crate) async fn bring_nearer(
        &self,
        connection: &mut PgConnection,
        by: Duration,
    ) -> sqlx::Result<()> {
        let by = interval(by);
        self.statements.bring_jobs_nearer.query().bind("by", by).execute(&mut *connection).await?;
        self.statements.bring_turns_nearer.query().bind("by", by).execute(&mut *connection).await?;
        self.statements.bring_gates_nearer.query().bind("by", by).execute(&mut *connection).await?;
        self.statements.bring_keys_nearer.query().bind("by", by).execute(&mut *connection).await?;
        let limits = self.statements.bring_limits_nearer.query().bind("by", by);
        limits.bind("channel", self.schema.channel()).fetch_all(connection).await?;
        Ok(())
    }
}

/// Leaves out the statements that comment on tables and functions.
fn without_comments(sql: &str) -> String {
    let mut is_in_comment = false;
    let is_kept = |line: &&str| {
        is_in_comment |= line.starts_with("comment on ");
        let is_kept = !is_in_comment;
        is_in_comment &= !line.trim_end().ends_with(';');
        is_kept
    };
    sql.split_inclusive('\n').filter(is_kept).collect()
}

/// Begins the part of a transaction that is a job's own.
pub(crate) async fn save_job(connection: &mut PgConnection) -> sqlx::Result<()> {
    connection.execute(include_str!("sql/save_job.sql")).await?;
    Ok(())
}

/// Ends that part: keeps what the job has done, or undoes it.
pub(crate) async fn end_job(connection: &mut PgConnection, keeps: bool) -> sqlx::Result<()> {
    let end =
        if keeps { include_str!("sql/keep_job.sql") } else { include_str!("sql/undo_job.sql") };
    connection.execute(end).await?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_comments_are_left_out() {
        let sql = "create table a ();\ncomment on table a is 'it
goes on; and on';\ncomment on column a.b is 'c';\n-- d\ncreate index e;\n";
        assert_eq!(without_comments(sql), "create table a ();\n-- d\ncreate index e;\n");
    }
}
