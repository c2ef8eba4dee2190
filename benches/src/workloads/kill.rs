//! 2,000 jobs of 100 ms over four processes that run 25 at once each; then the same, and one of them is killed.

use std::{
    collections::HashMap,
    path::PathBuf,
    time::{Duration, Instant},
};

use crate::{
    agent::{HandlerKind, Production},
    bench::Bench,
    case::Case,
    contestant::{About, Duty, Result},
    measure::{AgentProcess, Trial, Values, finished, start_all},
    metrics::PERMITS,
};

const JOBS: u64 = 2_000;
const JOB_MS: u64 = 100;
const PROCESSES: usize = 4;

/// How long the jobs of the killed process may stay away. Peers may need longer, and are not measured then.
const PATIENCE: Duration = Duration::from_mins(3);

pub(super) async fn run(bench: &mut Bench) -> Result<()> {
    let cases = [("nobody killed", false), ("one of four killed", true)].map(|(name, kills)| {
        let size = format!("{} of {JOB_MS} ms", super::jobs(JOBS));
        (Case { workload: "kill", name, size, ratios: &["wall s"] }, kills)
    });
    let is_meant =
        |about: &About, &kills: &bool| about.is_for_throughput() && (about.recovers || !kills);
    bench.measure(&cases, is_meant, async |trial, &kills| four(trial, kills).await).await
}

async fn four(trial: &mut Trial<'_>, kills: bool) -> Result<Values> {
    trial.fill(Production::bulk(JOBS)).await?;
    let log = RunLog::new();
    let mut workers = trial.workers(PROCESSES).await?;
    let begun = Instant::now();
    let handler =
        HandlerKind { job_ms: JOB_MS, log: Some(log.path.clone()), ..HandlerKind::default() };
    let duty = Duty { queues: 1, concurrency: Some(PERMITS), limits: false };
    start_all(&mut workers, &duty, &handler).await?;
    if kills {
        kill_one_at_half(&mut workers).await?;
    }
    // The number of jobs that the killed one had finished is not known; the log shows that each ran.
    let wall = trial.emptied(PATIENCE).await?.duration_since(begun);
    for worker in workers {
        worker.stop_work().await?;
    }
    trial.check_history(JOBS).await?;
    let again = log.runs_again()?;
    if !kills && again > 0 {
        return Err(format!("{again} runs more than there are jobs, and nobody was killed").into());
    }
    let ideal = (JOBS * JOB_MS) as f64 / 1000.0 / (PROCESSES * PERMITS) as f64;
    Ok(Values::from([
        ("wall s", wall.as_secs_f64()),
        ("ideal s", ideal),
        ("wall÷ideal", wall.as_secs_f64() / ideal),
        ("runs again", again as f64),
    ]))
}

/// Kills one as soon as half of the jobs have run.
async fn kill_one_at_half(workers: &mut Vec<AgentProcess>) -> Result<()> {
    let deadline = Instant::now() + PATIENCE;
    while finished(workers).await? < JOBS / 2 {
        if Instant::now() > deadline {
            return Err(format!("not half of the jobs ran in {} s", PATIENCE.as_secs()).into());
        }
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    workers.pop().ok_or("there is nobody to kill")?.kill().await
}

/// The number of each job that began, written by the workers.
struct RunLog {
    path: PathBuf,
}

impl RunLog {
    fn new() -> Self {
        let name =
            format!("simple-queue-bench-runs-{}-{}", std::process::id(), uuid::Uuid::now_v7());
        Self { path: std::env::temp_dir().join(name) }
    }

    /// Fails if a job never ran.
    fn runs_again(&self) -> Result<u64> {
        let text = std::fs::read_to_string(&self.path)?;
        let mut runs: HashMap<u64, u64> = HashMap::new();
        for line in text.lines() {
            *runs.entry(line.parse()?).or_default() += 1;
        }
        match (0..JOBS).find(|id| !runs.contains_key(id)) {
            Some(id) => Err(format!("job {id} is gone from the table and never ran").into()),
            None => Ok(runs.values().sum::<u64>() - JOBS),
        }
    }
}

impl Drop for RunLog {
    fn drop(&mut self) {
        if let Err(error) = std::fs::remove_file(&self.path) {
            eprintln!("{} could not be removed: {error}", self.path.display());
        }
    }
}
