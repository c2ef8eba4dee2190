//! Latency while the table is full: of jobs for tomorrow that are more urgent, of less urgent ones that are
//! due, and of running ones.

use sqlx::AssertSqlSafe;

use super::latency::{latency, paced};
use crate::{
    agent::Production,
    bench::{Bench, Case},
    contestant::{About, Placement, Result, Urgency},
    measure::{Trial, Values},
};

const METRICS: &[&str] = &["p50 ms", "p95 ms", "fetch ms", "server %"];

pub(super) async fn run(bench: &mut Bench) -> Result<()> {
    let (seconds, million) = if bench.arguments.quick { (4, 100_000) } else { (15, 1_000_000) };
    let crowds = [
        ("an empty table".to_owned(), Crowd::Nobody),
        (format!("{million} urgent jobs for tomorrow"), Crowd::Tomorrow(million)),
        (format!("{} running jobs", million / 10), Crowd::Running(million / 10)),
        (format!("{million} less urgent jobs that are due"), Crowd::Due(million)),
    ];
    for (name, crowd) in crowds {
        let case = Case { workload: "backlog", name, ratios: METRICS };
        let is_meant = |about: &About| {
            about.is_for_latency()
                && (about.claim_all.is_some() || !matches!(crowd, Crowd::Running(_)))
        };
        bench.measure(case, is_meant, async |trial| beside(trial, crowd, seconds).await).await?;
    }
    Ok(())
}

#[derive(Clone, Copy)]
enum Crowd {
    Nobody,
    Tomorrow(u64),
    Running(u64),
    Due(u64),
}

async fn beside(trial: &mut Trial<'_>, crowd: Crowd, seconds: u64) -> Result<Values> {
    const DAY_MS: u64 = 24 * 60 * 60 * 1000;
    // Their numbers come after those of the jobs that are measured.
    const CROWD: u64 = 1 << 40;
    let (jobs, placement) = match crowd {
        Crowd::Nobody => (0, Placement::default()),
        Crowd::Tomorrow(jobs) => {
            (jobs, Placement { delay_ms: DAY_MS, urgency: Urgency::Urgent, queue: 0 })
        }
        Crowd::Running(jobs) => (jobs, Placement::default()),
        Crowd::Due(jobs) => (jobs, Placement { urgency: Urgency::Low, ..Placement::default() }),
    };
    if jobs > 0 {
        trial.fill(Production { first: CROWD, placement, ..Production::bulk(jobs) }).await?;
    }
    if let (Crowd::Running(_), Some(sql)) = (crowd, trial.about.claim_all.clone()) {
        sqlx::raw_sql(AssertSqlSafe(&*sql)).execute(&mut trial.connection).await?;
        sqlx::raw_sql("vacuum analyze").execute(&mut trial.connection).await?;
    }
    trial.mean_fetch_ms().await?;
    let mut values = latency(trial, &[paced(20.0, seconds)]).await?;
    if let Some(fetch) = trial.mean_fetch_ms().await? {
        values.insert("fetch ms", fetch);
    }
    if let (Some(server), Some(rate)) = (values.get("server µs/job"), values.get("jobs/s")) {
        values.insert("server %", server * rate / 1e4);
    }
    Ok(values)
}
