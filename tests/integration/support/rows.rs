//! Rows that a test writes itself: a state that the library reaches slowly, or one that it never writes.

use std::time::Duration;

use serde::Serialize;
use sqlx::{AssertSqlSafe, PgConnection};
use uuid::Uuid;

use super::{Probe, Say, TestDatabase};

/// Values of columns, for rows that are [`New`] or [`Stored`].
#[must_use = "the last call writes it"]
pub(crate) struct Rows<'d, To> {
    database: &'d TestDatabase,
    table: &'static str,
    /// Each column with its value as SQL.
    columns: Vec<(&'static str, String)>,
    to: To,
}

/// Rows to insert.
pub(crate) struct New;

/// Rows to change.
pub(crate) struct Stored {
    /// Which rows, as SQL.
    condition: String,
}

impl TestDatabase {
    /// A new job: by default it is due, in the probe's queue, and succeeds.
    pub(crate) fn job(&self) -> Rows<'_, New> {
        self.new_rows("jobs").queue(Probe::QUEUE).payload(Say::Success)
    }

    /// A new dead letter: by default a job of the queue `q` that has just failed.
    pub(crate) fn dead_letter(&self) -> Rows<'_, New> {
        self.ended_job("dead_letters").set("status", "'failed'").set("reason", "'test'")
    }

    /// A new row of the archive: by default a job of the queue `q` that has just completed.
    pub(crate) fn archived(&self) -> Rows<'_, New> {
        self.ended_job("archive")
    }

    /// The row of a new process: by default it serves the probe's queue and promises no heartbeat within a day.
    pub(crate) fn process(&self) -> Rows<'_, New> {
        self.new_rows("workers")
            .set("heartbeat_interval", "'1 day'")
            .set("pid", "1")
            .set("host", "'here'")
            .set("queues", "'{probe}'")
    }

    /// Inserts the row of a process that died long ago, on the host `gone`; returns its id.
    pub(crate) async fn dead_process(&self) -> Uuid {
        self.process()
            .set("heartbeat_interval", "'10 ms'")
            .set("heartbeat_at", "now() - interval '1 day'")
            .set("host", "'gone'")
            .insert()
            .await
    }

    /// Inserts the row of a process that sleeps until it is notified.
    pub(crate) async fn sleeping_process(&self) {
        let id = self.process().insert().await;
        self.execute(&format!("insert into simple_queue.idle_workers values ('{id}')")).await;
    }

    /// The id of the one process that there is.
    pub(crate) async fn only_process(&self) -> Uuid {
        self.value("select id from simple_queue.workers").await
    }

    /// Changes one job.
    pub(crate) fn change(&self, id: Uuid) -> Rows<'_, Stored> {
        self.change_jobs().only(&format!("id = '{id}'"))
    }

    /// Changes all jobs.
    pub(crate) fn change_jobs(&self) -> Rows<'_, Stored> {
        let to = Stored { condition: "true".to_owned() };
        Rows { database: self, table: "jobs", columns: Vec::new(), to }
    }

    /// Takes the jobs away from their runs, as a reaper and another worker would; returns how many.
    pub(crate) async fn take_jobs_away(&self) -> u64 {
        let change = self.change_jobs().set("lease", "lease + 2");
        change.set("worker_id", "gen_random_uuid()").write().await
    }

    /// Inserts very many jobs: without the indexes of the table, because to make an index is faster than to let it grow.
    pub(crate) async fn fill_jobs(&self, insert: impl AsyncFnOnce()) {
        let drop = "do $$ declare name regclass; begin
            create table public.indexes as
                select pg_get_indexdef(indexrelid) as definition, indexrelid::regclass as name
                from pg_index where indrelid = 'simple_queue.jobs'::regclass and not indisprimary;
            for name in select i.name from public.indexes i loop execute 'drop index ' || name; end loop;
            alter table simple_queue.jobs drop constraint jobs_pkey;
        end $$";
        let make = "do $$ declare index text; begin
            perform set_config('maintenance_work_mem', '256MB', true);
            alter table simple_queue.jobs add constraint jobs_pkey primary key (id);
            for index in select definition from public.indexes loop execute index; end loop;
            drop table public.indexes;
        end $$";
        self.execute(drop).await;
        insert().await;
        self.execute(make).await;
    }

    fn new_rows(&self, table: &'static str) -> Rows<'_, New> {
        let columns = vec![("id", "gen_random_uuid()".to_owned())];
        Rows { database: self, table, columns, to: New }
    }

    fn ended_job(&self, table: &'static str) -> Rows<'_, New> {
        self.new_rows(table)
            .queue("q")
            .kind("")
            .payload(())
            .lease(1)
            .attempt(1)
            .crash_count(0)
            .reprocess_count(0)
            .version(1)
            .priority(0)
            .set("created_at", "now()")
            .set("finished_at", "now()")
    }
}

impl<To> Rows<'_, To> {
    /// The value of any column, as SQL. In new rows `n` is the number of the row, from one on.
    pub(crate) fn set(mut self, column: &'static str, value: impl Into<String>) -> Self {
        self.columns.retain(|(other, _)| *other != column);
        self.columns.push((column, value.into()));
        self
    }

    pub(crate) fn id(self, id: Uuid) -> Self {
        self.set("id", quoted(&id.to_string()))
    }

    pub(crate) fn queue(self, name: &str) -> Self {
        self.set("queue", quoted(name))
    }

    pub(crate) fn kind(self, kind: &str) -> Self {
        self.set("kind", quoted(kind))
    }

    pub(crate) fn payload(self, payload: impl Serialize) -> Self {
        let payload = serde_json::to_string(&payload).expect("payloads of tests are JSON");
        self.set("job_data", quoted(&payload))
    }

    pub(crate) fn unique_key(self, key: &str) -> Self {
        self.set("unique_key", quoted(key))
    }

    pub(crate) fn priority(self, priority: i16) -> Self {
        self.set("priority", priority.to_string())
    }

    pub(crate) fn version(self, version: i32) -> Self {
        self.set("version", version.to_string())
    }

    pub(crate) fn lease(self, lease: i64) -> Self {
        self.set("lease", lease.to_string())
    }

    pub(crate) fn attempt(self, attempt: i32) -> Self {
        self.set("attempt", attempt.to_string())
    }

    pub(crate) fn max_attempts(self, attempts: i32) -> Self {
        self.set("max_attempts", attempts.to_string())
    }

    pub(crate) fn crash_count(self, crashes: i32) -> Self {
        self.set("crash_count", crashes.to_string())
    }

    pub(crate) fn reprocess_count(self, count: i32) -> Self {
        self.set("reprocess_count", count.to_string())
    }

    /// Due since this time.
    pub(crate) fn due_since(self, time: Duration) -> Self {
        self.set("run_at", format!("now() - interval '{} s'", time.as_secs_f64()))
    }

    /// Not due until this time has passed.
    pub(crate) fn due_in(self, time: Duration) -> Self {
        self.set("run_at", format!("now() + interval '{} s'", time.as_secs_f64()))
    }

    /// In its first run, in this process.
    pub(crate) fn running_on(self, process: Uuid) -> Self {
        self.set("worker_id", quoted(&process.to_string())).lease(1).attempt(1)
    }

    /// In its first run, in a process that has no row; each job in another one.
    pub(crate) fn running_nowhere(self) -> Self {
        self.set("worker_id", "gen_random_uuid()").lease(1).attempt(1)
    }

    /// As the reaper leaves a job that was in two processes when they died.
    pub(crate) fn suspect(self) -> Self {
        self.crash_count(2).set("held", quoted(&Uuid::nil().to_string()))
    }

    /// To be cancelled, without a notification.
    pub(crate) fn cancel_requested(self) -> Self {
        self.set("cancel_requested_at", "now()")
    }
}

impl Rows<'_, New> {
    /// Inserts one row; returns its id.
    pub(crate) async fn insert(self) -> Uuid {
        self.database.value(&format!("{} returning id", self.statement(1))).await
    }

    /// Inserts this many rows.
    pub(crate) async fn insert_many(self, rows: usize) {
        self.database.execute(&self.statement(rows)).await;
    }

    /// Inserts this many rows in a transaction of the test; returns the id of the first.
    pub(crate) async fn insert_in(self, connection: &mut PgConnection, rows: usize) -> Uuid {
        let insert = format!("{} returning id", self.statement(rows));
        sqlx::query_scalar(AssertSqlSafe(insert)).fetch_one(connection).await.expect("it inserts")
    }

    fn statement(&self, rows: usize) -> String {
        let (columns, values): (Vec<_>, Vec<_>) =
            self.columns.iter().map(|(column, value)| (*column, value.as_str())).unzip();
        format!(
            "insert into simple_queue.{} ({}) select {} from generate_series(1, {rows}) n",
            self.table,
            columns.join(", "),
            values.join(", ")
        )
    }
}

impl Rows<'_, Stored> {
    /// Changes only the rows of which this condition is true, as SQL.
    pub(crate) fn only(mut self, condition: &str) -> Self {
        condition.clone_into(&mut self.to.condition);
        self
    }

    /// Writes the change; returns how many rows it met.
    pub(crate) async fn write(self) -> u64 {
        let set = self.columns.iter().map(|(column, value)| format!("{column} = {value}"));
        let set = set.collect::<Vec<_>>().join(", ");
        let Self { table, to: Stored { condition }, .. } = &self;
        let update = format!("update simple_queue.{table} set {set} where {condition}");
        self.database.execute(&update).await
    }
}

fn quoted(text: &str) -> String {
    format!("'{}'", text.replace('\'', "''"))
}
