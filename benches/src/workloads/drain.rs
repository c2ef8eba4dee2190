//! Jobs that are there already, handlers that do nothing, one worker process.

use super::{COSTS, ONE_QUEUE};
use crate::{
    agent::{HandlerKind, Production},
    bench::{Bench, Case},
    contestant::{About, Result},
};

pub(super) async fn run(bench: &mut Bench) -> Result<()> {
    let jobs = bench.arguments.jobs();
    let case = Case { workload: "drain", name: format!("{jobs} jobs"), ratios: COSTS };
    bench
        .measure(case, About::is_for_throughput, async |trial| {
            trial.fill(Production::bulk(jobs)).await?;
            trial.drain(jobs, 1, &ONE_QUEUE, &HandlerKind::default()).await
        })
        .await
}
