//! One contestant doing one workload once, in a database of its own.

use std::{
    collections::BTreeMap,
    time::{Duration, Instant},
};

use futures_util::future::try_join_all;
use sqlx::{AssertSqlSafe, Connection, PgConnection};

use super::{AgentProcess, Counters, Program, Server};
use crate::{
    agent::{HandlerKind, Production},
    contestant::{About, Duty, Result},
};

/// What was measured, by the name of the metric.
pub(crate) type Values = BTreeMap<&'static str, f64>;

pub(crate) struct Trial<'b> {
    pub(crate) about: &'b About,
    program: &'b Program,
    server: &'b mut Server,
    connections: u32,
    /// Not counted.
    pub(crate) connection: PgConnection,
    url: String,
}

const DATABASE: &str = "simple_queue_bench";

/// How long nothing may happen before a trial has failed.
const PATIENCE: Duration = Duration::from_secs(30);

const LOOK: Duration = Duration::from_millis(5);

/// A stretch of a trial that is being measured.
pub(crate) struct Stretch {
    begun: Instant,
    counters: Counters,
}

/// The executions of the statement that claims jobs.
pub(crate) struct Fetches {
    pub(crate) calls: f64,
    pub(crate) total_ms: f64,
    pub(crate) most_ms: f64,
}

impl<'b> Trial<'b> {
    pub(crate) async fn begin(
        about: &'b About,
        program: &'b Program,
        server: &'b mut Server,
        connections: u32,
    ) -> Result<Self> {
        let (url, connection) = server.create_database(DATABASE).await?;
        let trial = Self { about, program, server, connections, connection, url };
        let mut agent = trial.agent()?;
        agent.migrate().await?;
        agent.end().await?;
        Ok(trial)
    }

    pub(crate) async fn end(self) -> Result<()> {
        self.connection.close().await?;
        self.server.drop_database(DATABASE).await
    }

    /// A process that can enqueue or work.
    pub(crate) fn agent(&self) -> Result<AgentProcess> {
        self.program.start(self.about, &self.url, self.connections)
    }

    /// A connection to the trial's database that is not counted.
    pub(crate) async fn connect(&self) -> Result<PgConnection> {
        Ok(PgConnection::connect(&self.url).await?)
    }

    /// Jobs that are there before anything is measured. Returns by how many bytes they made the log grow.
    pub(crate) async fn fill(&mut self, production: Production) -> Result<f64> {
        let (expected, before) = (production.jobs, self.left().await?);
        let mut agent = self.agent()?;
        let counters = self.counters().await?;
        agent.produce(production).await?;
        let wal_bytes = self.counters().await?.since(&counters).wal_bytes;
        agent.end().await?;
        let stored = self.left().await? - before;
        if stored != expected {
            return Err(format!("{stored} jobs are there where {expected} were enqueued").into());
        }
        sqlx::raw_sql("vacuum analyze").execute(&mut self.connection).await?;
        Ok(wal_bytes)
    }

    async fn counters(&mut self) -> Result<Counters> {
        let statements = self.server.settings.statements;
        Counters::read(&mut self.server.observer, DATABASE, statements).await
    }

    /// A worker that is ready to begin; connecting is not measured.
    pub(crate) async fn begin_stretch(&mut self, agents: &mut [AgentProcess]) -> Result<Stretch> {
        for agent in agents {
            agent.begin().await?;
        }
        let counters = self.counters().await?;
        Ok(Stretch { begun: Instant::now(), counters })
    }

    /// What the stretch cost, per job.
    pub(crate) async fn end_stretch(
        &mut self,
        stretch: &Stretch,
        wall: Duration,
        jobs: u64,
        agents: &mut [AgentProcess],
    ) -> Result<Values> {
        let counted = self.counters().await?.since(&stretch.counters);
        let mut client = Duration::ZERO;
        for agent in agents {
            client += agent.used().await?;
        }
        let jobs = jobs as f64;
        let mut values = Values::from([
            ("jobs/s", jobs / wall.as_secs_f64()),
            ("client µs/job", client.as_secs_f64() * 1e6 / jobs),
            ("WAL B/job", counted.wal_bytes / jobs),
        ]);
        if let Some(server) = counted.server_cpu {
            values.insert("server µs/job", server.as_secs_f64() * 1e6 / jobs);
        }
        if let Some(statements) = counted.statements {
            values.insert("stmts/job", statements / jobs);
        }
        Ok(values)
    }

    /// Waits until the workers' handlers have run this many jobs and the table has none left; returns when it
    /// had none.
    pub(crate) async fn drained(
        &mut self,
        jobs: u64,
        workers: &mut [AgentProcess],
    ) -> Result<Instant> {
        self.watch(jobs, workers).await?;
        self.emptied(PATIENCE).await
    }

    /// Waits until the table has no jobs left; returns when it had none.
    pub(crate) async fn emptied(&mut self, patience: Duration) -> Result<Instant> {
        let (mut before, mut deadline) = (u64::MAX, Instant::now() + patience);
        loop {
            let looked = Instant::now();
            let left = self.left().await?;
            if left == 0 {
                return Ok(looked);
            }
            if left < before {
                (before, deadline) = (left, looked + patience);
            }
            if looked > deadline {
                let seconds = patience.as_secs();
                return Err(format!(
                    "{left} jobs are in the table, and none was finished for {seconds} s"
                )
                .into());
            }
            tokio::time::sleep(LOOK).await;
        }
    }

    /// Waits until the workers' handlers have run this many jobs.
    pub(crate) async fn watch(&mut self, jobs: u64, workers: &mut [AgentProcess]) -> Result<()> {
        let (mut before, mut deadline) = (0, Instant::now() + PATIENCE);
        loop {
            let finished = finished(workers).await?;
            if finished >= jobs {
                return Ok(());
            }
            if finished > before {
                (before, deadline) = (finished, Instant::now() + PATIENCE);
            }
            if Instant::now() > deadline {
                let (seconds, left) = (PATIENCE.as_secs(), self.left().await?);
                return Err(format!(
                    "{finished} of {jobs} jobs ran, none for {seconds} s; {left} are in the table"
                )
                .into());
            }
            tokio::time::sleep(LOOK).await;
        }
    }

    /// How many jobs are not finished.
    pub(crate) async fn left(&mut self) -> Result<u64> {
        count(&mut self.connection, &self.about.count_left).await
    }

    /// Fails unless the history holds what ran, or nothing where it is off.
    pub(crate) async fn check_history(&mut self, jobs: u64) -> Result<()> {
        let Some(sql) = &self.about.count_kept else { return Ok(()) };
        let kept = count(&mut self.connection, sql).await?;
        let expected = if self.about.history { jobs } else { 0 };
        if kept == expected {
            Ok(())
        } else {
            Err(format!("{jobs} jobs ran, {kept} of {expected} are in the history").into())
        }
    }

    /// How many rows were killed, and how many updates of them touched no index, since the database was made.
    /// To be called when the processes have ended: the server has their statistics only then.
    pub(crate) async fn dead_rows(&mut self) -> Result<(f64, f64)> {
        let others = "select count(*) from pg_stat_activity
            where datname = current_database() and backend_type = 'client backend' and pid <> pg_backend_pid()";
        let deadline = Instant::now() + PATIENCE;
        while count(&mut self.connection, others).await? > 0 {
            if Instant::now() > deadline {
                return Err("a process ended and its connections did not".into());
            }
            tokio::time::sleep(LOOK).await;
        }
        let sql = "select coalesce(sum(n_tup_upd + n_tup_del), 0)::double precision,
            coalesce(sum(n_tup_hot_upd), 0)::double precision from pg_stat_user_tables";
        sqlx::raw_sql("select pg_stat_clear_snapshot()").execute(&mut self.connection).await?;
        Ok(sqlx::query_as(sql).fetch_one(&mut self.connection).await?)
    }

    /// Counts the statements inside functions as well, for processes that connect from now on.
    pub(crate) async fn count_nested_statements(&mut self) -> Result<()> {
        if self.server.settings.statements {
            let sql = format!("alter database {DATABASE} set pg_stat_statements.track = 'all'");
            sqlx::raw_sql(AssertSqlSafe(sql)).execute(&mut self.connection).await?;
        }
        Ok(())
    }

    /// What the statement that claims jobs took since the last call.
    pub(crate) async fn fetches(&mut self) -> Result<Option<Fetches>> {
        if !self.server.settings.statements {
            return Ok(None);
        }
        let sql = "select sum(calls)::double precision, sum(total_exec_time), max(max_exec_time)
            from pg_stat_statements s join pg_database d on d.oid = s.dbid
            where d.datname = $1 and strpos(s.query, $2) > 0";
        let (calls, total_ms, most_ms): (Option<f64>, Option<f64>, Option<f64>) =
            sqlx::query_as(sql)
                .bind(DATABASE)
                .bind(&*self.about.fetch)
                .fetch_one(&mut self.server.observer)
                .await?;
        sqlx::raw_sql("select pg_stat_statements_reset()")
            .execute(&mut self.server.observer)
            .await?;
        Ok(calls.zip(total_ms).zip(most_ms).map(|((calls, total_ms), most_ms)| Fetches {
            calls,
            total_ms,
            most_ms,
        }))
    }

    /// Starts this many workers in processes of their own, which have connected and are measured from here on.
    pub(crate) async fn workers(&self, count: usize) -> Result<Vec<AgentProcess>> {
        let mut workers = Vec::new();
        for _ in 0..count {
            let mut worker = self.agent()?;
            worker.look().await?;
            workers.push(worker);
        }
        Ok(workers)
    }

    /// Enqueue nothing more, but let everything that is there run, in the fashion of a drain, and measure it.
    pub(crate) async fn drain(
        &mut self,
        jobs: u64,
        processes: usize,
        duty: &Duty,
        handler: &HandlerKind,
    ) -> Result<Values> {
        let dead_before = self.dead_rows().await?;
        let mut workers = self.workers(processes).await?;
        let stretch = self.begin_stretch(&mut workers).await?;
        let started = start_all(&mut workers, duty, handler).await?.duration_since(stretch.begun);
        let wall = self.drained(jobs, &mut workers).await?.duration_since(stretch.begun);
        let mut values = self.end_stretch(&stretch, wall, jobs, &mut workers).await?;
        values.insert("start ms", started.as_secs_f64() * 1e3);
        for worker in workers {
            worker.stop_work().await?;
        }
        self.check_history(jobs).await?;
        self.add_dead_rows(&mut values, jobs, dead_before).await?;
        Ok(values)
    }

    pub(crate) async fn add_dead_rows(
        &mut self,
        values: &mut Values,
        jobs: u64,
        before: (f64, f64),
    ) -> Result<()> {
        let (dead, hot) = self.dead_rows().await?;
        values.insert("dead/job", (dead - before.0) / jobs as f64);
        values.insert("HOT/job", (hot - before.1) / jobs as f64);
        Ok(())
    }
}

impl Stretch {
    pub(crate) fn begun(&self) -> Instant {
        self.begun
    }

    pub(crate) fn elapsed(&self) -> Duration {
        self.begun.elapsed()
    }
}

/// Starts a worker in each of the processes at the same time; returns when all had started.
pub(crate) async fn start_all(
    workers: &mut [AgentProcess],
    duty: &Duty,
    handler: &HandlerKind,
) -> Result<Instant> {
    let starts = workers.iter_mut().map(|worker| worker.work(duty.clone(), handler.clone()));
    try_join_all(starts).await?;
    Ok(Instant::now())
}

/// How many jobs the handlers of all of them have run.
pub(crate) async fn finished(workers: &mut [AgentProcess]) -> Result<u64> {
    let mut finished = 0;
    for worker in workers {
        finished += worker.look().await?.finished;
    }
    Ok(finished)
}

async fn count(connection: &mut PgConnection, sql: &str) -> Result<u64> {
    let count: i64 = sqlx::query_scalar(AssertSqlSafe(sql)).fetch_one(connection).await?;
    Ok(u64::try_from(count)?)
}
