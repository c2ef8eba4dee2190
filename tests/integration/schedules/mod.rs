//! Jobs that schedules enqueue.

mod calls;
mod declared;
mod late;
mod overlap;
mod ticks;

use std::time::Duration;

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use simple_queue::{JobOptions, Schedule, prelude::*, typed::JobPayload};

use crate::support::{Probe, Say, TestDatabase};

/// A job of the probe, as a declared job is.
#[derive(Serialize, Deserialize)]
#[serde(transparent)]
struct Do(Say);

impl JobPayload for Do {
    type Output = ();

    const KIND: &'static str = "do";
    const QUEUE: &'static str = Probe::QUEUE;
    const OPTIONS: JobOptions = JobOptions::new();
    const DECLARED_AT: &'static str = "here";
}

fn every(seconds: u64) -> Schedule {
    Schedule::every(Duration::from_secs(seconds)).unwrap()
}

fn cron(expression: &str) -> Schedule {
    Schedule::cron(expression).unwrap()
}

/// Whether there is a tick for each second from the first to the last, and one only.
fn are_consecutive(ticks: &[i64]) -> bool {
    ticks.iter().zip(0..).all(|(&tick, second)| tick == second)
}

impl TestDatabase {
    /// Puts a schedule of a job of the probe.
    async fn put(&self, name: &str, say: Say, schedule: Schedule) -> SimpleQueue {
        let queue = self.queue().await;
        queue.schedules().put(name, Do(say), schedule).await.unwrap();
        queue
    }

    /// As if the server had been away, or no worker had run: nothing was due for this long.
    async fn away(&self, name: &str, minutes: i64) {
        let set_back = format!(
            "update simple_queue.schedules set next_at = next_at - {minutes} * interval '1 min' where name = '{name}'"
        );
        assert_eq!(self.execute(&set_back).await, 1);
    }

    async fn now(&self) -> DateTime<Utc> {
        self.value("select now()").await
    }

    /// A value of a schedule, as text.
    async fn of_schedule(&self, name: &str, column: &str) -> Option<String> {
        let select =
            format!("select ({column})::text from simple_queue.schedules where name = '{name}'");
        self.value(&select).await
    }

    /// The number of jobs of a schedule, wherever they are.
    async fn jobs_of(&self, name: &str) -> i64 {
        self.count(&format!("all_jobs where metadata #>> '{{@schedule, name}}' = '{name}'")).await
    }

    /// The ticks of a schedule's jobs, in their order, as their distance in seconds from the first.
    async fn ticks_of(&self, name: &str) -> Vec<i64> {
        let select = format!(
            "select coalesce(array_agg(extract(epoch from scheduled_at - first)::bigint order by scheduled_at), '{{}}')
            from (
                select scheduled_at, min(scheduled_at) over () as first from simple_queue.all_jobs
                where metadata #>> '{{@schedule, name}}' = '{name}'
            ) ticks"
        );
        self.value(&select).await
    }
}
