//! Enqueueing where no worker is: one at a time, concurrent single calls, bulk.

use super::COSTS;
use crate::{
    agent::{Manner, Production},
    bench::Bench,
    case::Case,
    contestant::Result,
    measure::{Trial, Values},
    report::percentiles,
};

const PERCENTILES: [(usize, &str); 3] =
    [(50, "call p50 ms"), (95, "call p95 ms"), (99, "call p99 ms")];

pub(super) async fn run(bench: &mut Bench) -> Result<()> {
    let shrink = if bench.arguments.quick { 10 } else { 1 };
    let cases = [
        ("one at a time", 5_000, Manner::Callers { callers: 1 }),
        ("16 callers", 20_000, Manner::Callers { callers: 16 }),
        ("64 callers", 20_000, Manner::Callers { callers: 64 }),
        ("1,000 in a call", 200_000, Manner::Bulk { chunk: 1000 }),
    ];
    for (name, jobs, manner) in cases {
        let production = Production::new(jobs / shrink, manner);
        let size = super::jobs(production.jobs);
        let case = Case { workload: "enqueue", name, size, ratios: COSTS };
        bench.measure(&[(case, production)], |about, _| about.is_for_throughput(), enqueue).await?;
    }
    Ok(())
}

async fn enqueue(trial: &mut Trial<'_>, production: &Production) -> Result<Values> {
    let mut agents = [trial.agent()?];
    // Connections are opened and statements prepared, which a program does once.
    let warm_up = Production { jobs: 200, ..production.clone() };
    agents[0].produce(warm_up.clone()).await?;
    let stretch = trial.begin_stretch(&mut agents).await?;
    let calls = agents[0].produce(production.clone()).await?.calls_us;
    let wall = stretch.elapsed();
    let mut values = trial.end_stretch(&stretch, wall, production.jobs, &mut agents).await?;
    let [agent] = agents;
    agent.end().await?;
    let (stored, expected) = (trial.left().await?, warm_up.jobs + production.jobs);
    if stored != expected {
        return Err(format!("{expected} jobs were enqueued, {stored} are there").into());
    }
    if !calls.is_empty() {
        let calls = calls.iter().map(|&us| f64::from(us) / 1000.0).collect();
        values.extend(percentiles(calls, PERCENTILES)?);
    }
    Ok(values)
}
