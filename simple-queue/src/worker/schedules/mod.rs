//! Enqueues the jobs of schedules.
//!
//! No process is elected. Each looks after the schedules of the queues that it serves, and after others that are
//! overdue. The statement that inserts the jobs of a tick moves the schedule past it, if no other has, so a tick gets
//! its job once.
//!
//! Time is the database's: a look returns it, and how long it is until the next tick.

mod declared;
mod rules;
mod signals;

pub(super) use signals::ClockSignals;

use std::{
    cmp::min,
    collections::HashSet,
    sync::{Arc, atomic::Ordering},
    time::{Duration, Instant},
};

use chrono::{DateTime, Utc};

use super::Worker;
use crate::{
    database::{
        Dedicated, Servers,
        failure::{described, is_about_a_row, is_held_up},
    },
    jitter,
    schedule::{Tick, due, id_of_tick},
    store::{Advance, DueSchedule, ScheduleLook, TickJob, Ticked},
    telemetry,
    upkeep::role::{Next, Role},
};
use declared::Declarations;
use rules::Rules;

/// The role that enqueues the jobs of schedules.
pub(super) struct Clock {
    worker: Arc<Worker>,
    connection: Dedicated,
    declarations: Declarations,
    rules: Rules,
    /// Schedules that cannot be read, or that the database refuses. They are tried again after a while.
    stuck: HashSet<String>,
    stuck_since: Instant,
    /// When to look next.
    again_at: Instant,
}

/// 60 s between two looks of a process with nothing to expect. It learns of changes before, if it can listen.
const LOOK: Duration = Duration::from_mins(1);

/// 10 s between two looks of a process that serves schedules and cannot listen.
const WITHOUT_LISTENING: Duration = Duration::from_secs(10);

/// 2 s between two looks while ticks wait for earlier jobs to end, in whatever process.
const WHILE_WAITING: Duration = Duration::from_secs(2);

/// 10 s after which a process enqueues the jobs of schedules whose queue it does not serve.
const OVERDUE: Duration = Duration::from_secs(10);

/// 50 ms, upper bound of the random delay of a look, so that processes do not look all at once.
const SPREAD: Duration = Duration::from_millis(50);

/// About 0.3 s until the next look where other sessions have locked what is due.
const LOCKED: Duration = Duration::from_millis(300);

/// 1 s, upper bound of the wait for a unique key.
const FOR_A_KEY: Duration = Duration::from_secs(1);

/// 1,000 ticks of a schedule may wait; the statements have the same number.
const MOST_WAITING: i32 = 1000;

/// 1,000, upper bound of the schedules that one statement moves, and about that of the jobs that it inserts.
const BATCH: usize = 1000;

/// A statement may be cut off anywhere: it took effect or did not, and the next look tells.
impl Role for Clock {
    const NAME: &'static str = "clock";

    async fn run_once(&mut self) -> sqlx::Result<Next> {
        tokio::select! {
            () = tokio::time::sleep_until(self.again_at.into()) => {}
            () = self.worker.clock.look() => tokio::time::sleep(jitter::up_to(SPREAD, 1.0)).await,
        }
        // What follows if this look fails.
        self.again_at = Instant::now() + LOOK;
        if self.stuck_since.elapsed() >= LOOK {
            self.stuck.clear();
            self.stuck_since = Instant::now();
        }
        let queues = self.worker.client.queue_names();
        let look = self.look(&queues).await?;
        if self.declarations.tend(&self.worker, &mut self.connection, look.now).await? {
            self.again_at = Instant::now();
            return Ok(Next::AtOnce);
        }
        let looked_at = Instant::now();
        self.worker.clock.note_waiting(look.has_waiting);
        if look.has_waiting {
            self.release(&queues).await?;
        }
        let is_full = look.due.len() == BATCH;
        let (all_moved, next) = self.tick(look.due, look.now).await?;
        let pause = match all_moved {
            true if is_full => Duration::ZERO,
            true => {
                let wait = next.into_iter().chain(look.wait).min();
                let wait = wait.map(|wait| wait.saturating_sub(looked_at.elapsed()));
                let listens = self.worker.listening.load(Ordering::Acquire);
                until_next(wait, look.has_waiting, listens)
            }
            // Other processes were faster, or a session has locked a schedule.
            false => jitter::around(LOCKED, 0.5),
        };
        self.again_at = Instant::now() + pause;
        Ok(Next::AtOnce)
    }

    fn failed(error: &sqlx::Error) {
        telemetry::schedules::failed(&described(error));
    }
}

impl Clock {
    pub(super) fn new(worker: Arc<Worker>, servers: &Servers) -> Self {
        Self {
            worker,
            connection: Dedicated::new(servers),
            declarations: Declarations::default(),
            rules: Rules::default(),
            stuck: HashSet::new(),
            stuck_since: Instant::now(),
            again_at: Instant::now(),
        }
    }

    async fn look(&mut self, queues: &[String]) -> sqlx::Result<ScheduleLook> {
        let store = &self.worker.store;
        let stuck: Vec<&str> = self.stuck.iter().map(String::as_str).collect();
        self.connection
            .ask(async |connection| {
                store.read_due_schedules(connection, queues, OVERDUE, &stuck, BATCH).await
            })
            .await
    }

    /// Moves schedules past what is due. Returns whether this process moved all of them, and the time until the next
    /// of their ticks.
    async fn tick(
        &mut self,
        due: Vec<DueSchedule>,
        now: DateTime<Utc>,
    ) -> sqlx::Result<(bool, Option<Duration>)> {
        let (mut batch, mut alone, mut jobs) = (Vec::new(), Vec::new(), 0);
        let (mut asked, mut moved, mut next) = (0, 0, None);
        for schedule in due {
            let has_own_key = schedule.has_own_key;
            let Some(advance) = self.advance(schedule, now) else { continue };
            asked += 1;
            let wait = (advance.following - now).to_std().unwrap_or_default();
            next = Some(next.map_or(wait, |next| min(next, wait)));
            if has_own_key {
                alone.push(advance);
                continue;
            }
            jobs += advance.ticks.len();
            batch.push(advance);
            if jobs >= BATCH {
                moved += self.move_past(std::mem::take(&mut batch)).await?;
                jobs = 0;
            }
        }
        if !batch.is_empty() {
            moved += self.move_past(batch).await?;
        }
        for advance in alone {
            moved += self.move_alone(advance).await?;
        }
        Ok((moved == asked, next))
    }

    /// What a schedule moves past; `None` if it cannot be read or never fires again.
    fn advance(&mut self, schedule: DueSchedule, now: DateTime<Utc>) -> Option<Advance> {
        let DueSchedule { name, rule, next_at, last_at, has_own_key: _ } = schedule;
        let read = match self.rules.read(rule) {
            Ok(read) => read,
            Err(error) => {
                telemetry::schedules::unreadable(&name, &error);
                self.stuck.insert(name);
                return None;
            }
        };
        let Some(due) = due(&read, next_at, last_at, now) else {
            telemetry::schedules::ended(&name);
            self.stuck.insert(name);
            return None;
        };
        if due.left_out {
            telemetry::schedules::backfill_cut(&name, due.ticks.len());
        }
        let ticks = due.ticks.into_iter().map(|tick| self.job_of(&name, tick)).collect();
        Some(Advance { name, next_at, following: due.following, ticks })
    }

    fn job_of(&self, name: &str, tick: Tick) -> TickJob {
        TickJob { id: id_of_tick(self.worker.store.schema().name(), name, tick.at), tick }
    }

    /// Moves these schedules in one statement; in halves if the database refuses it for one of them. Returns how many
    /// are moved.
    async fn move_past(&mut self, advances: Vec<Advance>) -> sqlx::Result<usize> {
        let (mut moved, mut parts) = (0, vec![advances]);
        while let Some(mut part) = parts.pop() {
            let store = &self.worker.store;
            let ticked = self
                .connection
                .ask(async |connection| store.tick_schedules(connection, &part).await)
                .await;
            match ticked {
                Ok(ticked) => moved += self.ticked(&ticked),
                Err(error) if is_about_a_row(&error) => {
                    let half = part.split_off(part.len() / 2);
                    if part.is_empty() {
                        // Half of one is none.
                        for advance in &half {
                            self.set_aside(advance, &error);
                        }
                    } else {
                        parts.extend([part, half]);
                    }
                }
                Err(error) => return Err(error),
            }
        }
        Ok(moved)
    }

    /// As [`Clock::move_past`], for a schedule whose jobs have a unique key. A transaction of the user's may hold the
    /// key; then the statement waits for it, and the schedule is left for later.
    async fn move_alone(&mut self, advance: Advance) -> sqlx::Result<usize> {
        let store = &self.worker.store;
        let ticked = self
            .connection
            .ask_in_transaction(async |connection| {
                store.limit_lock_wait(connection, FOR_A_KEY).await?;
                store.tick_schedules(connection, std::slice::from_ref(&advance)).await
            })
            .await;
        match ticked {
            Ok(ticked) => Ok(self.ticked(&ticked)),
            Err(error) if is_held_up(&error) || is_about_a_row(&error) => {
                self.set_aside(&advance, &error);
                Ok(0)
            }
            Err(error) => Err(error),
        }
    }

    /// Leaves a schedule for later, so that the others go on.
    fn set_aside(&mut self, advance: &Advance, error: &sqlx::Error) {
        telemetry::schedules::refused(&advance.name, &described(error));
        self.stuck.insert(advance.name.clone());
    }

    /// Returns how many schedules are moved.
    fn ticked(&self, ticked: &Ticked) -> usize {
        for (name, waiting) in ticked.moved.iter().filter(|(_, waiting)| *waiting >= MOST_WAITING) {
            telemetry::schedules::too_many_wait(name, *waiting);
        }
        if ticked.inserted > 0 {
            self.worker.client.wake().wake_local();
        }
        if !ticked.moved.is_empty() {
            telemetry::schedules::ticked(ticked.moved.len(), ticked.inserted);
        }
        ticked.moved.len()
    }

    /// Inserts the jobs of ticks whose earlier jobs have ended.
    async fn release(&mut self, queues: &[String]) -> sqlx::Result<()> {
        let store = &self.worker.store;
        let stuck: Vec<&str> = self.stuck.iter().map(String::as_str).collect();
        let waiting = self
            .connection
            .ask(async |connection| {
                store.read_waiting_ticks(connection, queues, &stuck, BATCH).await
            })
            .await?;
        let mut ticks = Vec::new();
        for waiting in waiting {
            let before = waiting.last_at.filter(|&last| last < waiting.tick);
            let since = match (before, self.rules.read(waiting.rule)) {
                (Some(last), _) => last,
                (None, Ok(rule)) => rule.previous_before(waiting.tick).unwrap_or(waiting.tick),
                (None, Err(_)) => waiting.tick,
            };
            let job = self.job_of(&waiting.name, Tick { at: waiting.tick, since });
            ticks.push((waiting.name, job));
        }
        if ticks.is_empty() {
            return Ok(());
        }
        let store = &self.worker.store;
        let released = self
            .connection
            .ask(async |connection| store.release_ticks(connection, &ticks).await)
            .await?;
        self.ticked(&released);
        Ok(())
    }
}

/// The time until the next look where nothing is due, and where the next tick of this process's schedules is so far off.
fn until_next(wait: Option<Duration>, has_waiting: bool, listens: bool) -> Duration {
    let longest = if has_waiting {
        WHILE_WAITING
    } else if wait.is_some() && !listens {
        WITHOUT_LISTENING
    } else {
        LOOK
    };
    let longest = jitter::around(longest, 0.2);
    wait.map_or(longest, |wait| min(wait + jitter::up_to(SPREAD, 1.0), longest))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_idle_process_looks_less_than_every_twenty_seconds() {
        let year = Some(Duration::from_hours(24 * 365));
        for (wait, listens) in [(None, true), (None, false), (year, true)] {
            let pause = until_next(wait, false, listens);
            assert!(pause >= Duration::from_secs(20), "{wait:?}, {listens}: {pause:?}");
        }
    }

    #[test]
    fn a_process_looks_when_the_next_tick_is_due() {
        let wait = Duration::from_secs(3);
        let pause = until_next(Some(wait), false, true);
        assert!((wait..=wait + SPREAD).contains(&pause), "{pause:?}");
    }
}
