//! Statements about schedules.

mod calls;

use std::time::Duration;

use chrono::{DateTime, Utc};
use sqlx::{
    ColumnIndex, PgConnection, Row,
    postgres::{PgRow, types::PgInterval},
};
use uuid::Uuid;

use super::{
    Store,
    decode::{Columns, Time, columns, interval, seconds, time},
    enqueue::bind_jobs,
};
use crate::{
    row::NewJob,
    schedule::{Schedule, StoredRule, Tick},
};

pub(crate) use calls::{Backfill, RunNow, ScheduleRow};

/// A schedule that is not stored yet.
#[derive(Debug, Clone)]
pub(crate) struct NewSchedule {
    pub(crate) name: String,
    pub(crate) schedule: Schedule,
    pub(crate) next_at: DateTime<Utc>,
    pub(crate) job: NewJob,
}

/// What a process finds when it looks for due schedules.
#[derive(Debug)]
pub(crate) struct ScheduleLook {
    /// The present time of the database.
    pub(crate) now: DateTime<Utc>,
    /// Time until the next schedule is due; `None`: there is none.
    pub(crate) wait: Option<Duration>,
    /// Ticks wait for earlier jobs to end.
    pub(crate) has_waiting: bool,
    pub(crate) due: Vec<DueSchedule>,
}

/// A schedule that is due.
#[derive(Debug)]
pub(crate) struct DueSchedule {
    pub(crate) name: String,
    pub(crate) rule: StoredRule,
    pub(crate) next_at: DateTime<Utc>,
    pub(crate) last_at: Option<DateTime<Utc>>,
    /// Its jobs have a unique key of the user's, which any transaction may hold.
    pub(crate) has_own_key: bool,
}

/// A tick that waited, and whose earlier job has ended.
#[derive(Debug)]
pub(crate) struct WaitingTick {
    pub(crate) name: String,
    pub(crate) rule: StoredRule,
    pub(crate) tick: DateTime<Utc>,
    pub(crate) last_at: Option<DateTime<Utc>>,
}

/// A move of a schedule past ticks.
#[derive(Debug)]
pub(crate) struct Advance {
    pub(crate) name: String,
    /// The next tick, as it was read.
    pub(crate) next_at: DateTime<Utc>,
    /// The next tick from now on.
    pub(crate) following: DateTime<Utc>,
    /// The ticks that get a job.
    pub(crate) ticks: Vec<TickJob>,
}

/// A tick and the id of its job.
#[derive(Debug, Clone, Copy)]
pub(crate) struct TickJob {
    pub(crate) id: Uuid,
    pub(crate) tick: Tick,
}

/// What was ticked.
#[derive(Debug, Default)]
pub(crate) struct Ticked {
    /// The schedules that this statement moved, with the ticks of each that wait.
    pub(crate) moved: Vec<(String, i32)>,
    /// Number of inserted jobs.
    pub(crate) inserted: i64,
}

columns! {
    DueColumns { name, cron, zone, every, misfire, overlap, next_at, last_at, has_own_key }
}

columns! {
    WaitingColumns { name, cron, zone, every, misfire, overlap, tick, last_at }
}

columns! {
    MovedColumns { name, waiting, inserted }
}

impl Store {
    /// Records schedules. `declared` says whether the code declares them: a call cannot put one of the same name.
    /// Returns how many were recorded.
    pub(crate) async fn put_schedules(
        &self,
        connection: &mut PgConnection,
        schedules: &[NewSchedule],
        declared: bool,
    ) -> sqlx::Result<usize> {
        let jobs: Vec<&NewJob> = schedules.iter().map(|new| &new.job).collect();
        let parts: Vec<_> = schedules.iter().map(|new| new.schedule.stored()).collect();
        let put = bind_jobs(self.statements.put_schedules.query(), &jobs)
            .bind("gates", each(&jobs, |job| job.gate()))
            .bind("costs", each(&jobs, |job| job.cost))
            .bind("names", each(schedules, |new| new.name.as_str()))
            .bind("next_ats", each(schedules, |new| time(new.next_at)))
            .bind("everys", each(&parts, |rule| every(rule.every)))
            .bind("crons", each(&parts, |rule| rule.cron.as_deref()))
            .bind("zones", each(&parts, |rule| rule.zone.as_str()))
            .bind("misfires", each(&parts, |rule| rule.misfire.as_str()))
            .bind("overlaps", each(&parts, |rule| rule.overlap.as_str()))
            .bind("is_declared", declared)
            .bind("channel", self.schema.channel());
        Ok(put.fetch_all(connection).await?.len())
    }

    /// Gives declared schedules that have an earlier name of their job its present name.
    pub(crate) async fn rename_schedules(
        &self,
        connection: &mut PgConnection,
        aliases: &[(&str, &str)],
    ) -> sqlx::Result<()> {
        self.statements
            .rename_schedules
            .query()
            .bind("names", each(aliases, |(name, _)| *name))
            .bind("aliases", each(aliases, |(_, alias)| *alias))
            .execute(connection)
            .await?;
        Ok(())
    }

    /// Notes that this process still declares these schedules.
    pub(crate) async fn touch_schedules(
        &self,
        connection: &mut PgConnection,
        names: &[&str],
    ) -> sqlx::Result<()> {
        self.statements.touch_schedules.query().bind("names", names).execute(connection).await?;
        Ok(())
    }

    /// The schedules that the code declared and that no worker has declared for a day; none if a process was told
    /// within a day.
    pub(crate) async fn list_undeclared_schedules(
        &self,
        connection: &mut PgConnection,
    ) -> sqlx::Result<Vec<(String, DateTime<Utc>)>> {
        let rows = self.statements.list_undeclared_schedules.query().fetch_all(connection).await?;
        rows.iter()
            .map(|row| Ok((row.try_get("name")?, row.try_get::<Time, _>("declared_at")?.0)))
            .collect()
    }

    /// Looks for schedules of these queues that are due, and for any that have been due for as long as `patience`,
    /// without those in `stuck`.
    pub(crate) async fn read_due_schedules(
        &self,
        connection: &mut PgConnection,
        queues: &[String],
        patience: Duration,
        stuck: &[&str],
        limit: usize,
    ) -> sqlx::Result<ScheduleLook> {
        let rows = self
            .statements
            .read_due_schedules
            .query()
            .bind("queues", queues)
            .bind("stuck", stuck)
            .bind("patience", interval(patience))
            .bind("limit", i64::try_from(limit).unwrap_or(i64::MAX))
            .fetch_all(connection)
            .await?;
        let first = rows.first().ok_or(sqlx::Error::RowNotFound)?;
        let wait: Option<f64> = first.try_get("wait")?;
        let due = DueColumns::read(&rows, |row, columns| {
            let Some(name) = row.try_get::<Option<String>, _>(columns.name)? else {
                return Ok(None);
            };
            Ok(Some(DueSchedule {
                name,
                rule: StoredRule {
                    cron: row.try_get(columns.cron)?,
                    zone: row.try_get(columns.zone)?,
                    every: row.try_get::<Option<f64>, _>(columns.every)?.map(seconds),
                    misfire: row.try_get(columns.misfire)?,
                    overlap: row.try_get(columns.overlap)?,
                },
                next_at: row.try_get::<Time, _>(columns.next_at)?.0,
                last_at: read_time(row, columns.last_at)?,
                has_own_key: row.try_get(columns.has_own_key)?,
            }))
        })?;
        Ok(ScheduleLook {
            now: first.try_get::<Time, _>("now")?.0,
            wait: wait.map(seconds),
            has_waiting: first.try_get("has_waiting")?,
            due: due.into_iter().flatten().collect(),
        })
    }

    /// The first waiting tick of each schedule of these queues whose earlier job has ended.
    pub(crate) async fn read_waiting_ticks(
        &self,
        connection: &mut PgConnection,
        queues: &[String],
        stuck: &[&str],
        limit: usize,
    ) -> sqlx::Result<Vec<WaitingTick>> {
        let rows = self
            .statements
            .read_waiting_ticks
            .query()
            .bind("queues", queues)
            .bind("stuck", stuck)
            .bind("limit", i64::try_from(limit).unwrap_or(i64::MAX))
            .fetch_all(connection)
            .await?;
        WaitingColumns::read(&rows, |row, columns| {
            Ok(WaitingTick {
                name: row.try_get(columns.name)?,
                rule: StoredRule {
                    cron: row.try_get(columns.cron)?,
                    zone: row.try_get(columns.zone)?,
                    every: row.try_get::<Option<f64>, _>(columns.every)?.map(seconds),
                    misfire: row.try_get(columns.misfire)?,
                    overlap: row.try_get(columns.overlap)?,
                },
                tick: row.try_get::<Time, _>(columns.tick)?.0,
                last_at: read_time(row, columns.last_at)?,
            })
        })
    }

    /// Moves schedules past ticks, and inserts their jobs.
    pub(crate) async fn tick_schedules(
        &self,
        connection: &mut PgConnection,
        advances: &[Advance],
    ) -> sqlx::Result<Ticked> {
        let ticks: Vec<TickJob> =
            advances.iter().flat_map(|advance| advance.ticks.iter().copied()).collect();
        // Arrays of the database begin at 1, and the ticks of a schedule are a part of them.
        let (mut firsts, mut lasts, mut last) = (Vec::new(), Vec::new(), 0);
        for advance in advances {
            firsts.push(last + 1);
            last += i32::try_from(advance.ticks.len()).unwrap_or(i32::MAX);
            lasts.push(last);
        }
        let rows = self
            .statements
            .tick_schedules
            .query()
            .bind("names", each(advances, |advance| advance.name.as_str()))
            .bind("next_ats", each(advances, |advance| time(advance.next_at)))
            .bind("then_ats", each(advances, |advance| time(advance.following)))
            .bind("firsts", firsts)
            .bind("lasts", lasts)
            .bind("ids", each(&ticks, |job| job.id))
            .bind("ats", each(&ticks, |job| time(job.tick.at)))
            .bind("sinces", each(&ticks, |job| time(job.tick.since)))
            .bind("channel", self.schema.channel())
            .fetch_all(connection)
            .await?;
        ticked(&rows)
    }

    /// Inserts the jobs of ticks that waited.
    pub(crate) async fn release_ticks(
        &self,
        connection: &mut PgConnection,
        ticks: &[(String, TickJob)],
    ) -> sqlx::Result<Ticked> {
        let rows = self
            .statements
            .release_ticks
            .query()
            .bind("ticks", each(ticks, |(name, _)| name.as_str()))
            .bind("ids", each(ticks, |(_, job)| job.id))
            .bind("ats", each(ticks, |(_, job)| time(job.tick.at)))
            .bind("sinces", each(ticks, |(_, job)| time(job.tick.since)))
            .bind("channel", self.schema.channel())
            .fetch_all(connection)
            .await?;
        ticked(&rows)
    }
}

fn ticked(rows: &[PgRow]) -> sqlx::Result<Ticked> {
    let mut all = Ticked::default();
    let moved = MovedColumns::read(rows, |row, columns| {
        let waiting = row.try_get::<Option<i32>, _>(columns.waiting)?.unwrap_or_default();
        Ok((row.try_get(columns.name)?, waiting, row.try_get::<i64, _>(columns.inserted)?))
    })?;
    for (name, waiting, inserted) in moved {
        all.inserted = inserted;
        all.moved.push((name, waiting));
    }
    Ok(all)
}

fn read_time(row: &PgRow, column: impl ColumnIndex<PgRow>) -> sqlx::Result<Option<DateTime<Utc>>> {
    Ok(row.try_get::<Option<Time>, _>(column)?.map(|Time(at)| at))
}

/// One value of each, as an array.
fn each<'t, T, V>(all: &'t [T], value: impl Fn(&'t T) -> V) -> Vec<V> {
    all.iter().map(value).collect()
}

/// The interval of a rule.
fn every(time: Option<Duration>) -> Option<PgInterval> {
    time.map(interval)
}
