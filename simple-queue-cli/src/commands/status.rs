//! The lines worth knowing.

use std::time::Duration;

use anyhow::Result;
use serde_json::json;
use simple_queue::{JobFilter, QueueState, StatsInterval, WorkerState};

use super::{now, queues};
use crate::{
    args::{Connection, Format},
    exit::Exit,
    output::{BAD, HINT, line, shown, word},
};

/// 60 s: a job that is due and has waited for longer is worth a warning.
const LATE: Duration = Duration::from_mins(1);

pub(super) async fn run(connection: &Connection, format: Format) -> Result<Exit> {
    let queue = connection.queue().await?;
    let (queues, workers) = (queue.queues().await?, queue.workers().await?);
    let hour = queue.stats().last(Duration::from_hours(1)).await?;
    let day = Duration::from_hours(24);
    let dead = queue.admin().count(&JobFilter::dead().since(day)).await?;
    let warnings = warnings(&queues, &workers);
    let runs: u64 = hour.iter().map(|it| it.runs).sum();
    let failed: u64 = hour.iter().map(|it: &StatsInterval| it.dead).sum();
    if format.json {
        let problems: Vec<&str> = warnings.iter().map(|(problem, _)| problem.as_str()).collect();
        line(
            &json!({
                "workers": workers.len(), "queues": queues.len(), "runs_last_hour": runs,
                "dead_last_hour": failed, "dead_last_day": dead.counted(), "warnings": problems,
            })
            .to_string(),
        );
    } else {
        queues::list(&queues).write(format, now(), "no queue is known yet");
        line("");
        let plural = if workers.len() == 1 { "" } else { "s" };
        line(&format!("{} worker{plural}, {runs} runs in the last hour", workers.len()));
        line(&format!("{dead} dead letters since yesterday, {failed} in the last hour"));
        for (problem, hint) in &warnings {
            anstream::eprintln!("{BAD}!{BAD:#} {problem}\n  {HINT}{hint}{HINT:#}");
        }
    }
    Ok(if warnings.is_empty() { Exit::Done } else { Exit::Wrong })
}

/// What is wrong, and what to type.
fn warnings(queues: &[QueueState], workers: &[WorkerState]) -> Vec<(String, String)> {
    let mut warnings = Vec::new();
    if workers.is_empty() {
        let hint = "start a worker: `queue.start().await` in your service";
        warnings.push(("no worker runs".to_owned(), hint.to_owned()));
    }
    for silent in workers.iter().filter(|worker| worker.is_silent) {
        let problem =
            format!("the worker on {}, process {}, is silent", shown(&silent.host), silent.pid);
        let hint = "its jobs are returned after six intervals without a heartbeat";
        warnings.push((problem, hint.to_owned()));
    }
    for QueueState { name, workers: serving, pause, depth, .. } in queues {
        let Some(depth) = depth.filter(|depth| depth.waiting.counted() > 0) else { continue };
        let (name, typed) = (shown(name), word(name));
        let waiting = depth.waiting;
        if pause.is_some() {
            let hint = format!("simple-queue queues resume {typed}");
            warnings.push((format!("`{name}` is paused, and {waiting} jobs wait in it"), hint));
        } else if *serving == 0 && !workers.is_empty() {
            let hint = "register a handler for it, or move the jobs: `simple-queue jobs move`";
            warnings.push((
                format!("no worker serves `{name}`, and {waiting} jobs wait in it"),
                hint.to_owned(),
            ));
        } else if let Some(oldest) = depth.oldest.filter(|oldest| *oldest > LATE) {
            let hint = format!("simple-queue running; simple-queue stats --queue {typed}");
            let problem = format!("a job in `{name}` has been due for {} s", oldest.as_secs());
            warnings.push((problem, hint));
        }
    }
    warnings
}
