//! Jobs that wait in vain: for a paused queue, for a worker that does not run, for a handler that no worker has.

use std::time::Duration;

use chrono::{DateTime, Utc};

use super::{
    Doctor,
    finding::{Check, Finding, or_ok, span, word},
};
use crate::{
    JobFilter,
    row::{Count, KindState, Pause, WorkerState},
    stats::Histogram,
    store::{QueueRow, RunLook, StatsRange, StatsRow, StatsSpan, UnhandledKind},
};

const CHECK: Check = Check::Waiting;

/// 10 min of statistics, by which is told what is served.
const RECENT: Duration = Duration::from_mins(10);

/// What is known of the queues.
struct Known {
    queues: Vec<QueueRow>,
    pauses: Vec<Pause>,
    /// Queues with jobs that wait and no process, and since when.
    unserved: Vec<(String, DateTime<Utc>)>,
    /// What has been due for long, in queues that are served.
    due: Vec<UnhandledKind>,
    workers: Vec<WorkerState>,
    kinds: Vec<KindState>,
    runs: Vec<RunLook>,
    stats: Vec<StatsRow>,
    now: DateTime<Utc>,
}

pub(super) async fn waiting(doctor: &Doctor<'_>) -> sqlx::Result<Vec<Finding>> {
    let store = doctor.queue().store();
    let range = StatsRange {
        width: Duration::from_mins(1),
        span: StatsSpan::Last(RECENT),
        queue: None,
        kind: None,
    };
    let known = doctor
        .ask(10, async |connection| {
            let names = store.list_queues(&mut *connection).await?;
            let queues = store.list_queue_states(&mut *connection, &names).await?;
            let served = queues.iter().filter(|queue| queue.workers > 0);
            let served: Vec<(&str, Vec<&str>)> =
                served.map(|queue| (queue.name.as_str(), Vec::new())).collect();
            Ok(Known {
                pauses: store.list_pauses(&mut *connection).await?,
                unserved: store.list_unhandled_queues(&mut *connection).await?,
                due: store.list_unhandled_kinds(&mut *connection, &served).await?,
                workers: store.list_workers(&mut *connection).await?,
                kinds: store.list_kinds(&mut *connection, None).await?,
                runs: store.look_at_runs(&mut *connection).await?,
                stats: store.read_stats(&mut *connection, &range).await?,
                now: store.look_at_clock(connection).await?,
                queues,
            })
        })
        .await?;
    let mut findings = known.paused();
    findings.extend(known.unserved());
    findings.extend(known.due.iter().filter_map(|due| known.late(due, doctor.due_for())));
    let found = format!("{} queues; nothing has been due for long", known.queues.len());
    Ok(or_ok(findings, CHECK, found))
}

impl Known {
    fn paused(&self) -> Vec<Finding> {
        self.pauses.iter().map(|pause| self.of_pause(pause)).collect()
    }

    fn of_pause(&self, pause: &Pause) -> Finding {
        let name = &pause.queue;
        if let Some(kind) = &pause.kind {
            let found = format!("the kind `{kind}` is {pause} in the queue `{name}`");
            let why = "none of its jobs starts there, on any machine";
            let command =
                format!("simple-queue queues resume {} --kind {}", word(name), word(kind));
            return Finding::warning(CHECK, found, why).command(command);
        }
        let waiting = self.queues.iter().find(|queue| queue.name == *name);
        let waiting = waiting.and_then(|queue| queue.waiting);
        let waiting = waiting.map(|it| Count::Exact(u64::try_from(it).unwrap_or(0)));
        let waiting = waiting.filter(|it| it.counted() > 0);
        let jobs = waiting.map(|it| format!(", and {it} jobs wait in it")).unwrap_or_default();
        let found = format!("the queue `{name}` is {pause}{jobs}");
        let why = "none of its jobs starts, on any machine";
        let paused = Finding::bad(CHECK, waiting.is_some(), found, why);
        paused.command(format!("simple-queue queues resume {}", word(name)))
    }

    fn unserved(&self) -> Vec<Finding> {
        let finding = |(name, since): &(String, DateTime<Utc>)| {
            let found = format!(
                "no worker serves the queue `{name}`, in which a job has been due for {}",
                self.ago(*since)
            );
            let why = "no process has registered a handler for it, or it has stopped";
            let jobs = JobFilter::waiting().queue(name).to_string();
            let command = format!("simple-queue workers; simple-queue jobs list {}", word(&jobs));
            Finding::wrong(CHECK, found, why).command(command)
        };
        self.unserved.iter().map(finding).collect()
    }

    /// A kind whose oldest job has been due for long: no worker has a handler for it if jobs that came later have run, or
    /// if its workers do nothing else.
    fn late(&self, due: &UnhandledKind, patience: Duration) -> Option<Finding> {
        let UnhandledKind { queue, kind, since } = due;
        let age = (self.now - *since).to_std().unwrap_or_default();
        let is_paused = |pause: &Pause| pause.queue == *queue && pause.kind.as_ref() == Some(kind);
        if age <= patience || self.pauses.iter().any(is_paused) {
            return None;
        }
        if let Some(lost) = self.lost(due, age) {
            return Some(lost);
        }
        let named = if kind.is_empty() { "plain jobs".to_owned() } else { format!("`{kind}`") };
        let for_long = span(age);
        let of_queue = || self.stats.iter().filter(|row| row.queue == *queue);
        let its_runs: i64 = of_queue().filter(|row| row.kind == *kind).map(|row| row.runs).sum();
        let mut waits = Histogram::default();
        for row in of_queue() {
            waits += &row.wait;
        }
        let overtaken = waits.quantile(0.5).is_some_and(|wait| wait < age);
        let is_busy = self.runs.iter().any(|run| run.queue == *queue);
        let serving = self.workers.iter().filter(|worker| worker.queues.contains(queue));
        // What a worker ran in its first minutes is not counted yet.
        let is_new =
            serving.map(|worker| self.age(worker)).max().unwrap_or_default() < patience * 2;
        if its_runs == 0 && !is_new && (overtaken || !is_busy) {
            let found = format!(
                "{named} in `{queue}` have been due for {for_long}, none of them has run in the last {}, and the workers of \
                the queue are not held up: none of them seems to have a handler for that kind",
                span(RECENT)
            );
            let why = "they wait without end; a deploy may have lost the kind, and workers log what they have no handler for";
            let jobs = JobFilter::waiting().queue(queue).kind(kind).to_string();
            let command = format!("simple-queue jobs list {}", word(&jobs));
            return Some(Finding::wrong(CHECK, found, why).command(command));
        }
        let found = format!("{named} in `{queue}` have been due for {for_long}");
        let why = "more jobs come than its workers run, or long runs have all permits";
        let late = Finding::warning(CHECK, found, why);
        Some(
            late.command(format!(
                "simple-queue running; simple-queue stats --queue {}",
                word(queue)
            )),
        )
    }

    /// A kind that no present worker of the queue has declared, and that an earlier one has. A worker declares its kinds
    /// when it starts.
    fn lost(
        &self,
        UnhandledKind { queue, kind, .. }: &UnhandledKind,
        age: Duration,
    ) -> Option<Finding> {
        let declared = self.kinds.iter().filter(|it| it.kind == *kind || it.aliases.contains(kind));
        let last = declared.max_by_key(|it| it.declared_at)?;
        let mut serving = self.workers.iter().filter(|worker| worker.queues.contains(queue));
        if serving.any(|worker| worker.started_at <= last.declared_at) {
            return None;
        }
        let (for_long, at) = (span(age), last.declared_at.format("%F %R"));
        let found = format!(
            "`{kind}` in `{queue}` have been due for {for_long}, and no worker has declared that kind since {at} UTC; \
            then it stood in {}",
            last.declared_in
        );
        let why = "they wait without end: a deploy has lost the kind";
        let jobs = JobFilter::waiting().queue(queue).kind(kind).to_string();
        let command = format!("simple-queue jobs list {}", word(&jobs));
        Some(Finding::wrong(CHECK, found, why).command(command))
    }

    fn age(&self, worker: &WorkerState) -> Duration {
        (self.now - worker.started_at).to_std().unwrap_or_default()
    }

    fn ago(&self, at: DateTime<Utc>) -> String {
        span((self.now - at).to_std().unwrap_or_default())
    }
}
