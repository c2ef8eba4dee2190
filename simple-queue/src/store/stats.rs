//! Statements of the statistics.

use std::time::Duration;

use chrono::{DateTime, Utc};
use serde::Serialize;
use sqlx::{PgConnection, Row, postgres::PgRow, types::Json};

use super::{
    Store,
    decode::{Columns, Time, columns, interval, time},
};
use crate::{
    job::KeyedBy,
    stats::{Counted, Histogram},
};

/// The widths of rows in seconds, and the narrower ones of which they are computed.
const WIDTHS: [(i32, i32); 2] = [(600, 60), (3600, 600)];

/// 5 minutes between two times that one process computes the wider rows.
const ROLL_UP: Duration = Duration::from_mins(5);

/// The counts of one queue and kind in one interval.
#[derive(Debug, Clone)]
pub(crate) struct StatsRow {
    pub(crate) at: DateTime<Utc>,
    pub(crate) queue: String,
    pub(crate) kind: String,
    pub(crate) runs: i64,
    pub(crate) completed: i64,
    pub(crate) retried: i64,
    pub(crate) snoozed: i64,
    pub(crate) dead: i64,
    pub(crate) cancelled: i64,
    pub(crate) wait: Histogram,
    pub(crate) run: Histogram,
}

/// A time in the past.
#[derive(Debug, Clone, Copy)]
pub(crate) enum StatsSpan {
    /// By the database's clock.
    Last(Duration),
    Between(DateTime<Utc>, DateTime<Utc>),
}

/// Which rows are read.
#[derive(Debug, Clone)]
pub(crate) struct StatsRange<'r> {
    pub(crate) width: Duration,
    pub(crate) span: StatsSpan,
    pub(crate) queue: Option<&'r str>,
    pub(crate) kind: Option<&'r str>,
}

/// A queue, as it was when its jobs were last counted.
#[derive(Debug, Clone)]
pub(crate) struct QueueRow {
    pub(crate) name: String,
    pub(crate) workers: i64,
    pub(crate) counted_at: Option<DateTime<Utc>>,
    pub(crate) waiting: Option<i32>,
    pub(crate) later: Option<i32>,
    pub(crate) oldest_ms: Option<i64>,
}

columns! {
    QueueColumns { name, workers, counted_at, waiting, later, oldest_ms }
}

columns! {
    StatsColumns {
        at, queue, kind, runs, completed, retried, snoozed, dead, cancelled, wait_ms, run_ms, wait, run,
    }
}

#[derive(Serialize)]
struct CountedRow<'c> {
    queue: &'c str,
    kind: &'c str,
    runs: u32,
    completed: u32,
    retried: u32,
    snoozed: u32,
    dead: u32,
    cancelled: u32,
    wait_ms: u64,
    run_ms: u64,
    wait: &'c [u32],
    run: &'c [u32],
}

impl<'c> From<&'c Counted> for CountedRow<'c> {
    fn from(Counted { name, counts }: &'c Counted) -> Self {
        Self {
            queue: &name.queue,
            kind: &name.kind,
            runs: counts.runs,
            completed: counts.completed,
            retried: counts.retried,
            snoozed: counts.snoozed,
            dead: counts.dead,
            cancelled: counts.cancelled,
            wait_ms: counts.wait.millis(),
            run_ms: counts.run.millis(),
            wait: counts.wait.stored(),
            run: counts.run.stored(),
        }
    }
}

impl Store {
    /// Adds what a process has counted to the rows of this minute.
    pub(crate) async fn add_stats(
        &self,
        connection: &mut PgConnection,
        counted: &[Counted],
    ) -> sqlx::Result<()> {
        let rows: Vec<CountedRow<'_>> = counted.iter().map(CountedRow::from).collect();
        self.statements.add_stats.query().bind("counted", Json(rows)).execute(connection).await?;
        Ok(())
    }

    /// Computes the rows of wider intervals anew, if no process has done it for a while. In a transaction.
    pub(crate) async fn roll_up_stats(&self, connection: &mut PgConnection) -> sqlx::Result<()> {
        if !self.claim_upkeep(&mut *connection, "stats", ROLL_UP).await? {
            return Ok(());
        }
        for (width, narrower) in WIDTHS {
            let roll_up = self.statements.roll_up_stats.query().bind("width", width);
            roll_up.bind("narrower", narrower).execute(&mut *connection).await?;
        }
        Ok(())
    }

    /// The names of the queues that are known, if no process has counted their jobs in this time; otherwise none. In a
    /// transaction.
    pub(crate) async fn claim_sampling(
        &self,
        connection: &mut PgConnection,
        pause: Duration,
    ) -> sqlx::Result<Vec<String>> {
        if !self.claim_upkeep(&mut *connection, "depth", pause).await? {
            return Ok(Vec::new());
        }
        self.list_queues(connection).await
    }

    /// The names of the queues that are known.
    pub(crate) async fn list_queues(
        &self,
        connection: &mut PgConnection,
    ) -> sqlx::Result<Vec<String>> {
        let rows = self.statements.list_queues.query().fetch_all(connection).await?;
        rows.iter().map(|row| row.try_get("name")).collect()
    }

    /// Counts the jobs of a queue that wait, each count up to `most`, and writes the counts down.
    pub(crate) async fn sample_depth(
        &self,
        connection: &mut PgConnection,
        queue: &str,
        most: i32,
    ) -> sqlx::Result<()> {
        let rules = KeyedBy::ALL.map(|by| format!("{}:{queue}", by.word()));
        let sample = self.statements.sample_depth.query().bind("queue", queue);
        sample.bind("rules", &rules[..]).bind("most", most).execute(connection).await?;
        Ok(())
    }

    /// Each of these queues, as it was when its jobs were last counted.
    pub(crate) async fn list_queue_states(
        &self,
        connection: &mut PgConnection,
        names: &[String],
    ) -> sqlx::Result<Vec<QueueRow>> {
        let rows = self.statements.list_queue_states.query().bind("names", names);
        let rows = rows.fetch_all(connection).await?;
        QueueColumns::read(&rows, |row, columns| {
            let at = |column| {
                Ok::<_, sqlx::Error>(row.try_get::<Option<Time>, _>(column)?.map(|Time(at)| at))
            };
            Ok(QueueRow {
                name: row.try_get(columns.name)?,
                workers: row.try_get(columns.workers)?,
                counted_at: at(columns.counted_at)?,
                waiting: row.try_get(columns.waiting)?,
                later: row.try_get(columns.later)?,
                oldest_ms: row.try_get(columns.oldest_ms)?,
            })
        })
    }

    /// Deletes at most `limit` old rows; returns how many.
    pub(crate) async fn delete_old_stats(
        &self,
        connection: &mut PgConnection,
        limit: u32,
    ) -> sqlx::Result<u64> {
        let deleted = self.statements.delete_old_stats.query().bind("limit", i64::from(limit));
        Ok(deleted.execute(connection).await?.rows_affected())
    }

    /// The rows of a width in a time, the oldest first.
    pub(crate) async fn read_stats(
        &self,
        connection: &mut PgConnection,
        range: &StatsRange<'_>,
    ) -> sqlx::Result<Vec<StatsRow>> {
        let (last, since, until) = match range.span {
            StatsSpan::Last(last) => (Some(interval(last)), None, None),
            StatsSpan::Between(since, until) => (None, Some(time(since)), Some(time(until))),
        };
        let rows = self
            .statements
            .read_stats
            .query()
            .bind("width", i32::try_from(range.width.as_secs()).unwrap_or(i32::MAX))
            .bind("last", last)
            .bind("since", since)
            .bind("until", until)
            .bind("queue", range.queue)
            .bind("kind", range.kind)
            .fetch_all(connection)
            .await?;
        StatsColumns::read(&rows, read_row)
    }
}

fn read_row(row: &PgRow, columns: &StatsColumns) -> sqlx::Result<StatsRow> {
    let histogram = |bins: usize, millis: usize| {
        let bins: Vec<i32> = row.try_get(bins)?;
        Ok::<_, sqlx::Error>(Histogram::of_stored(&bins, row.try_get(millis)?))
    };
    Ok(StatsRow {
        at: row.try_get::<Time, _>(columns.at)?.0,
        queue: row.try_get(columns.queue)?,
        kind: row.try_get(columns.kind)?,
        runs: row.try_get(columns.runs)?,
        completed: row.try_get(columns.completed)?,
        retried: row.try_get(columns.retried)?,
        snoozed: row.try_get(columns.snoozed)?,
        dead: row.try_get(columns.dead)?,
        cancelled: row.try_get(columns.cancelled)?,
        wait: histogram(columns.wait, columns.wait_ms)?,
        run: histogram(columns.run, columns.run_ms)?,
    })
}
