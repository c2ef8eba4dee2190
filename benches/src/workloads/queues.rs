//! 1,000 queues that one process serves: what it costs to be idle, and a drain of jobs that are spread over
//! them. Beside it what an idle process with one queue costs.

use std::time::Duration;

use super::COSTS;
use crate::{
    agent::{HandlerKind, Production},
    bench::Bench,
    case::Case,
    contestant::{About, Duty, Result},
    measure::{Trial, Values},
};

const QUEUES: usize = 1_000;

/// From the start of a process to when it does nothing but wait. Some look less and less often.
const SETTLING: Duration = Duration::from_secs(45);

/// So long that what is done once a minute is in it.
const IDLE_FOR: Duration = Duration::from_mins(1);

const IDLE: &[&str] = &["stmts/s", "server %", "client %"];

pub(super) async fn run(bench: &mut Bench) -> Result<()> {
    let cases = [("1 queue, idle", 1), ("1,000 queues, idle", QUEUES)].map(|(name, queues)| {
        let size = super::seconds(IDLE_FOR.as_secs());
        (Case { workload: "queues", name, size, ratios: IDLE }, queues)
    });
    let is_meant = |about: &About, queues: &usize| {
        about.without_history_of.is_none() && (about.many_queues || *queues == 1)
    };
    bench.measure(&cases, is_meant, async |trial, &queues| idle(trial, queues).await).await?;

    let jobs = bench.arguments.jobs();
    let size = super::jobs(jobs);
    let case = Case { workload: "queues", name: "1,000 queues, busy", size, ratios: COSTS };
    let is_meant = |about: &About, (): &()| about.many_queues && about.is_for_throughput();
    bench
        .measure(&[(case, ())], is_meant, async |trial, ()| {
            trial.fill(Production { queues: QUEUES, ..Production::bulk(jobs) }).await?;
            let duty = Duty { queues: QUEUES, concurrency: None, limits: false };
            trial.drain(jobs, 1, &duty, &HandlerKind::default()).await
        })
        .await
}

async fn idle(trial: &mut Trial<'_>, queues: usize) -> Result<Values> {
    // An idle process that asks through a function asks all the same.
    trial.count_nested_statements().await?;
    let mut agents = trial.workers(1).await?;
    agents[0]
        .work(Duty { queues, concurrency: None, limits: false }, HandlerKind::default())
        .await?;
    tokio::time::sleep(SETTLING).await;
    let stretch = trial.begin_stretch(&mut agents).await?;
    tokio::time::sleep(IDLE_FOR).await;
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
