//! The drain by 1, 2, 4 and 8 worker processes.

use super::{COSTS, ONE_QUEUE};
use crate::{
    agent::{HandlerKind, Production},
    bench::Bench,
    case::Case,
    contestant::Result,
};

pub(super) async fn run(bench: &mut Bench) -> Result<()> {
    let jobs = bench.arguments.jobs();
    let cases = [("1 process", 1), ("2 processes", 2), ("4 processes", 4), ("8 processes", 8)];
    let cases = cases.map(|(name, processes)| {
        let case = Case { workload: "processes", name, size: super::jobs(jobs), ratios: COSTS };
        (case, processes)
    });
    bench
        .measure(
            &cases,
            |about, _| about.is_for_throughput(),
            async |trial, &processes| {
                trial.fill(Production::bulk(jobs)).await?;
                trial.drain(jobs, processes, &ONE_QUEUE, &HandlerKind::default()).await
            },
        )
        .await
}
