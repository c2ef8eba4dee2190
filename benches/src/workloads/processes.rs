//! The drain by 1, 2, 4 and 8 worker processes.

use super::{COSTS, ONE_QUEUE};
use crate::{
    agent::{HandlerKind, Production},
    bench::{Bench, Case},
    contestant::{About, Result},
};

pub(super) async fn run(bench: &mut Bench) -> Result<()> {
    let jobs = bench.arguments.jobs();
    for processes in [1, 2, 4, 8] {
        let name = format!("{jobs} jobs, processes: {processes}");
        let case = Case { workload: "processes", name, ratios: COSTS };
        bench
            .measure(case, About::is_for_throughput, async |trial| {
                trial.fill(Production::bulk(jobs)).await?;
                trial.drain(jobs, processes, &ONE_QUEUE, &HandlerKind::default()).await
            })
            .await?;
    }
    Ok(())
}
