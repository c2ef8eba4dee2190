//! Latency while the table is full: of jobs for tomorrow that are more urgent, of less urgent ones that are
//! due, and of running ones.

use std::time::{Duration, Instant};

use sqlx::AssertSqlSafe;

use super::latency::{latency, paced};
use crate::{
    agent::Production,
    bench::Bench,
    case::Case,
    contestant::{About, Duty, Placement, Result, Urgency},
    measure::{Fetches, Trial, Values},
};

const METRICS: &[&str] = &["p50 ms", "p95 ms", "fetch ms", "server %"];

/// So few at once that a crowd of due jobs of this length stays a crowd while there are measurements beside it,
/// and that a permit for an urgent job is free every millisecond.
const DUTY: Duty = Duty { queues: 1, concurrency: Some(100), limits: false };
const OTHERS_MS: u64 = 100;

pub(super) async fn run(bench: &mut Bench) -> Result<()> {
    let (seconds, million) = if bench.arguments.quick { (4, 100_000) } else { (15, 1_000_000) };
    let crowds = [
        ("an empty table", Crowd::Nobody),
        ("urgent jobs for tomorrow", Crowd::Tomorrow(million)),
        ("running jobs", Crowd::Running(million / 10)),
        ("less urgent jobs that are due", Crowd::Due(million)),
    ];
    let cases = crowds.map(|(name, crowd)| {
        let size = super::jobs(crowd.jobs());
        (Case { workload: "backlog", name, size, ratios: METRICS }, crowd)
    });
    let is_meant = |about: &About, crowd: &Crowd| {
        about.is_for_latency() && (about.claim_all.is_some() || !matches!(crowd, Crowd::Running(_)))
    };
    bench.measure(&cases, is_meant, async |trial, &crowd| beside(trial, crowd, seconds).await).await
}

#[derive(Clone, Copy)]
enum Crowd {
    Nobody,
    Tomorrow(u64),
    Running(u64),
    Due(u64),
}

impl Crowd {
    const fn jobs(self) -> u64 {
        match self {
            Self::Nobody => 0,
            Self::Tomorrow(jobs) | Self::Running(jobs) | Self::Due(jobs) => jobs,
        }
    }

    fn placement(self) -> Placement {
        const DAY_MS: u64 = 24 * 60 * 60 * 1000;
        match self {
            Self::Nobody | Self::Running(_) => Placement::default(),
            Self::Tomorrow(_) => {
                Placement { delay_ms: DAY_MS, urgency: Urgency::Urgent, ..Placement::default() }
            }
            Self::Due(_) => Placement { urgency: Urgency::Low, ..Placement::default() },
        }
    }
}

async fn beside(trial: &mut Trial<'_>, crowd: Crowd, seconds: u64) -> Result<Values> {
    // Their numbers come after those of the jobs that are measured.
    const CROWD: u64 = 1 << 40;
    if crowd.jobs() > 0 {
        let production = Production::bulk(crowd.jobs());
        trial.fill(Production { first: CROWD, placement: crowd.placement(), ..production }).await?;
    }
    if let (Crowd::Running(_), Some(sql)) = (crowd, trial.about.claim_all.clone()) {
        sqlx::raw_sql(AssertSqlSafe(&*sql)).execute(&mut trial.connection).await?;
        sqlx::raw_sql("vacuum analyze").execute(&mut trial.connection).await?;
    }
    // What was enqueued a moment ago may have been overtaken, and everybody reads it again.
    tokio::time::sleep(Duration::from_secs(1)).await;
    trial.fetches().await?;
    let begun = Instant::now();
    let mut values = latency(trial, &[paced(20.0, seconds)], &DUTY, OTHERS_MS).await?;
    if let Some(Fetches { calls, total_ms, most_ms }) = trial.fetches().await? {
        values.insert("fetch ms", total_ms / calls);
        values.insert("fetch max ms", most_ms);
        values.insert("fetch %", total_ms / 10.0 / begun.elapsed().as_secs_f64());
    }
    if let (Some(server), Some(rate)) = (values.get("server µs/job"), values.get("jobs/s")) {
        values.insert("server %", server * rate / 1e4);
    }
    check_crowd(trial, crowd).await?;
    Ok(values)
}

/// Fails when the crowd was gone before the end: then nothing was measured beside it.
async fn check_crowd(trial: &mut Trial<'_>, crowd: Crowd) -> Result<()> {
    let left = trial.left().await?;
    if left < crowd.jobs() / 2 {
        return Err(format!("{left} of {} jobs were there at the end", crowd.jobs()).into());
    }
    Ok(())
}
