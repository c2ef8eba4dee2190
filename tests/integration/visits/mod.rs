//! Visits of gates beside other transactions, step by step: a statement whose snapshot is older than the locks that it
//! takes. It is held up at the row of its process, which it locks first.

mod gates;
mod operators;
mod rates;
mod sequences;

use sqlx::{AssertSqlSafe, Connection, PgConnection};
use uuid::Uuid;

use crate::{
    statements::carry_out,
    support::{TestDatabase, eventually},
};

const RULE: &str = "key:q/k";
const ORDER: &str = "order:q/k";

/// A limit of two tokens at once, and half an hour until the next.
const RATED: &str = "key:q/rated";

/// A database with a limit for each key, and two processes.
struct Stage {
    database: TestDatabase,
    left: Uuid,
    right: Uuid,
}

/// The runs that a visit completes, and how many jobs it may claim.
#[derive(Debug, Default, Clone)]
struct Asked {
    completed: Vec<Uuid>,
    permits: usize,
    of: Of,
    /// No other key is visited.
    only_hands_over: bool,
}

/// What limits the keys that a visit is about.
#[derive(Debug, Default, Clone, Copy, PartialEq)]
enum Of {
    #[default]
    Number,
    Order,
    /// So many tokens at once, and no other for an hour.
    Rate,
    /// Keys share, and nothing is limited.
    Shares,
}

/// Claims one job.
fn one() -> Asked {
    Asked { permits: 1, ..Asked::default() }
}

/// Claims the next job of a sequence.
fn next() -> Asked {
    Asked { permits: 1, of: Of::Order, ..Asked::default() }
}

/// Completes a run, and claims the next job of its key.
fn hand_over(id: Uuid) -> Asked {
    Asked { completed: vec![id], only_hands_over: true, ..one() }
}

/// Completes a run and claims nothing.
fn end(id: Uuid) -> Asked {
    Asked { completed: vec![id], ..Asked::default() }
}

impl Stage {
    async fn with_limit(limit: i32) -> Self {
        let database = TestDatabase::migrated().await;
        for rule in [RULE, ORDER] {
            let limit = format!(
                "insert into simple_queue.limits (name, concurrency, after_failure) values ('{rule}', {limit}, 'continue')"
            );
            database.execute(&limit).await;
        }
        let rate = r#"{"limit": 3, "per": 3600, "burst": 2, "strict": true, "start_within": 10, "pace": 1200}"#;
        let rated =
            format!("insert into simple_queue.limits (name, rate) values ('{RATED}', '{rate}')");
        database.execute(&rated).await;
        let (left, right) = (database.process().insert().await, database.process().insert().await);
        Self { database, left, right }
    }

    /// A job of the gate `key`, with its turn, as an enqueue writes them.
    async fn enqueue(&self, rule: &str, due_in: &str) -> Uuid {
        let insert = format!(
            "with job as (
                insert into simple_queue.jobs (id, queue, kind, job_data, gate, run_at)
                values (gen_random_uuid(), 'q', 'k', '{{}}', '{rule}#1', now() + interval '{due_in}')
                returning id, gate
            ), turn as (
                insert into simple_queue.turns (rule, gate) select '{rule}', gate from job
            )
            select id from job"
        );
        self.database.value(&insert).await
    }

    /// A job of the gate that a process runs, counted in the gate.
    async fn running(&self, worker_id: Uuid) -> Uuid {
        self.running_of(RULE, worker_id).await
    }

    async fn running_of(&self, rule: &str, worker_id: Uuid) -> Uuid {
        let id = self.enqueue(rule, "0").await;
        let change = self.database.change(id).set("worker_id", format!("'{worker_id}'"));
        change.set("lease", "1").write().await;
        self.database.execute("delete from simple_queue.turns").await;
        self.database
            .execute(&format!(
                "insert into simple_queue.gates as g (gate, rule, running) values ('{rule}#1', '{rule}', 1)
                on conflict (gate) do update set running = g.running + 1"
            ))
            .await;
        id
    }

    /// Carries out a visit; returns how many jobs it claims.
    async fn visit(&self, worker_id: Uuid, asked: Asked) -> usize {
        visit(&self.database.url, worker_id, &asked).await
    }

    /// Begins a visit whose snapshot is taken now, and which waits until the returned session ends.
    async fn visit_held_up(&self, worker_id: Uuid, asked: Asked) -> Held {
        let mut holder = PgConnection::connect(&self.database.url).await.unwrap();
        let lock =
            format!("begin; select from simple_queue.workers where id = '{worker_id}' for update");
        sqlx::raw_sql(AssertSqlSafe(lock)).execute(&mut holder).await.unwrap();
        let url = self.database.url.clone();
        let visit = tokio::spawn(async move { visit(&url, worker_id, &asked).await });
        self.somebody_waits().await;
        Held { holder, visit }
    }

    async fn gate(&self) -> Option<(i32, bool)> {
        let gate = "select running, waiting from simple_queue.gates";
        sqlx::query_as(gate).fetch_optional(&self.database.pool).await.unwrap()
    }

    async fn turns(&self) -> i64 {
        self.database.count("turns").await
    }

    async fn running_jobs(&self) -> i64 {
        self.database.count("jobs where worker_id is not null").await
    }

    /// Whether running jobs and releases add up to the places in use.
    async fn is_counted(&self) -> bool {
        let released = "select coalesce(sum(released), 0) from simple_queue.turns";
        let released: i64 = self.database.value(released).await;
        let counted = self.gate().await.map_or(0, |(running, _)| running);
        self.running_jobs().await + released == i64::from(counted)
    }

    /// A session of a user who has locked a row of the table.
    async fn user_who_locks(&self, job: Uuid) -> PgConnection {
        let mut user = PgConnection::connect(&self.database.url).await.unwrap();
        let lock = format!("begin; select from simple_queue.jobs where id = '{job}' for update");
        sqlx::raw_sql(AssertSqlSafe(lock)).execute(&mut user).await.unwrap();
        user
    }

    /// A session that holds the row of the gate.
    async fn user_who_locks_the_gate(&self) -> PgConnection {
        let mut user = PgConnection::connect(&self.database.url).await.unwrap();
        let lock = "begin; select from simple_queue.gates for update";
        sqlx::raw_sql(lock).execute(&mut user).await.unwrap();
        user
    }

    /// Waits until a session waits for a lock.
    async fn somebody_waits(&self) {
        let waiting = "select count(*) from pg_stat_activity
            where datname = current_database() and wait_event_type = 'Lock'";
        eventually("it waits", async || self.database.value::<i64>(waiting).await == 1).await;
    }
}

struct Held {
    holder: PgConnection,
    visit: tokio::task::JoinHandle<usize>,
}

impl Held {
    /// Lets the visit go on; returns how many jobs it claims.
    async fn go_on(self) -> usize {
        self.holder.close().await.unwrap();
        self.visit.await.unwrap()
    }
}

async fn visit(url: &str, worker_id: Uuid, asked: &Asked) -> usize {
    let mut connection = PgConnection::connect(url).await.unwrap();
    let ids: Vec<String> = asked.completed.iter().map(|id| format!("'{id}'::uuid")).collect();
    let ids = format!("array[{}]::uuid[]", ids.join(", "));
    let count = asked.completed.len();
    let (leases, results) = (
        format!("array_fill(1::bigint, array[{count}])"),
        format!("array_fill(null::text, array[{count}])"),
    );
    let (worker, permits) = (format!("'{worker_id}'"), asked.permits.to_string());
    let hands_over = ("hands_over", "true");
    let (name, rule, more) = match (asked.of, asked.only_hands_over) {
        (Of::Order, true) => ("hand_over_in_order", "'order:q/k'", hands_over),
        (Of::Order, false) => ("visit_sequences", "'order:q/k'", hands_over),
        (Of::Rate, _) => ("visit_rated_gates", "'key:q/rated'", ("needs", "0::float8")),
        (_, true) => ("hand_over", "'key:q/k'", hands_over),
        (_, false) => ("visit_gates", "'key:q/k'", hands_over),
    };
    if asked.of == Of::Shares {
        let arguments = vec![
            ("worker_id", worker.as_str()),
            ("rule", "'fair:q/k'"),
            ("queue", "'q'"),
            ("permits", &permits),
            ("after", "''"),
            ("begun_key", "''"),
            ("begun", "0"),
            ("channel", "'channel'"),
        ];
        return carry_out(&mut connection, "visit_keys", &arguments).await - 1;
    }
    let mut arguments = vec![
        ("worker_id", worker.as_str()),
        ("job_ids", &ids),
        ("leases", &leases),
        ("results", &results),
        ("keep", "false"),
        ("include_touched", if asked.only_hands_over { "false" } else { "true" }),
        ("rule", rule),
        ("queue", "'q'"),
        more,
        ("permits", &permits),
        ("channel", "'channel'"),
    ];
    if !asked.only_hands_over {
        arguments.push(("after", "''"));
    }
    // One row is the summary.
    carry_out(&mut connection, name, &arguments).await - 1
}
