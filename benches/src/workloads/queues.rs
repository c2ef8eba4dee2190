//! 1,000 queues that one process serves: what it costs to be idle, and a drain of jobs that are spread over
//! them. Beside it what an idle process with one queue costs.

use std::time::Duration;

use super::COSTS;
use crate::{
    agent::{HandlerKind, Production},
    bench::{Bench, Case},
    contestant::{About, Duty, Result},
    measure::{Trial, Values},
};

const QUEUES: usize = 1_000;

const IDLE: &[&str] = &["stmts/s", "server %", "client %"];

pub(super) async fn run(bench: &mut Bench) -> Result<()> {
    // Long enough for several heartbeats.
    let seconds = if bench.arguments.quick { 12 } else { 60 };
    let cases = [("1 queue, idle", 1), ("1,000 queues, idle", QUEUES)].map(|(name, queues)| {
        let size = super::seconds(seconds);
        (Case { workload: "queues", name, size, ratios: IDLE }, queues)
    });
    let is_meant = |about: &About, queues: &usize| {
        about.without_history_of.is_none() && (about.many_queues || *queues == 1)
    };
    bench
        .measure(&cases, is_meant, async |trial, &queues| idle(trial, queues, seconds).await)
        .await?;

    let jobs = bench.arguments.jobs();
    let size = super::jobs(jobs);
    let case = Case { workload: "queues", name: "1,000 queues, busy", size, ratios: COSTS };
    let is_meant = |about: &About, (): &()| about.many_queues && about.is_for_throughput();
    bench
        .measure(&[(case, ())], is_meant, async |trial, ()| {
            trial.fill(Production { queues: QUEUES, ..Production::bulk(jobs) }).await?;
            let duty = Duty { queues: QUEUES, concurrency: None };
            trial.drain(jobs, 1, &duty, &HandlerKind::default()).await
        })
        .await
}

async fn idle(trial: &mut Trial<'_>, queues: usize, seconds: u64) -> Result<Values> {
    // An idle process that asks through a function asks all the same.
    trial.count_nested_statements().await?;
    let mut agents = trial.workers(1).await?;
    agents[0].work(Duty { queues, concurrency: None }, HandlerKind::default()).await?;
    // Until it has settled down.
    tokio::time::sleep(Duration::from_secs(5)).await;
    let stretch = trial.begin_stretch(&mut agents).await?;
    tokio::time::sleep(Duration::from_secs(seconds)).await;
    let wall = stretch.elapsed().as_secs_f64();
    let costs = trial.end_stretch(&stretch, stretch.elapsed(), 1, &mut agents).await?;
    for agent in agents {
        agent.stop_work().await?;
    }
    let mut values = Values::new();
    let mut take = |from: &str, to: &'static str, divisor: f64| {
        if let Some(value) = costs.get(from) {
            values.insert(to, value / divisor / wall);
        }
    };
    take("stmts/job", "stmts/s", 1.0);
    // Microseconds to hundredths of a core.
    take("server µs/job", "server %", 1e4);
    take("client µs/job", "client %", 1e4);
    Ok(values)
}
