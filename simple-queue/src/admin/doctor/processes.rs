//! The processes, what they run, what became of it, and what one of them does for all.

use std::{collections::BTreeMap, time::Duration};

use super::{
    Doctor,
    finding::{Check, Finding, or_ok, seconds, span, word},
};
use crate::{
    JobFilter,
    job::JobStatus,
    row::WorkerState,
    stats::Histogram,
    store::{EndsLook, RunLook, StatsRange, StatsRow, StatsSpan, UnreadableLook, UpkeepLook},
};

pub(super) async fn workers(doctor: &Doctor<'_>) -> sqlx::Result<Vec<Finding>> {
    let store = doctor.queue().store();
    let workers = doctor.ask(1, async |connection| store.list_workers(connection).await).await?;
    Ok(judge_workers(&workers, doctor.patience))
}

fn judge_workers(workers: &[WorkerState], patience: Duration) -> Vec<Finding> {
    const CHECK: Check = Check::Workers;
    let mut findings = Vec::new();
    let is_any_alive = workers.iter().any(|worker| !worker.is_silent);
    for WorkerState { host, pid, heartbeat_at, .. } in workers.iter().filter(|it| it.is_silent) {
        let at = heartbeat_at.format("%F %T");
        let found = format!("the worker on {host}, process {pid}, has been silent since {at} UTC");
        let why = if is_any_alive {
            "another worker returns its jobs when six of its heartbeats are missing"
        } else {
            "no worker is alive to return its jobs"
        };
        let silent = Finding::bad(CHECK, !is_any_alive, found, why);
        findings.push(
            silent.advice(format!("look at the process {pid} on {host}, and start a worker")),
        );
    }
    for WorkerState { host, pid, .. } in workers.iter().filter(|it| it.queues.is_empty()) {
        let found = format!("the worker on {host}, process {pid}, serves no queue");
        let why = "it runs nothing: no handler was registered before it started";
        findings.push(Finding::warning(CHECK, found, why).advice("call `register` before `start`"));
    }
    findings.extend(workers.iter().filter_map(|worker| full(worker, patience)));
    let mut releases: BTreeMap<&str, usize> = BTreeMap::new();
    for worker in workers {
        *releases.entry(worker.release.as_deref().unwrap_or("unknown")).or_default() += 1;
    }
    if releases.len() > 1 {
        let each: Vec<String> =
            releases.iter().map(|(it, number)| format!("{number} of {it}")).collect();
        let found = format!("workers of several releases of the library run: {}", each.join(", "));
        let why = "that is as it should be while a new release is rolled out, and not for long";
        findings.push(Finding::warning(CHECK, found, why).command("simple-queue workers"));
    }
    let plural = if workers.len() == 1 { "" } else { "s" };
    or_ok(findings, CHECK, format!("{} worker{plural}, none of them silent", workers.len()))
}

/// A worker that has had no free permit for long.
fn full(worker: &WorkerState, patience: Duration) -> Option<Finding> {
    let WorkerState { host, pid, heartbeat_at, full_since, permits, .. } = worker;
    let full_for = (*heartbeat_at - (*full_since)?).to_std().unwrap_or_default();
    if worker.is_silent || full_for <= patience {
        return None;
    }
    let permits = permits.unwrap_or_default();
    let found = format!(
        "the worker on {host}, process {pid}, has had all its {permits} permits in use for {}",
        span(full_for)
    );
    let why = "what is due waits for a run to end: there are more jobs than it can run, or runs that do not end";
    let full = Finding::warning(Check::Workers, found, why);
    Some(full.command("simple-queue running"))
}

pub(super) async fn runs(doctor: &Doctor<'_>) -> sqlx::Result<Vec<Finding>> {
    let store = doctor.queue().store();
    let range = StatsRange {
        width: Duration::from_hours(1),
        span: StatsSpan::Last(Duration::from_hours(48)),
        queue: None,
        kind: None,
    };
    let (runs, orphans, stats) = doctor
        .ask(3, async |connection| {
            let runs = store.look_at_runs(&mut *connection).await?;
            let orphans = store.count_orphans(&mut *connection).await?;
            let stats = if runs.is_empty() {
                Vec::new()
            } else {
                store.read_stats(connection, &range).await?
            };
            Ok((runs, orphans, stats))
        })
        .await?;
    let mut findings = judge_runs(&runs, &usual(&stats), doctor.due_for());
    if let (jobs @ 1.., Some(id)) = orphans {
        let found = format!(
            "{jobs} of the oldest jobs run in processes that are not there, {id} among them"
        );
        let why = "they wait until a worker looks for such jobs, which one does every ten minutes";
        findings.push(
            Finding::wrong(Check::Runs, found, why)
                .advice("start a worker, or wait for ten minutes"),
        );
    }
    let found = format!("{} runs of more than a few seconds, none too long", runs.len());
    Ok(or_ok(findings, Check::Runs, found))
}

/// How long 99 % of the runs of a queue and kind took.
type Usual<'s> = BTreeMap<(&'s str, &'s str), Duration>;

fn usual(stats: &[StatsRow]) -> Usual<'_> {
    let mut sums: BTreeMap<_, Histogram> = BTreeMap::new();
    for row in stats {
        *sums.entry((row.queue.as_str(), row.kind.as_str())).or_default() += &row.run;
    }
    sums.into_iter().filter_map(|(of, times)| Some((of, times.quantile(0.99)?))).collect()
}

fn judge_runs(runs: &[RunLook], usual: &Usual<'_>, patience: Duration) -> Vec<Finding> {
    /// 10 times as long as 99 % of the others.
    const TIMES: u32 = 10;
    const CHECK: Check = Check::Runs;
    let mut findings = Vec::new();
    for run in runs {
        let RunLook { id, queue, kind, host, pid, .. } = run;
        let ran = seconds(run.seconds);
        let place = format!("`{kind}` {id} on {host}, process {pid},");
        let command = format!("simple-queue jobs cancel {id}");
        let asked = run.cancel_asked.map(seconds).filter(|asked| *asked > patience);
        let timeout = run.timeout.map(seconds).filter(|timeout| ran > *timeout + patience);
        let most = usual.get(&(queue.as_str(), kind.as_str())).map(|it| *it * TIMES);
        if let Some(asked) = asked {
            let found =
                format!("{place} runs on, {} after its cancellation was asked for", span(asked));
            let why = "a handler that does not await cannot be dropped";
            let advice = format!("end the process {pid} on {host}: its jobs are returned");
            findings.push(Finding::warning(CHECK, found, why).advice(advice));
        } else if let Some(timeout) = timeout {
            let found = format!("{place} has run for {}, and may for {}", span(ran), span(timeout));
            let why = "a handler that does not await cannot be dropped";
            let advice = format!("end the process {pid} on {host}: its jobs are returned");
            findings.push(Finding::wrong(CHECK, found, why).advice(advice));
        } else if let Some(most) = most.filter(|most| ran > std::cmp::max(*most, patience)) {
            let found = format!(
                "{place} has run for {}, and 99 % of its kind took less than {}",
                span(ran),
                span(most / TIMES)
            );
            let why = "it may hang, and it has a permit meanwhile";
            findings.push(Finding::warning(CHECK, found, why).command(command));
        }
    }
    findings
}

pub(super) async fn dead_letters(doctor: &Doctor<'_>) -> sqlx::Result<Vec<Finding>> {
    let store = doctor.queue().store();
    let (ends, unreadable) = doctor
        .ask(2, async |connection| {
            let ends = store.look_at_ends(&mut *connection).await?;
            Ok((ends, store.look_at_dead_letters(connection).await?))
        })
        .await?;
    Ok(judge_dead_letters(ends, &unreadable))
}

fn judge_dead_letters(ends: EndsLook, unreadable: &[UnreadableLook]) -> Vec<Finding> {
    /// 10 dead letters in an hour; fewer are no rule.
    const FEWEST: i64 = 10;
    const CHECK: Check = Check::DeadLetters;
    let mut findings = Vec::new();
    for UnreadableLook { kind, jobs, reason } in unreadable {
        let found = format!("{jobs} jobs of `{kind}` could not be read in the last day: {reason}");
        let why = "the code was changed so that it does not read what is stored, as after a deploy";
        let jobs = JobFilter::dead().status(JobStatus::Unprocessable).kind(kind).to_string();
        let command = format!("simple-queue jobs list {} --contents", word(&jobs));
        findings.push(Finding::warning(CHECK, found, why).command(command));
    }
    let EndsLook { runs, dead, runs_before, dead_before } = ends;
    // dead / runs > 3 · dead_before / runs_before, without a division by nothing.
    let before = dead_before.saturating_mul(3).saturating_mul(runs);
    let is_more = dead >= FEWEST && dead.saturating_mul(std::cmp::max(runs_before, 1)) > before;
    let found = format!(
        "{dead} of {runs} runs of the last hour ended for good, {dead_before} of {runs_before} in the week before"
    );
    if is_more {
        let why = "it is more than three times as usual";
        let is_most = dead.saturating_mul(2) > runs;
        let more = Finding::bad(CHECK, is_most, found, why);
        findings.push(more.command("simple-queue jobs list state:dead finished:-1h.. --contents"));
        return findings;
    }
    or_ok(findings, CHECK, found)
}

pub(super) async fn upkeep(doctor: &Doctor<'_>) -> sqlx::Result<Vec<Finding>> {
    let store = doctor.queue().store();
    let look = doctor.ask(1, async |connection| store.look_at_upkeep(connection).await).await?;
    Ok(judge_upkeep(look, doctor.patience))
}

fn judge_upkeep(look: UpkeepLook, patience: Duration) -> Vec<Finding> {
    /// 10 min between two looks for jobs that no process works on.
    const TIDIED_EVERY: Duration = Duration::from_mins(10);
    const CHECK: Check = Check::Upkeep;
    let working = seconds(look.working.unwrap_or(0.0));
    let since = |at: Option<f64>| at.map_or(Duration::MAX, seconds);
    if look.workers == 0 {
        return vec![Finding::ok(CHECK, "no worker runs to do it")];
    }
    let mut findings = Vec::new();
    let is_late = |at: Option<f64>, limit: Duration| working > limit && since(at) > limit;
    if is_late(look.looked, patience) {
        let found = format!("no worker has counted what waits {}", ago(look.looked));
        let why = "the numbers of queues are old; one of the workers does it every minute, unless statistics are off";
        findings.push(Finding::warning(CHECK, found, why).advice("look at the log of the workers"));
    }
    if is_late(look.tidied, TIDIED_EVERY + patience) {
        let found = format!("no worker has looked for jobs of dead processes {}", ago(look.tidied));
        let why =
            "jobs whose claim was lost wait for it; one of the workers does it every ten minutes";
        findings.push(Finding::wrong(CHECK, found, why).advice("look at the log of the workers"));
    }
    let counted = look.counted.map_or_else(
        || "no run is counted yet".to_owned(),
        |at| format!("statistics were last written {} ago", span(seconds(at))),
    );
    or_ok(findings, CHECK, counted)
}

/// For how long; of what was never done, that it never was.
fn ago(at: Option<f64>) -> String {
    /// 400 d: what is older was never done.
    const NEVER: Duration = Duration::from_hours(400 * 24);
    let at = at.map(seconds).filter(|at| *at < NEVER);
    at.map_or_else(|| "yet".to_owned(), |at| format!("for {}", span(at)))
}

#[cfg(test)]
mod tests {
    use chrono::DateTime;
    use uuid::Uuid;

    use super::{super::finding::Severity, *};

    fn worker(is_silent: bool, release: &str) -> WorkerState {
        let at = DateTime::from_timestamp(1_796_000_000, 0).unwrap();
        WorkerState {
            id: Uuid::nil(),
            host: "web-1".to_owned(),
            pid: 7,
            queues: vec!["emails".to_owned()],
            release: Some(release.to_owned()),
            started_at: at,
            heartbeat_at: at,
            is_silent,
            permits: Some(10),
            claimed: 3,
            full_since: None,
        }
    }

    #[test]
    fn a_silent_worker_is_worse_when_no_other_can_return_its_jobs() {
        let (alive, silent) = (worker(false, "1"), worker(true, "1"));
        let judge_workers =
            |workers: &[WorkerState]| judge_workers(workers, Duration::from_mins(5));
        assert_eq!(judge_workers(&[])[0].severity, Severity::Ok);
        assert_eq!(judge_workers(std::slice::from_ref(&alive))[0].severity, Severity::Ok);
        assert_eq!(judge_workers(&[alive.clone(), silent.clone()])[0].severity, Severity::Warning);
        assert_eq!(judge_workers(&[silent])[0].severity, Severity::Wrong);
        let mixed = judge_workers(&[alive, worker(false, "2")]).remove(0);
        assert!(mixed.found.ends_with("1 of 1, 1 of 2"), "{mixed:?}");
        let idle = WorkerState { queues: Vec::new(), ..worker(false, "1") };
        assert!(judge_workers(&[idle])[0].found.contains("serves no queue"));
    }

    #[test]
    fn a_worker_without_a_free_permit_for_long_is_found() {
        let worker = worker(false, "1");
        let full = |seconds| {
            let since = worker.heartbeat_at - chrono::TimeDelta::seconds(seconds);
            let worker = WorkerState { full_since: Some(since), ..worker.clone() };
            judge_workers(&[worker], Duration::from_mins(5)).remove(0)
        };
        assert_eq!(full(299).severity, Severity::Ok);
        let found = full(400);
        assert_eq!(found.severity, Severity::Warning);
        assert!(found.found.ends_with("all its 10 permits in use for 6 min"), "{found:?}");
    }

    fn run(seconds: f64, timeout: Option<f64>, cancel_asked: Option<f64>) -> RunLook {
        RunLook {
            id: Uuid::nil(),
            queue: "q".to_owned(),
            kind: "k".to_owned(),
            host: "web-1".to_owned(),
            pid: 7,
            seconds,
            timeout,
            cancel_asked,
        }
    }

    #[test]
    fn a_run_is_measured_by_its_time_out_its_cancellation_and_others_of_its_kind() {
        let usual = BTreeMap::from([(("q", "k"), Duration::from_secs(10))]);
        let minute = Duration::from_mins(1);
        let judge = |run: RunLook| judge_runs(&[run], &usual, minute);
        assert_eq!(judge(run(99.0, None, None)), []);
        assert!(judge(run(101.0, None, None))[0].found.contains("99 % of its kind"));
        assert_eq!(judge(run(70.0, Some(15.0), None)), []);
        assert_eq!(judge(run(80.0, Some(15.0), None))[0].severity, Severity::Wrong);
        assert!(judge(run(70.0, None, Some(61.0)))[0].found.contains("cancellation"));
        assert_eq!(judge_runs(&[run(1e6, None, None)], &BTreeMap::new(), minute), []);
    }

    #[test]
    fn more_dead_letters_than_usual_are_found() {
        let judge = |runs, dead, runs_before, dead_before| {
            let ends = EndsLook { runs, dead, runs_before, dead_before };
            judge_dead_letters(ends, &[])[0].severity
        };
        assert_eq!(judge(1000, 9, 0, 0), Severity::Ok, "a few are no rule");
        assert_eq!(judge(1000, 30, 100_000, 1000), Severity::Ok);
        assert_eq!(judge(1000, 31, 100_000, 1000), Severity::Warning);
        assert_eq!(judge(20, 11, 0, 0), Severity::Wrong);
        let unreadable =
            UnreadableLook { kind: "k".to_owned(), jobs: 3, reason: "no field".to_owned() };
        let ends = EndsLook { runs: 0, dead: 0, runs_before: 0, dead_before: 0 };
        let found = judge_dead_letters(ends, &[unreadable]);
        assert!(found[0].found.contains("3 jobs of `k`") && found.len() == 1, "{found:?}");
    }

    #[test]
    fn upkeep_is_late_only_where_a_worker_has_run_for_long_enough() {
        let look = UpkeepLook {
            counted: Some(30.0),
            looked: Some(301.0),
            tidied: Some(901.0),
            workers: 1,
            working: Some(1000.0),
        };
        let severities = |look| -> Vec<Severity> {
            let found = judge_upkeep(look, Duration::from_mins(5));
            found.into_iter().map(|it| it.severity).collect()
        };
        assert_eq!(severities(look), [Severity::Warning, Severity::Wrong]);
        let young = UpkeepLook { working: Some(60.0), ..look };
        assert_eq!(severities(young), [Severity::Ok]);
        assert_eq!(severities(UpkeepLook { workers: 0, ..look }), [Severity::Ok]);
        let never = UpkeepLook { looked: None, tidied: Some(1e9), ..look };
        assert!(
            judge_upkeep(never, Duration::from_mins(5))[1].found.ends_with("dead processes yet")
        );
    }
}
