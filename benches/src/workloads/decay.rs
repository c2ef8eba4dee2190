//! A drain while a snapshot is held open, as by a long report or a backup: no dead row can be removed. Beside
//! it the same drain without one.

use std::time::Duration;

use sqlx::{Connection, PgConnection};

use super::ONE_QUEUE;
use crate::{
    agent::{HandlerKind, Manner, Production},
    bench::Bench,
    case::Case,
    contestant::Result,
    measure::{AgentProcess, Trial, Values},
    metrics::TENTHS,
};

const METRICS: &[&str] = &["jobs/s", "last÷first"];

#[derive(Clone, Copy)]
struct Setting {
    /// Whether jobs are inserted while others are drained, or all in one statement before.
    beside: bool,
    /// Whether a snapshot is held.
    held: bool,
}

pub(super) async fn run(bench: &mut Bench) -> Result<()> {
    let jobs = bench.arguments.jobs();
    let cases = [
        ("inserted at once, snapshot held", Setting { beside: false, held: true }),
        ("inserted at once, no snapshot", Setting { beside: false, held: false }),
        ("inserted beside it, snapshot held", Setting { beside: true, held: true }),
        ("inserted beside it, no snapshot", Setting { beside: true, held: false }),
    ];
    let cases = cases.map(|(name, setting)| {
        (Case { workload: "decay", name, size: super::jobs(jobs), ratios: METRICS }, setting)
    });
    bench
        .measure(
            &cases,
            |about, _| about.is_for_history(),
            async |trial, &setting| decay(trial, jobs, setting).await,
        )
        .await
}

async fn decay(trial: &mut Trial<'_>, jobs: u64, setting: Setting) -> Result<Values> {
    let snapshot =
        if setting.held { Some(hold_snapshot(trial.connect().await?).await?) } else { None };
    if !setting.beside {
        trial.fill(Production::new(jobs, Manner::Bulk { chunk: jobs })).await?;
    }
    let mut agents = trial.workers(2).await?;
    let stretch = trial.begin_stretch(&mut agents).await?;
    let handler = HandlerKind { tenths_of: jobs, ..HandlerKind::default() };
    agents[0].work(ONE_QUEUE, handler).await?;
    let jobs = if setting.beside {
        super::sustained::feed(&mut agents, |produced, _| produced < jobs).await?
    } else {
        jobs
    };
    let wall = trial.drained(jobs, &mut agents[..1]).await?.duration_since(stretch.begun());
    let mut values = trial.end_stretch(&stretch, wall, jobs, &mut agents).await?;
    values.extend(rates(&agents[0].times().await?.tenths_ns, jobs)?);
    end(trial, agents, jobs).await?;
    if let Some(snapshot) = snapshot {
        snapshot.close().await?;
    }
    Ok(values)
}

async fn hold_snapshot(mut connection: PgConnection) -> Result<PgConnection> {
    // The snapshot is taken by the first statement.
    for statement in ["begin isolation level repeatable read", "select 1"] {
        sqlx::raw_sql(statement).execute(&mut connection).await?;
    }
    Ok(connection)
}

async fn end(trial: &mut Trial<'_>, agents: Vec<AgentProcess>, jobs: u64) -> Result<()> {
    let mut agents = agents.into_iter();
    if let Some(worker) = agents.next() {
        worker.stop_work().await?;
    }
    for producer in agents {
        producer.end().await?;
    }
    trial.check_history(jobs).await
}

/// The rate of each tenth, from when the first job was done and when the last of each tenth was.
fn rates(done_ns: &[u64], jobs: u64) -> Result<Vec<(&'static str, f64)>> {
    if done_ns.len() != TENTHS.len() + 1 {
        return Err(format!("{} of eleven times were noted", done_ns.len()).into());
    }
    let tenth = jobs as f64 / TENTHS.len() as f64;
    let mut rates: Vec<_> = done_ns
        .windows(2)
        .zip(TENTHS)
        .map(|(ends, name)| {
            // Two threads may note the ends of two tenths in the wrong order.
            let took = Duration::from_nanos(std::cmp::max(ends[1].saturating_sub(ends[0]), 1));
            (name, tenth / took.as_secs_f64())
        })
        .collect();
    rates.push(("last÷first", rates[TENTHS.len() - 1].1 / rates[0].1));
    Ok(rates)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_run_that_halves_its_rate_shows_it() {
        const SECOND: u64 = 1_000_000_000;
        let ends = (0..=10).map(|tenth| {
            let seconds = if tenth <= 5 { tenth } else { 5 + (tenth - 5) * 2 };
            7 + seconds * SECOND
        });
        let rates = rates(&ends.collect::<Vec<_>>(), 100).unwrap();
        assert_eq!(rates.len(), 11);
        assert_eq!(rates[0], ("tenth 1/s", 10.0));
        assert_eq!(rates[10], ("last÷first", 0.5));
    }

    #[test]
    fn a_run_of_which_an_end_was_not_noted_is_an_error() {
        assert!(rates(&[1; 10], 100).is_err());
    }
}
