//! Jobs that are there already, handlers that do nothing, one worker process.

use super::ONE_QUEUE;
use crate::{
    agent::{HandlerKind, Production},
    bench::Bench,
    case::Case,
    contestant::Result,
    metrics::LIFE_WAL,
};

const RATIOS: &[&str] = &["jobs/s", "server µs/job", "client µs/job", "WAL B/job", LIFE_WAL];

pub(super) async fn run(bench: &mut Bench) -> Result<()> {
    let jobs = bench.arguments.jobs();
    let case =
        Case { workload: "drain", name: "one process", size: super::jobs(jobs), ratios: RATIOS };
    bench
        .measure(
            &[(case, ())],
            |about, ()| about.is_for_history(),
            async |trial, ()| {
                let enqueued = trial.fill(Production::bulk(jobs)).await?;
                let mut values = trial.drain(jobs, 1, &ONE_QUEUE, &HandlerKind::default()).await?;
                let drained = values.get("WAL B/job").copied().unwrap_or(f64::NAN);
                values.insert(LIFE_WAL, enqueued / jobs as f64 + drained);
                Ok(values)
            },
        )
        .await
}
