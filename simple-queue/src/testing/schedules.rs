//! Schedules, as far as they follow the time of a test.

use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};

use crate::{
    SimpleQueue,
    schedule::{Schedule, Tick, id_of_tick},
    store::{Advance, NewSchedule, ScheduleRow, TickJob},
};

/// 10,000, upper bound of the ticks that a schedule passes in one step.
const MOST_TICKS: usize = 10_000;

/// Declares the schedules of the registered jobs.
pub(super) async fn declare(queue: &SimpleQueue) {
    let jobs = queue.scheduled_jobs();
    if jobs.is_empty() {
        return;
    }
    let declared = queue.ask_for(2, async |connection| {
        let now = queue.store().read_clock(connection).await?;
        let declared: Vec<NewSchedule> = jobs
            .iter()
            .filter_map(|job| {
                let next_at = job.schedule.next_after(now)?;
                let (name, schedule) = (job.name.clone(), job.schedule.clone());
                Some(NewSchedule { name, schedule, next_at, job: job.job.clone() })
            })
            .collect();
        queue.store().put_schedules(connection, &declared, true).await
    });
    declared
        .await
        .unwrap_or_else(|error: sqlx::Error| panic!("the schedules cannot be declared: {error}"));
}

/// Gives each tick of this time its job, after `from` has passed by earlier calls, as if each had
/// come in time.
pub(super) async fn pass_ticks(queue: &SimpleQueue, from: Duration, by: Duration) {
    let passed = queue.ask_for(2, async |connection| {
        let rows = queue.store().list_schedules(connection, None).await?;
        let schema = queue.store().schema().name();
        let rows = rows.iter().filter(|row| row.paused_at.is_none());
        let advances: Vec<Advance> =
            rows.filter_map(|row| advance(schema, row, from, by)).collect();
        if !advances.is_empty() {
            queue.store().tick_schedules(connection, &advances).await?;
        }
        Ok(())
    });
    passed.await.unwrap_or_else(|error: sqlx::Error| panic!("schedules cannot fire: {error}"));
}

/// `None`: it never fires again, or cannot be read.
fn advance(schema: &str, row: &ScheduleRow, from: Duration, by: Duration) -> Option<Advance> {
    let schedule = row.rule().read().ok()?;
    let time = |passed: Duration| TimeDelta::from_std(passed).unwrap_or(TimeDelta::MAX);
    let before = row.now.checked_add_signed(time(from))?;
    let until = before.checked_add_signed(time(by))?;
    // Before the first call real time moves it; a tick that is due now comes first then.
    let before = if from.is_zero() { row.next_at - TimeDelta::microseconds(1) } else { before };
    let before = row.last_at.map_or(before, |last| std::cmp::max(last, before));
    let ticks: Vec<DateTime<Utc>> =
        std::iter::successors(schedule.next_after(before), |&tick| schedule.next_after(tick))
            .take_while(|&tick| tick <= until)
            .take(MOST_TICKS + 1)
            .collect();
    assert!(
        ticks.len() <= MOST_TICKS,
        "`{}` fires more than {MOST_TICKS} times in {by:?}: advance in smaller steps, or pause it",
        row.name
    );
    let following = schedule.next_after(std::cmp::max(until, before))?;
    let ticks = with_intervals(&schedule, row.last_at, &ticks);
    let job = |tick: Tick| TickJob { id: id_of_tick(schema, &row.name, tick.at), tick };
    let ticks = ticks.into_iter().map(job).collect();
    Some(Advance { name: row.name.clone(), next_at: row.next_at, following, ticks })
}

/// The interval of a tick begins with the one before.
fn with_intervals(
    schedule: &Schedule,
    last_at: Option<DateTime<Utc>>,
    ticks: &[DateTime<Utc>],
) -> Vec<Tick> {
    let mut since = last_at;
    let tick = |&at: &DateTime<Utc>| {
        let begin = since.or_else(|| schedule.previous_before(at)).unwrap_or(at);
        since = Some(at);
        Tick { at, since: begin }
    };
    ticks.iter().map(tick).collect()
}
