//! Visits of gates beside other transactions, step by step: a statement whose snapshot is older than the locks that it
//! takes. It is held up at the row of its process, which it locks first.

use sqlx::{AssertSqlSafe, Connection, PgConnection};
use uuid::Uuid;

use crate::{
    statements::carry_out,
    support::{TestDatabase, eventually},
};

const RULE: &str = "key:q/k";

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
    in_order: bool,
    /// There is a rate: so many tokens at once, and no other for an hour.
    rated: bool,
    /// Keys share, and nothing is limited.
    fair: bool,
}

impl Stage {
    async fn with_limit(limit: i32) -> Self {
        let database = TestDatabase::migrated().await;
        for rule in [RULE, "order:q/k"] {
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
        let id = self.enqueue(RULE, "0").await;
        let change = self.database.change(id).set("worker_id", format!("'{worker_id}'"));
        change.set("lease", "1").write().await;
        self.database.execute("delete from simple_queue.turns").await;
        self.database
            .execute(&format!(
                "insert into simple_queue.gates as g (gate, rule, running) values ('{RULE}#1', '{RULE}', 1)
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
        let waiting = "select count(*) from pg_stat_activity
            where datname = current_database() and wait_event_type = 'Lock'";
        eventually("the visit waits", async || self.database.value::<i64>(waiting).await == 1)
            .await;
        Held { holder, visit }
    }

    async fn gate(&self) -> Option<(i32, bool)> {
        let gate = "select running, waiting from simple_queue.gates";
        sqlx::query_as(gate).fetch_optional(&self.database.pool).await.unwrap()
    }

    async fn turns(&self) -> i64 {
        self.database.count("turns").await
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
    let (name, rule, more) = match (asked.in_order, asked.rated) {
        (true, _) => ("visit_sequences", "'order:q/k'", hands_over),
        (_, true) => ("visit_rated_gates", "'key:q/rated'", ("needs", "0::float8")),
        _ => ("visit_gates", "'key:q/k'", hands_over),
    };
    if asked.fair {
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
    let arguments = vec![
        ("worker_id", worker.as_str()),
        ("job_ids", &ids),
        ("leases", &leases),
        ("results", &results),
        ("keep", "false"),
        ("include_touched", "true"),
        ("rule", rule),
        ("queue", "'q'"),
        more,
        ("permits", &permits),
        ("after", "''"),
        ("channel", "'channel'"),
    ];
    // One row is the summary.
    carry_out(&mut connection, name, &arguments).await - 1
}

#[tokio::test]
async fn a_job_that_a_full_gate_passes_over_while_its_last_run_ends_keeps_a_turn() {
    let stage = Stage::with_limit(1).await;
    let ended = stage.running(stage.left).await;
    let ends = Asked { completed: vec![ended], permits: 0, ..Asked::default() };
    let held = stage.visit_held_up(stage.left, ends).await;
    // The held visit does not see this job. The other one consumes its turn, because the gate is full.
    stage.enqueue(RULE, "0").await;
    assert_eq!(stage.visit(stage.right, Asked { permits: 1, ..Asked::default() }).await, 0);
    assert_eq!((stage.gate().await, stage.turns().await), (Some((1, true)), 0));
    held.go_on().await;
    assert_eq!((stage.gate().await, stage.turns().await), (None, 1));
    assert_eq!(stage.visit(stage.right, Asked { permits: 1, ..Asked::default() }).await, 1);
}

#[tokio::test]
async fn two_runs_of_a_gate_that_end_at_once_are_both_counted() {
    let stage = Stage::with_limit(2).await;
    let (first, second) = (stage.running(stage.left).await, stage.running(stage.right).await);
    let ends = |id| Asked { completed: vec![id], permits: 0, ..Asked::default() };
    let held = stage.visit_held_up(stage.left, ends(first)).await;
    stage.visit(stage.right, ends(second)).await;
    assert_eq!(stage.gate().await, Some((1, false)));
    held.go_on().await;
    assert_eq!((stage.gate().await, stage.turns().await), (None, 0));
}

#[tokio::test]
async fn a_process_without_a_row_takes_over_no_place_and_gives_its_own_back() {
    let stage = Stage::with_limit(1).await;
    let ended = stage.running(stage.left).await;
    stage.enqueue(RULE, "0").await;
    stage
        .database
        .execute(&format!("delete from simple_queue.workers where id = '{}'", stage.left))
        .await;
    let ends = Asked { completed: vec![ended], permits: 1, ..Asked::default() };
    assert_eq!(stage.visit(stage.left, ends).await, 0);
    assert_eq!(stage.visit(stage.right, Asked { permits: 1, ..Asked::default() }).await, 1);
    assert_eq!(stage.gate().await, Some((1, false)));
}

#[tokio::test]
async fn a_gate_that_two_visits_make_at_once_is_counted_once() {
    let stage = Stage::with_limit(2).await;
    for _ in 0..3 {
        stage.enqueue(RULE, "0").await;
    }
    let asked = Asked { permits: 1, ..Asked::default() };
    let held = stage.visit_held_up(stage.left, asked.clone()).await;
    assert_eq!(stage.visit(stage.right, asked.clone()).await, 1);
    held.go_on().await;
    let running = stage.database.count("jobs where worker_id is not null").await;
    let counted = stage.gate().await.unwrap().0;
    assert_eq!(i64::from(counted), running);
    stage.visit(stage.left, asked).await;
    assert_eq!(stage.gate().await.unwrap().0, 2);
    assert_eq!(stage.database.count("jobs where worker_id is not null").await, 2);
}

#[tokio::test]
async fn a_job_that_becomes_due_while_its_turn_is_consumed_keeps_one() {
    let stage = Stage::with_limit(1).await;
    stage.enqueue(RULE, "20 s").await;
    assert_eq!(stage.visit(stage.left, Asked { permits: 1, ..Asked::default() }).await, 0);
    let dated = "turns t where t.due_at = (select run_at from simple_queue.jobs)";
    assert_eq!((stage.turns().await, stage.database.count(dated).await), (1, 1));
}

#[tokio::test]
async fn the_turn_of_a_key_without_jobs_is_taken_away() {
    let stage = Stage::with_limit(1).await;
    stage.enqueue(RULE, "0").await;
    stage.database.execute("delete from simple_queue.jobs").await;
    assert_eq!(stage.visit(stage.left, Asked { permits: 1, ..Asked::default() }).await, 0);
    assert_eq!((stage.gate().await, stage.turns().await), (None, 0));
}

#[tokio::test]
async fn no_job_of_a_sequence_overtakes_one_that_a_transaction_has_locked() {
    let stage = Stage::with_limit(1).await;
    let first = stage.enqueue("order:q/k", "-2 s").await;
    stage.enqueue("order:q/k", "-1 s").await;
    let mut user = PgConnection::connect(&stage.database.url).await.unwrap();
    let lock = format!("begin; select from simple_queue.jobs where id = '{first}' for update");
    sqlx::raw_sql(AssertSqlSafe(lock)).execute(&mut user).await.unwrap();
    let asked = Asked { permits: 1, in_order: true, ..Asked::default() };
    assert_eq!(stage.visit(stage.left, asked.clone()).await, 0);
    assert!(stage.turns().await > 0, "the turn is due again in a moment");
    user.close().await.unwrap();
    eventually("the first is claimed", async || stage.visit(stage.left, asked.clone()).await == 1)
        .await;
    let claimed = "select id from simple_queue.jobs where worker_id is not null";
    assert_eq!(stage.database.value::<Uuid>(claimed).await, first);
}

impl Stage {
    /// A visit of the limit with two tokens.
    fn rated(permits: usize) -> Asked {
        Asked { permits, rated: true, ..Asked::default() }
    }

    async fn claimed(&self) -> i64 {
        self.database.count("jobs where worker_id is not null").await
    }
}

#[tokio::test]
async fn a_gate_that_two_visits_make_at_once_gives_its_tokens_once() {
    let stage = Stage::with_limit(1).await;
    for _ in 0..5 {
        stage.enqueue(RATED, "0").await;
    }
    let held = stage.visit_held_up(stage.left, Stage::rated(5)).await;
    assert_eq!(stage.visit(stage.right, Stage::rated(5)).await, 2);
    held.go_on().await;
    assert_eq!(stage.visit(stage.left, Stage::rated(5)).await, 0);
    assert_eq!((stage.claimed().await, stage.gate().await.unwrap().0), (2, 2));
}

#[tokio::test]
async fn a_visit_takes_only_the_tokens_that_one_with_a_later_snapshot_has_left() {
    let stage = Stage::with_limit(1).await;
    stage.enqueue(RATED, "0").await;
    assert_eq!(stage.visit(stage.left, Stage::rated(1)).await, 1);
    for _ in 0..5 {
        stage.enqueue(RATED, "0").await;
    }
    let held = stage.visit_held_up(stage.left, Stage::rated(5)).await;
    assert_eq!(stage.visit(stage.right, Stage::rated(5)).await, 1);
    // A turn of its own, which the held visit has seen, is consumed meanwhile.
    assert_eq!(held.go_on().await, 0);
    assert_eq!(stage.claimed().await, 2);
}

#[tokio::test]
async fn tokens_that_are_put_off_while_a_visit_waits_are_not_taken_by_it() {
    let stage = Stage::with_limit(1).await;
    stage.enqueue(RATED, "0").await;
    assert_eq!(stage.visit(stage.left, Stage::rated(1)).await, 1);
    stage.enqueue(RATED, "0").await;
    let held = stage.visit_held_up(stage.right, Stage::rated(5)).await;
    let job = "select id from simple_queue.jobs where worker_id is not null";
    let id = format!("'{}'", stage.database.value::<Uuid>(job).await);
    let mut connection = PgConnection::connect(&stage.database.url).await.unwrap();
    let arguments = vec![("job_id", id.as_str()), ("after", "interval '1 h'")];
    carry_out(&mut connection, "hold_gate", &arguments).await;
    assert_eq!(held.go_on().await, 0);
    let turn = "turns where due_at > now() + interval '50 min'";
    assert_eq!((stage.turns().await, stage.database.count(turn).await), (1, 1));
}

#[tokio::test]
async fn a_key_without_tokens_has_one_turn_however_often_it_is_visited() {
    let stage = Stage::with_limit(1).await;
    for _ in 0..5 {
        stage.enqueue(RATED, "0").await;
    }
    assert_eq!(stage.visit(stage.left, Stage::rated(5)).await, 2);
    let claimed = "select array_agg(id) from simple_queue.jobs where worker_id is not null";
    let claimed: Vec<Uuid> = stage.database.value(claimed).await;
    let dated =
        "turns where due_at > now() + interval '20 min' and due_at < now() + interval '40 min'";
    assert_eq!((stage.turns().await, stage.database.count(dated).await), (1, 1));
    // Arrivals and ends bring visits, which find no token.
    for id in claimed {
        stage.enqueue(RATED, "0").await;
        let ends = Asked { completed: vec![id], ..Stage::rated(5) };
        assert_eq!(stage.visit(stage.left, ends).await, 0);
        assert_eq!((stage.turns().await, stage.database.count(dated).await), (1, 1));
    }
    assert_eq!(stage.gate().await, Some((0, false)), "what is owed is remembered");
}

#[tokio::test]
async fn an_end_that_another_visit_holds_up_is_counted_by_the_next_and_gives_no_token_back() {
    let stage = Stage::with_limit(1).await;
    for _ in 0..4 {
        stage.enqueue(RATED, "0").await;
    }
    assert_eq!(stage.visit(stage.left, Stage::rated(1)).await, 1);
    let first: Uuid =
        stage.database.value("select id from simple_queue.jobs where worker_id is not null").await;
    // The gate is held while the end is written.
    let mut holder = PgConnection::connect(&stage.database.url).await.unwrap();
    let lock = "begin; select from simple_queue.gates for update";
    sqlx::raw_sql(lock).execute(&mut holder).await.unwrap();
    let ends = Asked { completed: vec![first], ..Stage::rated(5) };
    assert_eq!(stage.visit(stage.left, ends).await, 0);
    holder.close().await.unwrap();
    assert_eq!(stage.gate().await, Some((1, false)));
    let claims = async || stage.visit(stage.right, Stage::rated(5)).await == 1;
    eventually("the second token is used", claims).await;
    assert_eq!((stage.claimed().await, stage.gate().await), (1, Some((1, false))));
}

#[tokio::test]
async fn what_is_owed_remains_a_number_of_tokens_when_the_rate_changes() {
    let stage = Stage::with_limit(1).await;
    for _ in 0..3 {
        stage.enqueue(RATED, "0").await;
    }
    assert_eq!(stage.visit(stage.left, Stage::rated(5)).await, 2);
    // Half an hour a token before, a minute now.
    stage
        .database
        .execute("update simple_queue.limits set rate_set = jsonb_set(rate, '{per}', '110') where rate is not null")
        .await;
    stage.database.execute("update simple_queue.turns set due_at = null").await;
    assert_eq!(stage.visit(stage.left, Stage::rated(5)).await, 0);
    let dated = "turns where due_at between now() + interval '50 s' and now() + interval '61 s'";
    assert_eq!(stage.database.count(dated).await, 1);
}

const FAIR: &str = "fair:q/k";

impl Stage {
    async fn of_shares() -> Self {
        let stage = Self::with_limit(1).await;
        let limit = format!("insert into simple_queue.limits (name) values ('{FAIR}')");
        stage.database.execute(&limit).await;
        stage
    }

    fn fair(permits: usize) -> Asked {
        Asked { permits, fair: true, ..Asked::default() }
    }
}

#[tokio::test]
async fn a_job_that_is_enqueued_while_a_visit_of_its_key_is_under_way_keeps_its_turn() {
    let stage = Stage::of_shares().await;
    stage.enqueue(FAIR, "0").await;
    let held = stage.visit_held_up(stage.left, Stage::fair(5)).await;
    stage.enqueue(FAIR, "0").await;
    assert_eq!(held.go_on().await, 1);
    assert_eq!(stage.turns().await, 1);
    assert_eq!(stage.visit(stage.right, Stage::fair(5)).await, 1);
    assert_eq!((stage.claimed().await, stage.turns().await), (2, 0));
}

#[tokio::test]
async fn two_visits_of_one_key_at_once_claim_different_jobs_and_lose_none() {
    let stage = Stage::of_shares().await;
    for _ in 0..4 {
        stage.enqueue(FAIR, "0").await;
    }
    let held = stage.visit_held_up(stage.left, Stage::fair(2)).await;
    assert_eq!(stage.visit(stage.right, Stage::fair(2)).await, 2);
    // Its snapshot still shows the jobs that were claimed meanwhile.
    let late = held.go_on().await;
    let rest = async || {
        stage.visit(stage.right, Stage::fair(4)).await;
        stage.claimed().await == 4
    };
    eventually("all are claimed", rest).await;
    assert!(late <= 2, "{late}");
    eventually("no turn is left", async || {
        stage.visit(stage.right, Stage::fair(4)).await;
        stage.turns().await == 0
    })
    .await;
}

#[tokio::test]
async fn a_job_that_a_transaction_has_locked_keeps_a_turn_of_its_key() {
    let stage = Stage::of_shares().await;
    let id = stage.enqueue(FAIR, "0").await;
    let mut user = PgConnection::connect(&stage.database.url).await.unwrap();
    let lock = format!("begin; select from simple_queue.jobs where id = '{id}' for update");
    sqlx::raw_sql(AssertSqlSafe(lock)).execute(&mut user).await.unwrap();
    assert_eq!(stage.visit(stage.left, Stage::fair(5)).await, 0);
    assert_eq!(stage.turns().await, 1);
    user.close().await.unwrap();
    let claims = async || stage.visit(stage.left, Stage::fair(5)).await == 1;
    eventually("it is claimed", claims).await;
}

#[tokio::test]
async fn a_process_without_a_row_ends_a_job_under_a_rate_and_loses_no_place() {
    let stage = Stage::with_limit(1).await;
    for _ in 0..3 {
        stage.enqueue(RATED, "0").await;
    }
    assert_eq!(stage.visit(stage.left, Stage::rated(1)).await, 1);
    let first: Uuid =
        stage.database.value("select id from simple_queue.jobs where worker_id is not null").await;
    let gone = format!("delete from simple_queue.workers where id = '{}'", stage.left);
    stage.database.execute(&gone).await;
    let released = format!(
        "insert into simple_queue.turns (rule, gate, released) values ('{RATED}', '{RATED}#1', 0)"
    );
    stage.database.execute(&released).await;
    let before = stage.turns().await;
    let ends = Asked { completed: vec![first], ..Stage::rated(5) };
    assert_eq!(stage.visit(stage.left, ends).await, 0);
    assert_eq!(stage.turns().await, before + 1, "its place is in a turn, and none was taken");
    assert_eq!(stage.visit(stage.right, Stage::rated(5)).await, 1);
    assert_eq!(stage.gate().await, Some((1, false)));
}
