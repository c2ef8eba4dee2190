//! From the call of enqueue to the start of the handler, in another process, as between a web server and a
//! worker; how late delayed jobs are; and what open transactions beside it do.

use std::{
    collections::BTreeMap,
    time::{Duration, Instant},
};

use super::ONE_QUEUE;
use crate::{
    agent::{HandlerKind, Manner, Production},
    bench::Bench,
    case::Case,
    contestant::{About, Duty, Result},
    measure::{AgentProcess, Trial, Values},
    report::percentiles,
};

const PERCENTILES: &[&str] = &["p50 ms", "p95 ms", "p99 ms"];

/// The number of the first job that is not measured.
const WARM_UP: u64 = u64::MAX >> 2;

/// How long the last job may take after the last call.
const PATIENCE: Duration = Duration::from_mins(1);

pub(super) async fn run(bench: &mut Bench) -> Result<()> {
    let quick = bench.arguments.quick;
    let is_meant = |about: &About, _: &Vec<Production>| about.is_for_latency();
    let measure = async |trial: &mut Trial<'_>, productions: &Vec<Production>| {
        latency(trial, productions, &ONE_QUEUE, 0).await
    };
    // So many seconds that two jobs are slower than the 99th percentile.
    let slow = if quick { 10 } else { 30 };
    let fast = if quick { 4 } else { 15 };
    for (name, per_second, seconds) in
        [("one every 50 ms", 20.0, slow), ("100 a second", 100.0, fast)]
    {
        let cases = [(case(name, seconds), vec![paced(per_second, seconds)])];
        bench.measure(&cases, is_meant, measure).await?;
    }

    let cases = [(case("half of the maximum", fast), fast)];
    let is_for_throughput = |about: &About, _: &u64| about.is_for_throughput();
    bench
        .measure(&cases, is_for_throughput, async |trial, &seconds| {
            half_of_maximum(trial, seconds).await
        })
        .await?;

    let mut delayed = paced(100.0, fast);
    delayed.placement.delay_ms = 2_000;
    bench.measure(&[(case("delayed by 2 s", fast), vec![delayed])], is_meant, measure).await?;

    let singles = paced(20.0, slow);
    let held = Production {
        first: singles.jobs,
        manner: Manner::Held { per_second: 10.0 },
        ..Production { jobs: 10 * slow, ..singles.clone() }
    };
    let cases = [(case("beside transactions of 1 to 500 ms", slow), vec![singles, held])];
    let is_meant =
        |about: &About, _: &Vec<Production>| about.transactions && about.is_for_latency();
    bench.measure(&cases, is_meant, measure).await
}

fn case(name: &'static str, seconds: u64) -> Case {
    Case { workload: "latency", name, size: super::seconds(seconds), ratios: PERCENTILES }
}

#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "a positive number of jobs"
)]
pub(super) fn paced(per_second: f64, seconds: u64) -> Production {
    let jobs = per_second * seconds as f64;
    Production::new(jobs as u64, Manner::Paced { per_second })
}

/// Each production in a process of its own, all beside one worker. The other jobs that it finds take this many
/// milliseconds.
pub(super) async fn latency(
    trial: &mut Trial<'_>,
    productions: &[Production],
    duty: &Duty,
    others_ms: u64,
) -> Result<Values> {
    let jobs = productions.iter().map(|production| production.jobs).sum();
    let mut agents = trial.workers(1 + productions.len()).await?;
    let handler = HandlerKind { arrivals_below: jobs, job_ms: others_ms, ..HandlerKind::default() };
    agents[0].work(duty.clone(), handler).await?;
    for producer in &mut agents[1..] {
        producer.produce(Production { first: WARM_UP, ..paced(20.0, 1) }).await?;
    }
    trial.watch(20 * productions.len() as u64, &mut agents[..1]).await?;

    let stretch = trial.begin_stretch(&mut agents).await?;
    let producing = agents[1..]
        .iter_mut()
        .zip(productions)
        .map(|(agent, production)| agent.produce(production.clone()));
    futures_util::future::try_join_all(producing).await?;
    let late = arrivals(&mut agents[0], jobs).await?;
    let mut values = trial.end_stretch(&stretch, stretch.elapsed(), jobs, &mut agents).await?;
    let mut agents = agents.into_iter();
    if let Some(worker) = agents.next() {
        worker.stop_work().await?;
    }
    for producer in agents {
        producer.end().await?;
    }
    let late = late.iter().map(|&us| us as f64 / 1000.0).collect::<Vec<_>>();
    values.insert("max ms", late.iter().copied().fold(f64::MIN, f64::max));
    values.extend(percentiles(late, [(50, "p50 ms"), (95, "p95 ms"), (99, "p99 ms")])?);
    Ok(values)
}

/// How late each of the jobs below this number was; fails if one did not run, or ran twice.
async fn arrivals(worker: &mut AgentProcess, jobs: u64) -> Result<Vec<i64>> {
    let deadline = Instant::now() + PATIENCE;
    let mut late_us = BTreeMap::new();
    while (late_us.len() as u64) < jobs {
        for (id, us) in worker.times().await?.late_us {
            if late_us.insert(id, us).is_some() {
                return Err(format!("job {id} ran twice").into());
            }
        }
        if Instant::now() > deadline {
            return Err(format!(
                "{} of {jobs} jobs ran within {} s",
                late_us.len(),
                PATIENCE.as_secs()
            )
            .into());
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    Ok(late_us.into_values().collect())
}

/// The rate is half of what this contestant reaches with producer and worker beside each other in this trial.
async fn half_of_maximum(trial: &mut Trial<'_>, seconds: u64) -> Result<Values> {
    let per_second = super::sustained::callers(trial, seconds).await?["jobs/s"] / 2.0;
    latency(trial, &[paced(per_second, seconds)], &ONE_QUEUE, 0).await
}
