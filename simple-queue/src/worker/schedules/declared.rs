//! The schedules that the code declares.

use std::{
    collections::HashSet,
    time::{Duration, Instant},
};

use chrono::{DateTime, Utc};

use crate::{
    database::Dedicated, jitter, queue::ScheduledJob, store::NewSchedule, telemetry, worker::Worker,
};

/// What this process has declared.
#[derive(Debug, Default)]
pub(super) struct Declarations {
    names: HashSet<String>,
    /// When it says again that it declares them; `None`: it has not said so yet.
    again_at: Option<Instant>,
}

/// 1 hour between two times that a process says what it declares.
const SAY_AGAIN: Duration = Duration::from_hours(1);

/// 1,000, upper bound of the schedules that one statement declares.
const BATCH: usize = 1000;

impl Declarations {
    /// Declares what is registered and is not declared yet, and now and then says so again. Returns whether the schedules
    /// may have changed.
    pub(super) async fn tend(
        &mut self,
        worker: &Worker,
        connection: &mut Dedicated,
        now: DateTime<Utc>,
    ) -> sqlx::Result<bool> {
        let new = worker.client.scheduled_jobs();
        let new: Vec<_> = new.into_iter().filter(|job| !self.names.contains(&job.name)).collect();
        if !new.is_empty() {
            declare(&new, worker, connection, now).await?;
            self.names.extend(new.iter().map(|job| job.name.clone()));
        }
        if self.again_at.is_none_or(|at| at <= Instant::now()) {
            self.say_again(worker, connection).await?;
            self.again_at = Some(Instant::now() + jitter::around(SAY_AGAIN, 0.2));
        }
        Ok(!new.is_empty())
    }

    /// Says that they are still declared. One process a day reports those that no process has declared.
    async fn say_again(&self, worker: &Worker, connection: &mut Dedicated) -> sqlx::Result<()> {
        let names: Vec<&str> = self.names.iter().map(String::as_str).collect();
        let undeclared = connection.ask_for(2, async |connection| {
            if !names.is_empty() {
                worker.store.touch_schedules(connection, &names).await?;
            }
            worker.store.list_undeclared_schedules(connection).await
        });
        for (name, since) in undeclared.await? {
            telemetry::schedules::not_declared(&name, &since);
        }
        Ok(())
    }
}

async fn declare(
    new: &[ScheduledJob],
    worker: &Worker,
    connection: &mut Dedicated,
    now: DateTime<Utc>,
) -> sqlx::Result<()> {
    let mut schedules = Vec::new();
    for ScheduledJob { name, schedule, job, .. } in new {
        match schedule.next_after(now) {
            Some(next_at) => {
                let (name, schedule, job) = (name.clone(), schedule.clone(), job.clone());
                schedules.push(NewSchedule { name, schedule, next_at, job });
            }
            None => telemetry::schedules::ended(name),
        }
    }
    let aliases: Vec<(&str, &str)> = new
        .iter()
        .flat_map(|job| job.aliases.iter().map(|&alias| (job.name.as_str(), alias)))
        .collect();
    if !aliases.is_empty() {
        connection
            .ask(async |connection| worker.store.rename_schedules(connection, &aliases).await)
            .await?;
    }
    for part in schedules.chunks(BATCH) {
        connection
            .ask(async |connection| worker.store.put_schedules(connection, part, true).await)
            .await?;
    }
    Ok(())
}
