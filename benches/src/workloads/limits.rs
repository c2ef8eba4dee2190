//! The drain under limits for all processes together, beside the drain without one.

use super::{COSTS, ONE_QUEUE};
use crate::{
    agent::{HandlerKind, Production},
    bench::Bench,
    case::Case,
    contestant::{Duty, Limit, Placement, Result},
};

pub(super) async fn run(bench: &mut Bench) -> Result<()> {
    let jobs = bench.arguments.jobs();
    let cases = [
        ("no limit", Limit::Nothing),
        ("one limit for all, never reached", Limit::All),
        ("1 for each of 1,000 keys", Limit::OnePerKey(1000)),
        ("10 for each of 300 keys", Limit::TenPerKey(300)),
        ("1 for each key, each key once", Limit::OnePerKey(0)),
        ("in order, 1,000 keys", Limit::InOrder(1000)),
    ];
    let cases = cases.map(|(name, limit)| {
        (Case { workload: "limits", name, size: super::jobs(jobs), ratios: COSTS }, limit)
    });
    bench
        .measure(
            &cases,
            |about, _| about.limits && about.is_for_history(),
            async |trial, &limit| {
                let placement = Placement { limit, ..Placement::default() };
                let production = Production { placement, ..Production::bulk(jobs) };
                trial.fill(production).await?;
                let limited = !matches!(limit, Limit::Nothing);
                let duty = Duty { limits: limited, ..ONE_QUEUE };
                trial.drain(jobs, 1, &duty, &HandlerKind::default()).await
            },
        )
        .await
}
