//! One contestant doing one workload once, in a database of its own.

use std::{
    collections::BTreeMap,
    time::{Duration, Instant},
};

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
const PATIENCE: Duration = Duration::from_mins(1);

const LOOK: Duration = Duration::from_millis(5);

/// A stretch of a trial that is being measured.
pub(crate) struct Stretch {
    begun: Instant,
    counters: Counters,
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

    /// Jobs that are there before anything is measured.
    pub(crate) async fn fill(&mut self, production: Production) -> Result<()> {
        let (expected, before) = (production.jobs, self.left().await?);
        let mut agent = self.agent()?;
        agent.produce(production).await?;
        agent.end().await?;
        let stored = self.left().await? - before;
        if stored != expected {
            return Err(format!("{stored} jobs are there where {expected} were enqueued").into());
        }
        sqlx::raw_sql("vacuum analyze").execute(&mut self.connection).await?;
        Ok(())
    }

    /// A worker that is ready to begin; connecting is not measured.
    pub(crate) async fn begin_stretch(&mut self, agents: &mut [AgentProcess]) -> Result<Stretch> {
        for agent in agents {
            agent.begin().await?;
        }
        let statements = self.server.settings.statements;
        let counters = Counters::read(&mut self.server.observer, DATABASE, statements).await?;
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
        let statements = self.server.settings.statements;
        let counters = Counters::read(&mut self.server.observer, DATABASE, statements).await?;
        let counted = counters.since(&stretch.counters);
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

    /// Waits until the workers' handlers have run so many jobs and the table has none left; returns when it
    /// had none.
    pub(crate) async fn drained(
        &mut self,
        jobs: u64,
        workers: &mut [AgentProcess],
    ) -> Result<Instant> {
        self.watch(jobs, workers, |_| {}).await?;
        let mut deadline = Instant::now() + PATIENCE;
        let mut before = u64::MAX;
        loop {
            let looked = Instant::now();
            let left = self.left().await?;
            if left == 0 {
                return Ok(looked);
            }
            if left < before {
                (before, deadline) = (left, looked + PATIENCE);
            }
            if looked > deadline {
                return Err(format!("all jobs ran, and {left} are still in the table").into());
            }
            tokio::time::sleep(LOOK).await;
        }
    }

    /// Waits until the workers' handlers have run so many jobs, and says how many it were each time it looks.
    pub(crate) async fn watch(
        &mut self,
        jobs: u64,
        workers: &mut [AgentProcess],
        seen: impl FnMut(u64),
    ) -> Result<()> {
        self.watch_for(jobs, workers, PATIENCE, seen).await
    }

    /// As [`Self::watch`], with a patience of its own.
    pub(crate) async fn watch_for(
        &mut self,
        jobs: u64,
        workers: &mut [AgentProcess],
        patience: Duration,
        mut seen: impl FnMut(u64),
    ) -> Result<()> {
        let (mut before, mut deadline) = (0, Instant::now() + patience);
        loop {
            let mut finished = 0;
            for worker in &mut *workers {
                finished += worker.look().await?.finished;
            }
            seen(finished);
            if finished >= jobs {
                return Ok(());
            }
            if finished > before {
                (before, deadline) = (finished, Instant::now() + patience);
            }
            if Instant::now() > deadline {
                let left = self.left().await?;
                return Err(format!(
                    "{finished} of {jobs} jobs ran, none for {}; {left} are in the table",
                    format_args!("{} s", patience.as_secs())
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

    /// Fails unless the history holds what ran, where there is one.
    pub(crate) async fn check_history(&mut self, jobs: u64) -> Result<()> {
        let Some(sql) = &self.about.count_kept else { return Ok(()) };
        let kept = count(&mut self.connection, sql).await?;
        if kept == jobs {
            Ok(())
        } else {
            Err(format!("{jobs} jobs ran, {kept} are in the history").into())
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

    /// The mean time in milliseconds of the statement that claims jobs, since the last call.
    pub(crate) async fn mean_fetch_ms(&mut self) -> Result<Option<f64>> {
        if !self.server.settings.statements {
            return Ok(None);
        }
        let sql = "select (sum(total_exec_time) / nullif(sum(calls), 0))::double precision
            from pg_stat_statements s join pg_database d on d.oid = s.dbid
            where d.datname = $1 and strpos(s.query, $2) > 0";
        let mean = sqlx::query_scalar(sql)
            .bind(DATABASE)
            .bind(&*self.about.fetch)
            .fetch_one(&mut self.server.observer)
            .await?;
        sqlx::raw_sql("select pg_stat_statements_reset()")
            .execute(&mut self.server.observer)
            .await?;
        Ok(mean)
    }

    /// Starts so many workers on processes of their own, that have connected and begun to be measured.
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
        for worker in &mut workers {
            worker.work(duty.clone(), handler.clone()).await?;
        }
        let wall = self.drained(jobs, &mut workers).await?.duration_since(stretch.begun);
        let mut values = self.end_stretch(&stretch, wall, jobs, &mut workers).await?;
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

async fn count(connection: &mut PgConnection, sql: &str) -> Result<u64> {
    let count: i64 = sqlx::query_scalar(AssertSqlSafe(sql)).fetch_one(connection).await?;
    Ok(u64::try_from(count)?)
}
