//! Why a job does not run, or a queue does not go on: the reasons in their order, and what to type.

mod handler;

use anyhow::Result;
use chrono::{DateTime, Utc};
use simple_queue::{
    Count, JobDetail, JobStatus, LimitState, LiveJob, Pause, QueueState, SimpleQueue, WorkerState,
};
use uuid::Uuid;

use super::now;
use crate::{
    args::{Connection, Format, Why},
    exit::{Exit, Mistake},
    output::{HINT, ago, line, short, shown, word},
};

/// A reason, and what to type. There is none to type where it ends by itself.
#[derive(Debug, PartialEq, Eq)]
struct Reason {
    what: String,
    remedy: Option<String>,
}

impl Reason {
    fn new(what: impl Into<String>, remedy: impl Into<String>) -> Self {
        Self { what: what.into(), remedy: Some(remedy.into()) }
    }

    fn passing(what: impl Into<String>) -> Self {
        Self { what: what.into(), remedy: None }
    }
}

/// What is known of the queues, the workers and the limits.
struct Known {
    queues: Vec<QueueState>,
    workers: Vec<WorkerState>,
    limits: Vec<LimitState>,
    now: DateTime<Utc>,
}

pub(super) async fn run(connection: &Connection, format: Format, asked: Why) -> Result<Exit> {
    let queue = connection.queue().await?;
    let known = Known {
        queues: queue.queues().await?,
        workers: queue.workers().await?,
        limits: queue.limits().list().await?,
        now: now(),
    };
    let reasons = match (asked.job, asked.queue) {
        (Some(id), _) => known.of_job(&queue, id).await?,
        (None, Some(name)) => known.of_queue(&name),
        (None, None) => {
            let problem = "it is not said what does not run";
            return Err(Mistake::new(problem, "pass a job's id, or `--queue NAME`").into());
        }
    };
    for Reason { what, remedy } in &reasons {
        if format.json {
            line(&serde_json::json!({ "reason": what, "remedy": remedy }).to_string());
            continue;
        }
        line(what);
        if let Some(remedy) = remedy {
            line(&format!("  {HINT}{remedy}{HINT:#}"));
        }
    }
    Ok(if reasons.is_empty() { Exit::Nothing } else { Exit::Done })
}

impl Known {
    async fn of_job(&self, queue: &SimpleQueue, id: Uuid) -> Result<Vec<Reason>> {
        let Some(detail) = queue.admin().job(id).await? else {
            let what =
                format!("there is no job {id}: it was never enqueued, or its history was deleted");
            return Ok(vec![Reason::new(what, "simple-queue jobs list created:-1h..")]);
        };
        if let Some(ended) = ended(&detail) {
            return Ok(vec![ended]);
        }
        let Some(live) = &detail.live else { return Ok(Vec::new()) };
        if detail.job.status == JobStatus::Running {
            return Ok(self.of_running(&detail, live));
        }
        let mut reasons = self.of_waiting(&detail, live);
        reasons.extend(self.of_key(queue, live).await?);
        reasons.extend(self.of_limits(&detail.job.queue, &detail.job.kind));
        if reasons.is_empty() {
            reasons.extend(self.of_declaration(queue, &detail).await?);
        }
        if reasons.is_empty() {
            reasons.extend(self.of_handler(queue, &detail).await?);
        }
        if reasons.is_empty() {
            reasons.push(self.of_its_turn(&detail));
        }
        Ok(reasons)
    }

    fn of_running(&self, JobDetail { job, .. }: &JobDetail, live: &LiveJob) -> Vec<Reason> {
        let mut reasons = Vec::new();
        if let Some((host, pid, beat)) = &live.worker {
            let what =
                format!("it runs on {}, process {pid}, attempt {}", shown(host), job.attempt);
            reasons.push(Reason::new(what, "simple-queue running"));
            let worker = self.workers.iter().find(|worker| Some(worker.id) == job.worker);
            if worker.is_some_and(|worker| worker.is_silent) {
                let beat = ago(*beat, self.now);
                let what = format!(
                    "that worker's last heartbeat was {beat}: if it is dead, the job is returned after six intervals"
                );
                reasons.push(Reason::passing(what));
            }
        }
        if let Some(at) = live.cancel_requested_at {
            let what = format!("its cancellation was asked for {}", ago(at, self.now));
            reasons.push(Reason::passing(what));
        }
        reasons
    }

    fn of_waiting(&self, JobDetail { job, .. }: &JobDetail, live: &LiveJob) -> Vec<Reason> {
        let mut reasons = Vec::new();
        if let Some(at) = live.expires_at.filter(|at| *at <= self.now) {
            let what = format!(
                "it has expired {}: it is cancelled when its turn comes",
                ago(at, self.now)
            );
            reasons.push(Reason::passing(what));
        }
        if let Some(due) = job.run_at.filter(|due| *due > self.now) {
            let due = ago(due, self.now);
            let what = if job.attempt > 0 {
                format!("attempt {} failed or put it off, and it is due {due}", job.attempt)
            } else {
                format!("it is not due yet: {due}")
            };
            reasons.push(Reason::new(what, format!("simple-queue jobs run-now {}", job.id)));
        }
        if live.is_suspect {
            let what = format!(
                "it has killed {} processes, so it runs alone, when no other such job runs",
                job.crash_count
            );
            reasons.push(Reason::new(what, format!("simple-queue jobs cancel {}", job.id)));
        }
        reasons.extend(self.of_queue_state(&job.queue));
        reasons.extend(self.of_paused_kinds(&job.queue, Some(&job.kind)));
        reasons
    }

    fn of_queue(&self, name: &str) -> Vec<Reason> {
        let mut reasons = self.of_queue_state(name);
        reasons.extend(self.of_paused_kinds(name, None));
        let rules = ["key:", "order:", "fair:"].map(|prefix| format!("{prefix}{name}/"));
        let is_its = |limit: &&LimitState| {
            limit.name == format!("queue:{name}")
                || rules.iter().any(|rule| limit.name.starts_with(rule))
        };
        reasons.extend(self.limits.iter().filter(is_its).filter_map(|limit| self.of_limit(limit)));
        if reasons.is_empty() {
            let state = self.queues.iter().find(|state| state.name == name);
            reasons.push(match state.and_then(|state| state.depth) {
                Some(depth) if depth.waiting.counted() > 0 => Reason::new(
                    format!("{} jobs wait for a permit: its workers are busy", depth.waiting),
                    "simple-queue running",
                ),
                _ => Reason::passing("nothing holds it up: no job waits in it"),
            });
        }
        reasons
    }

    /// Whether the queue is paused, or no worker serves it.
    fn of_queue_state(&self, name: &str) -> Vec<Reason> {
        let mut reasons = Vec::new();
        let state = self.queues.iter().find(|state| state.name == name);
        let shown_name = shown(name);
        if let Some(pause) = state.and_then(|state| state.pause.as_ref()) {
            let what = format!("the queue `{shown_name}` was {}", self.pause(pause));
            reasons.push(Reason::new(what, format!("simple-queue queues resume {}", word(name))));
        }
        let serving: Vec<&WorkerState> = self
            .workers
            .iter()
            .filter(|worker| worker.queues.iter().any(|it| it == name))
            .collect();
        if self.workers.is_empty() {
            reasons.push(Reason::new("no worker runs", "start your service"));
        } else if serving.is_empty() {
            let what = format!("no worker serves the queue `{shown_name}`");
            reasons.push(Reason::new(what, "simple-queue workers"));
        } else if serving.iter().all(|worker| worker.is_silent) {
            let what = format!("all workers of the queue `{shown_name}` are silent");
            reasons.push(Reason::new(what, "simple-queue workers"));
        }
        reasons
    }

    /// Whether a kind of the queue is paused; of each kind, if none is named.
    fn of_paused_kinds(&self, name: &str, kind: Option<&str>) -> Vec<Reason> {
        let state = self.queues.iter().find(|state| state.name == name);
        let pauses = state.into_iter().flat_map(|state| &state.paused_kinds);
        let pauses = pauses.filter(|pause| kind.is_none() || pause.kind.as_deref() == kind);
        let reasons = pauses.map(|pause| {
            let (name, kind) = (shown(name), shown(pause.kind.as_deref().unwrap_or_default()));
            let what = format!("the kind `{kind}` was {} in `{name}`", self.pause(pause));
            Reason::new(what, format!("simple-queue queues resume {name} --kind {kind}"))
        });
        reasons.collect()
    }

    /// `paused 3 min ago by ann, until in 2 h: the provider is down`.
    fn pause(&self, pause: &Pause) -> String {
        let by = pause.by.as_deref().map(|by| format!(" by {}", shown(by)));
        let until = pause.until.map(|at| format!(", which ends {}", ago(at, self.now)));
        let reason = pause.reason.as_deref().map(|reason| format!(": {}", shown(reason)));
        let more: String = [by, until, reason].into_iter().flatten().collect();
        format!("paused {}{more}", ago(pause.since, self.now))
    }

    /// Whether the key of the job is paused, full, or halted by a dead job.
    async fn of_key(&self, queue: &SimpleQueue, live: &LiveJob) -> Result<Vec<Reason>> {
        /// 1,000 keys are looked through.
        const MOST: u32 = 1000;
        let Some((rule, key)) = live.limit_key.as_deref().and_then(|gate| gate.split_once('#'))
        else {
            return Ok(Vec::new());
        };
        // The keys from just before it on.
        let before = key.char_indices().next_back().map(|(last, _)| &key[..last]);
        let keys = queue.limits().keys(rule, before, MOST).await?;
        let Some(state) = keys.iter().find(|state| state.key == key) else { return Ok(Vec::new()) };
        let (rule, key) = (shown(rule), shown(key));
        let mut reasons = Vec::new();
        if let Some(at) = state.paused_at {
            let what = format!("the key `{key}` of `{rule}` was paused {}", ago(at, self.now));
            let is_whole = self.limits.iter().any(|it| it.name == rule && it.paused_at.is_some());
            let of_key = if is_whole { String::new() } else { format!(" --key {}", word(&key)) };
            let remedy = format!("simple-queue limits resume {}{of_key}", word(&rule));
            reasons.push(Reason::new(what, remedy));
        } else if let Some(dead) = state.halted_by {
            let what = format!("the sequence `{key}` is halted by the dead job {dead}");
            reasons.push(Reason::new(what, format!("simple-queue jobs retry {dead}")));
        } else if let Some(at) = state.retry_at {
            let what =
                format!("an earlier job of the sequence `{key}` runs again {}", ago(at, self.now));
            reasons.push(Reason::passing(what));
        } else if let Some(rate) = state.rate.as_ref().filter(|rate| rate.next_at > self.now) {
            let next = ago(rate.next_at, self.now);
            let what =
                format!("the rate of the key `{key}` is used up; its next job starts {next}");
            reasons.push(Reason::passing(what));
        } else if state.set_to.or(state.declared).is_some_and(|most| state.running >= most) {
            let what = format!(
                "the key `{key}` is in use: {} of its jobs run, {} wait",
                state.running, state.waiting
            );
            reasons.push(Reason::new(what, "simple-queue running"));
        }
        Ok(reasons)
    }

    fn of_limits(&self, queue: &str, kind: &str) -> Vec<Reason> {
        let names = [format!("queue:{queue}"), format!("kind:{kind}")];
        let its = self.limits.iter().filter(|limit| names.contains(&limit.name));
        its.filter_map(|limit| self.of_limit(limit)).collect()
    }

    /// Whether a limit is paused, used up, or out of tokens.
    fn of_limit(&self, limit: &LimitState) -> Option<Reason> {
        let name = shown(&limit.name);
        if let Some(at) = limit.paused_at {
            let what = format!("the limit `{name}` was paused {}", ago(at, self.now));
            return Some(Reason::new(
                what,
                format!("simple-queue limits resume {}", word(&limit.name)),
            ));
        }
        if let Some(most) = limit.concurrency().filter(|most| *most > 0 && limit.lent >= *most) {
            let what = format!("the limit `{name}` is used up: {} of {most}", limit.lent);
            return Some(Reason::new(what, "simple-queue limits list"));
        }
        let rate = limit.rate.as_ref().filter(|rate| rate.next_at > self.now)?;
        Some(Reason::passing(format!(
            "the rate of `{name}` is used up; the next job starts {}",
            ago(rate.next_at, self.now)
        )))
    }

    /// It could start.
    fn of_its_turn(&self, JobDetail { job, .. }: &JobDetail) -> Reason {
        let state = self.queues.iter().find(|state| state.name == job.queue);
        let waiting =
            state.and_then(|state| state.depth).map_or(Count::Exact(0), |depth| depth.waiting);
        let due = job.run_at.and_then(|due| (self.now - due).to_std().ok()).unwrap_or_default();
        let what = format!(
            "it has been due for {}, and {waiting} jobs wait in its queue: its workers are busy",
            short(due)
        );
        Reason::new(what, "simple-queue running")
    }
}

/// Why a job that has ended does not run.
fn ended(JobDetail { job, .. }: &JobDetail) -> Option<Reason> {
    if !job.status.is_final() {
        return None;
    }
    if job.status == JobStatus::Completed {
        let what = "it is completed";
        return Some(Reason::new(what, format!("simple-queue jobs run-again {}", job.id)));
    }
    let reason = job.contents.as_ref().and_then(|contents| contents.reason.as_deref());
    let what = format!(
        "it has ended as {}: {}",
        job.status,
        shown(reason.unwrap_or("for no known reason"))
    );
    Some(Reason::new(what, format!("simple-queue jobs retry {}", job.id)))
}
