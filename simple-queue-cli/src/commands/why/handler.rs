//! Whether a worker has a handler for a job.

use std::time::Duration;

use anyhow::Result;
use chrono::{DateTime, TimeDelta, Utc};
use simple_queue::{JobDetail, SimpleQueue};

use super::{Known, Reason};
use crate::output::{ago, shown};

impl Known {
    /// Whether no worker that serves the queue has declared the kind. They do so when they start.
    pub(super) async fn of_declaration(
        &self,
        queue: &SimpleQueue,
        JobDetail { job, .. }: &JobDetail,
    ) -> Result<Option<Reason>> {
        let serving = self.workers.iter().filter(|worker| worker.queues.contains(&job.queue));
        let started = serving.map(|worker| worker.started_at).min();
        // A plain job has no kind to declare.
        let Some(started) = started.filter(|_| !job.kind.is_empty()) else { return Ok(None) };
        let kinds = queue.kinds().await?;
        let declared =
            kinds.iter().find(|kind| kind.kind == job.kind || kind.aliases.contains(&job.kind));
        let name = shown(&job.kind);
        let what = match declared {
            None => format!("no worker has ever declared the kind `{name}`"),
            Some(kind) if kind.declared_at < started => {
                let last = ago(kind.declared_at, self.now);
                format!("no worker that runs has declared the kind `{name}`; one did {last}")
            }
            Some(_) => return Ok(None),
        };
        Ok(Some(Reason::new(what, "look at the last deploy: is the job in a list of `jobs!`?")))
    }

    /// Whether no worker seems to have a handler for the kind: others of the queue ran, or nothing does.
    pub(super) async fn of_handler(
        &self,
        queue: &SimpleQueue,
        JobDetail { job, .. }: &JobDetail,
    ) -> Result<Option<Reason>> {
        /// 10 min of statistics.
        const RECENT: Duration = Duration::from_mins(10);
        /// 2 min, after which the runs of a worker are counted.
        const COUNTED: TimeDelta = TimeDelta::minutes(2);
        let is_counted = |at: DateTime<Utc>| self.now - at > COUNTED;
        let serving = self.workers.iter().filter(|it| it.queues.contains(&job.queue));
        let is_due = job.run_at.is_some_and(is_counted);
        if !is_due || !serving.into_iter().all(|worker| is_counted(worker.started_at)) {
            return Ok(None);
        }
        let stats = queue.stats().queue(&job.queue).by_kind().last(RECENT).await?;
        let runs: u64 = stats.iter().filter(|it| it.kind == job.kind).map(|it| it.runs).sum();
        let is_busy = queue.running().await?.iter().any(|run| run.queue == job.queue);
        if runs > 0 || (stats.is_empty() && is_busy) {
            return Ok(None);
        }
        let (kind, of_others) = (
            shown(&job.kind),
            if stats.is_empty() {
                "and the workers of its queue run nothing"
            } else {
                "while others of its queue have"
            },
        );
        let what = format!(
            "no job of `{kind}` has run in the last ten minutes, {of_others}: none of its workers seems to have a handler \
             for that kind"
        );
        Ok(Some(Reason::new(
            what,
            "look at the last deploy; the log of the workers names kinds without a handler",
        )))
    }
}
