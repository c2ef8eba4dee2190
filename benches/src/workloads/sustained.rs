//! Producers and workers together.

use std::time::{Duration, Instant};

use super::{COSTS, ONE_QUEUE};
use crate::{
    agent::{HandlerKind, Manner, Production},
    bench::Bench,
    case::Case,
    contestant::{About, Result},
    measure::{AgentProcess, Trial, Values},
};

/// How many jobs may wait while they are produced steadily, as the case is named.
const AHEAD: u64 = 5_000;

const CHUNK: u64 = 1_000;

pub(super) async fn run(bench: &mut Bench) -> Result<()> {
    let seconds = if bench.arguments.quick { 5 } else { 60 };
    let case = |name| {
        let size = super::seconds(seconds);
        [(Case { workload: "sustained", name, size, ratios: COSTS }, ())]
    };
    let is_meant = |about: &About, (): &()| about.is_for_history();
    bench
        .measure(&case("16 callers"), is_meant, async |trial, ()| callers(trial, seconds).await)
        .await?;
    bench
        .measure(&case("bulk, at most 5,000 ahead"), is_meant, async |trial, ()| {
            let mut agents = trial.workers(2).await?;
            agents[0].work(ONE_QUEUE, HandlerKind::default()).await?;
            let stretch = trial.begin_stretch(&mut agents).await?;
            let end = Instant::now() + Duration::from_secs(seconds);
            let jobs = feed(&mut agents, |_, _| Instant::now() < end).await?;
            let wall = trial.drained(jobs, &mut agents[..1]).await?.duration_since(stretch.begun());
            let values = trial.end_stretch(&stretch, wall, jobs, &mut agents).await?;
            end_all(trial, agents, jobs, values).await
        })
        .await
}

pub(super) async fn callers(trial: &mut Trial<'_>, seconds: u64) -> Result<Values> {
    let mut agents = trial.workers(2).await?;
    agents[0].work(ONE_QUEUE, HandlerKind::default()).await?;
    let stretch = trial.begin_stretch(&mut agents).await?;
    let production = Production {
        seconds: Some(seconds),
        ..Production::new(u64::MAX, Manner::Callers { callers: 16 })
    };
    let jobs = agents[1].produce(production).await?.jobs;
    let behind = jobs as f64 - agents[0].look().await?.finished as f64;
    let wall = trial.drained(jobs, &mut agents[..1]).await?.duration_since(stretch.begun());
    let mut values = trial.end_stretch(&stretch, wall, jobs, &mut agents).await?;
    values.insert("behind at end", behind);
    end_all(trial, agents, jobs, values).await
}

async fn end_all(
    trial: &mut Trial<'_>,
    agents: Vec<AgentProcess>,
    jobs: u64,
    mut values: Values,
) -> Result<Values> {
    let mut agents = agents.into_iter();
    if let Some(worker) = agents.next() {
        worker.stop_work().await?;
    }
    for producer in agents {
        producer.end().await?;
    }
    trial.check_history(jobs).await?;
    trial.add_dead_rows(&mut values, jobs, (0.0, 0.0)).await?;
    Ok(values)
}

/// Lets the second agent produce so that the first always has work, but not much more, until told to stop by what
/// is produced and finished; returns how many jobs were produced.
pub(super) async fn feed(
    agents: &mut [AgentProcess],
    mut goes_on: impl FnMut(u64, u64) -> bool,
) -> Result<u64> {
    let mut produced = 0;
    loop {
        let finished = agents[0].look().await?.finished;
        if !goes_on(produced, finished) {
            return Ok(produced);
        }
        if produced < finished + AHEAD {
            let chunk = Production { first: produced, ..Production::bulk(CHUNK) };
            produced += agents[1].produce(chunk).await?.jobs;
        } else {
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
    }
}
