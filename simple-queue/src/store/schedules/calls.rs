//! Statements about single schedules, for calls.

use chrono::{DateTime, Utc};
use sqlx::{PgConnection, Row, postgres::PgRow};
use uuid::Uuid;

use super::{TickJob, each, every, read_time};
use crate::{
    row::Lease,
    schedule::{StoredRule, Tick},
    store::{
        Store,
        decode::{Columns, Time, columns, seconds, time},
    },
};

/// A schedule, as operators see it.
#[derive(Debug, Clone)]
pub(crate) struct ScheduleRow {
    pub(crate) name: String,
    /// The rule as it is declared.
    pub(crate) declared: StoredRule,
    /// The rule that an operator has set.
    pub(crate) set: Option<StoredRule>,
    pub(crate) queue: String,
    pub(crate) kind: String,
    pub(crate) next_at: DateTime<Utc>,
    pub(crate) last_at: Option<DateTime<Utc>>,
    pub(crate) last_job: Option<Uuid>,
    pub(crate) paused_at: Option<DateTime<Utc>>,
    pub(crate) declared_at: Option<DateTime<Utc>>,
    pub(crate) updated_at: DateTime<Utc>,
    pub(crate) waiting: i32,
    /// The present time of the database.
    pub(crate) now: DateTime<Utc>,
}

impl ScheduleRow {
    /// The rule that counts.
    pub(crate) fn rule(&self) -> &StoredRule {
        self.set.as_ref().unwrap_or(&self.declared)
    }
}

/// What became of a job that was asked for beside the ticks of its schedule.
#[derive(Debug)]
pub(crate) enum RunNow {
    /// The job is inserted, or waits for an earlier one. Perhaps an earlier try of the call has done it.
    Done,
    /// A live job has its unique key.
    Taken { unique_key: String },
}

/// Past ticks that are to get their jobs.
#[derive(Debug)]
pub(crate) struct Backfill<'b> {
    pub(crate) name: &'b str,
    pub(crate) ticks: &'b [TickJob],
    /// The last of the ticks.
    pub(crate) last: DateTime<Utc>,
}

columns! {
    ScheduleColumns {
        name, cron, zone, every, cron_set, zone_set, every_set, misfire, overlap, queue, kind, next_at, last_at,
        last_job, paused_at, declared_at, updated_at, waiting, now,
    }
}

impl Store {
    /// The schedules, or the one of this name.
    pub(crate) async fn list_schedules(
        &self,
        connection: &mut PgConnection,
        name: Option<&str>,
    ) -> sqlx::Result<Vec<ScheduleRow>> {
        let rows =
            self.statements.list_schedules.query().bind("name", name).fetch_all(connection).await?;
        ScheduleColumns::read(&rows, read_schedule)
    }

    /// The present time of the database.
    pub(crate) async fn read_clock(
        &self,
        connection: &mut PgConnection,
    ) -> sqlx::Result<DateTime<Utc>> {
        let row = self.statements.read_clock.query().fetch_one(connection).await?;
        Ok(row.try_get::<Time, _>("now")?.0)
    }

    /// The tick that a running job was enqueued for, and that of the job before; `None` if no schedule enqueued it.
    pub(crate) async fn read_tick(
        &self,
        connection: &mut PgConnection,
        lease: Lease,
    ) -> sqlx::Result<Option<Tick>> {
        let read = self.statements.read_tick.query();
        let read = read.bind("id", lease.job_id).bind("lease", lease.number);
        let Some(row) = read.fetch_optional(connection).await? else { return Ok(None) };
        let (at, since) = (read_time(&row, "tick")?, read_time(&row, "since")?);
        Ok(at.zip(since).map(|(at, since)| Tick { at, since }))
    }

    /// Pauses a schedule. Returns whether there is such a schedule.
    pub(crate) async fn pause_schedule(
        &self,
        connection: &mut PgConnection,
        name: &str,
    ) -> sqlx::Result<bool> {
        let paused = self.statements.pause_schedule.query().bind("name", name);
        Ok(paused.fetch_optional(connection).await?.is_some())
    }

    /// Gives a schedule this next tick and this rule of an operator's, and resumes it, if it is still as it was read.
    /// Returns whether it was.
    pub(crate) async fn change_schedule(
        &self,
        connection: &mut PgConnection,
        seen: &ScheduleRow,
        next_at: DateTime<Utc>,
        set: Option<&StoredRule>,
        resume: bool,
    ) -> sqlx::Result<bool> {
        let changed = self
            .statements
            .change_schedule
            .query()
            .bind("name", &seen.name)
            .bind("seen_next_at", time(seen.next_at))
            .bind("seen_updated_at", time(seen.updated_at))
            .bind("next_at", time(next_at))
            .bind("cron_set", set.and_then(|set| set.cron.as_deref()))
            .bind("zone_set", set.map(|set| set.zone.as_str()))
            .bind("every_set", every(set.and_then(|set| set.every)))
            .bind("resume", resume)
            .bind("channel", self.schema.channel());
        Ok(changed.fetch_optional(connection).await?.is_some())
    }

    /// Deletes a schedule. Returns whether there was one.
    pub(crate) async fn remove_schedule(
        &self,
        connection: &mut PgConnection,
        name: &str,
    ) -> sqlx::Result<bool> {
        let removed = self.statements.remove_schedule.query().bind("name", name);
        Ok(removed.fetch_optional(connection).await?.is_some())
    }

    /// Inserts a job of a schedule now, as one of a tick. `None`: there is no such schedule.
    pub(crate) async fn run_schedule(
        &self,
        connection: &mut PgConnection,
        name: &str,
        id: Uuid,
        at: DateTime<Utc>,
    ) -> sqlx::Result<Option<RunNow>> {
        let run = self.statements.run_schedule.query().bind("name", name).bind("id", id);
        let run = run.bind("at", time(at)).bind("channel", self.schema.channel());
        let Some(row) = run.fetch_optional(connection).await? else { return Ok(None) };
        let is_there: bool = row.try_get("is_there")?;
        Ok(Some(match row.try_get::<Option<String>, _>("unique_key")? {
            Some(unique_key) if !is_there => RunNow::Taken { unique_key },
            _ => RunNow::Done,
        }))
    }

    /// Inserts the jobs of past ticks, but for those that are known. Returns how many; `None` if the schedule has yet to
    /// reach a tick, or is gone.
    pub(crate) async fn backfill_schedule(
        &self,
        connection: &mut PgConnection,
        Backfill { name, ticks, last }: &Backfill<'_>,
    ) -> sqlx::Result<Option<i64>> {
        let row = self
            .statements
            .backfill_schedule
            .query()
            .bind("name", *name)
            .bind("last", time(*last))
            .bind("ids", each(ticks, |job| job.id))
            .bind("ats", each(ticks, |job| time(job.tick.at)))
            .bind("sinces", each(ticks, |job| time(job.tick.since)))
            .bind("channel", self.schema.channel())
            .fetch_optional(connection)
            .await?;
        row.map(|row| row.try_get("enqueued")).transpose()
    }
}

fn read_schedule(row: &PgRow, columns: &ScheduleColumns) -> sqlx::Result<ScheduleRow> {
    let misfire: String = row.try_get(columns.misfire)?;
    let overlap: String = row.try_get(columns.overlap)?;
    let rule = |cron: usize, zone: usize, every: usize| {
        Ok::<_, sqlx::Error>(StoredRule {
            cron: row.try_get(cron)?,
            zone: row.try_get::<Option<String>, _>(zone)?.unwrap_or_else(|| "UTC".to_owned()),
            every: row.try_get::<Option<f64>, _>(every)?.map(seconds),
            misfire: misfire.clone(),
            overlap: overlap.clone(),
        })
    };
    let set = rule(columns.cron_set, columns.zone_set, columns.every_set)?;
    Ok(ScheduleRow {
        name: row.try_get(columns.name)?,
        declared: rule(columns.cron, columns.zone, columns.every)?,
        set: (set.cron.is_some() || set.every.is_some()).then_some(set),
        queue: row.try_get(columns.queue)?,
        kind: row.try_get(columns.kind)?,
        next_at: row.try_get::<Time, _>(columns.next_at)?.0,
        last_at: read_time(row, columns.last_at)?,
        last_job: row.try_get(columns.last_job)?,
        paused_at: read_time(row, columns.paused_at)?,
        declared_at: read_time(row, columns.declared_at)?,
        updated_at: row.try_get::<Time, _>(columns.updated_at)?.0,
        waiting: row.try_get(columns.waiting)?,
        now: row.try_get::<Time, _>(columns.now)?.0,
    })
}
