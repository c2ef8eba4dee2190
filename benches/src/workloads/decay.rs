//! A drain while a snapshot is held open, as by a long report or a backup: no dead row can be removed. Beside
//! it the same drain without one.

use std::time::{Duration, Instant};

use sqlx::{Connection, PgConnection};

use super::ONE_QUEUE;
use crate::{
    agent::{HandlerKind, Manner, Production},
    bench::{Bench, Case},
    contestant::{About, Result},
    measure::{AgentProcess, Trial, Values},
};

const METRICS: &[&str] = &["jobs/s", "last÷first"];

/// The rate of each tenth of the run.
const TENTHS: [&str; 10] = [
    "tenth 1/s",
    "tenth 2/s",
    "tenth 3/s",
    "tenth 4/s",
    "tenth 5/s",
    "tenth 6/s",
    "tenth 7/s",
    "tenth 8/s",
    "tenth 9/s",
    "tenth X/s",
];

pub(super) async fn run(bench: &mut Bench) -> Result<()> {
    let jobs = bench.arguments.jobs();
    for (fed, inserted) in
        [(false, "inserted in one statement"), (true, "inserted steadily beside it")]
    {
        for (held, snapshot) in [(true, "snapshot held"), (false, "no snapshot")] {
            let case = Case {
                workload: "decay",
                name: format!("{jobs} jobs {inserted}, {snapshot}"),
                ratios: METRICS,
            };
            bench
                .measure(case, About::is_for_throughput, async |trial| {
                    decay(trial, jobs, fed, held).await
                })
                .await?;
        }
    }
    Ok(())
}

async fn decay(trial: &mut Trial<'_>, jobs: u64, fed: bool, held: bool) -> Result<Values> {
    let snapshot = if held { Some(hold_snapshot(trial.connect().await?).await?) } else { None };
    if !fed {
        trial.fill(Production::new(jobs, Manner::Bulk { chunk: jobs })).await?;
    }
    let mut agents = trial.workers(2).await?;
    let stretch = trial.begin_stretch(&mut agents).await?;
    agents[0].work(ONE_QUEUE, HandlerKind::default()).await?;
    let mut course = Course { jobs, ends: Vec::new() };
    let wall = if fed {
        super::sustained::feed(&mut agents, |produced, finished| {
            course.note(finished);
            produced < jobs
        })
        .await?;
        let worker = &mut agents[..1];
        trial.watch(jobs, worker, |finished| course.note(finished)).await?;
        trial.drained(jobs, worker).await?
    } else {
        let worker = &mut agents[..1];
        trial.watch(jobs, worker, |finished| course.note(finished)).await?;
        trial.drained(jobs, worker).await?
    };
    let wall = wall.duration_since(stretch.begun());
    let mut values = trial.end_stretch(&stretch, wall, jobs, &mut agents).await?;
    values.extend(course.rates(stretch.begun()));
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

/// When each tenth of the jobs was finished.
struct Course {
    jobs: u64,
    ends: Vec<(Instant, u64)>,
}

impl Course {
    fn note(&mut self, finished: u64) {
        while finished * 10 >= self.jobs * (self.ends.len() as u64 + 1) && self.ends.len() < 10 {
            self.ends.push((Instant::now(), finished));
        }
    }

    /// The rate of each tenth; those that one look saw together are left out but for the first.
    fn rates(&self, begun: Instant) -> Vec<(&'static str, f64)> {
        let (mut before, mut rates) = ((begun, 0), Vec::new());
        for (&end, name) in self.ends.iter().zip(TENTHS) {
            let took = end.0.duration_since(before.0);
            if took > Duration::ZERO && end.1 > before.1 {
                rates.push((name, (end.1 - before.1) as f64 / took.as_secs_f64()));
                before = end;
            }
        }
        if let (Some(first), Some(last)) = (rates.first().copied(), rates.last().copied()) {
            rates.push(("last÷first", last.1 / first.1));
        }
        rates
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_run_that_halves_its_rate_shows_it() {
        let begun = Instant::now();
        let ends = (1..=10).map(|tenth| {
            let seconds = if tenth <= 5 { tenth } else { 5 + (tenth - 5) * 2 };
            (begun + Duration::from_secs(seconds), tenth * 10)
        });
        let course = Course { jobs: 100, ends: ends.collect() };
        let rates = course.rates(begun);
        assert_eq!(rates.len(), 11);
        assert_eq!(rates[0], ("tenth 1/s", 10.0));
        assert_eq!(rates[10], ("last÷first", 0.5));
    }

    #[test]
    fn tenths_that_one_look_saw_together_count_as_one() {
        let mut course = Course { jobs: 100, ends: Vec::new() };
        course.note(35);
        assert_eq!(course.ends.len(), 3);
        course.note(100);
        assert_eq!(course.ends.len(), 10);
    }
}
