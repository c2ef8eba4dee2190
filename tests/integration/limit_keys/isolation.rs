//! A job of a key that the database refuses to claim fails alone.

use simple_queue::prelude::*;

use super::{InOrder, TwoAtOnce, Watch};
use crate::support::{STOP, TestDatabase, eventually, refusing};

const ASIDE: &str = "dead_letters where status = 'unprocessable' and metadata ->> 'is' = 'bad'";

/// Jobs of 20 keys, two of each, of which the first is bad, with their turns.
async fn fill(database: &TestDatabase, gate: &str, queue: &str, kind: &str) {
    let rows = database.job().queue(queue).kind(kind);
    let rows = rows.set("gate", format!("'{gate}#' || n % 20"));
    let rows = rows.set("job_data", "jsonb_build_object('key', n % 20, 'number', n)");
    let rows = rows
        .set("metadata", "case when n = 1 then '{\"is\": \"bad\"}' else '{}' end::jsonb")
        .set("run_at", "now() - interval '1 hour' + n * interval '1 ms'");
    rows.insert_many(40).await;
    let turns = format!(
        "insert into simple_queue.turns (rule, gate) select '{gate}', '{gate}#' || n from generate_series(0, 19) n"
    );
    database.execute(&turns).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_job_of_a_key_that_cannot_be_claimed_costs_one_job() {
    for (gate, queue, kind) in
        [(super::TWO, "keys", "two_at_once"), (super::ORDER, "sequences", "in_order")]
    {
        let database = refusing(&["update on simple_queue.jobs"]).await;
        let watch = Watch::open();
        let client = database.queue().await;
        client.register(jobs![TwoAtOnce, InOrder], watch.clone()).unwrap();
        let worker = client.start().await;
        fill(&database, gate, queue, kind).await;
        eventually("the bad one is aside", async || database.count(ASIDE).await == 1).await;
        // A sequence whose first job is dead goes on when an operator says so.
        let halts = gate.starts_with("order:");
        let left = i64::from(halts);
        eventually("the others are done", async || database.count("jobs").await == left).await;
        if halts {
            assert!(client.limits().skip(gate, "1").await.unwrap());
        }
        eventually("nothing is left", async || database.is_settled().await).await;
        assert_eq!(watch.begun().len(), 39);
        worker.shutdown(STOP).await;
    }
}
