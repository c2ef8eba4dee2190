//! A limit that processes share, while they and the server die.

use simple_queue::Enqueued;
use test_support::{Case, case};
use uuid::Uuid;

use crate::support::{
    Field, LEDGER_URL, MOST_AT_ONCE, SHARES_A_LIMIT, Server, ShareALimit, Worker, eventually,
    rounds,
};

pub(crate) fn cases() -> Vec<Case> {
    vec![case!(processes_that_share_a_limit_never_exceed_it_and_lose_nothing_while_they_die)]
}

async fn processes_that_share_a_limit_never_exceed_it_and_lose_nothing_while_they_die() {
    let mut server = Server::start(&[("max_connections", "300")]).await;
    let field = Field::at(server.create_database().await).await;
    let rounds = rounds(6, 200);
    let mut acknowledged = Vec::new();
    // Together they would run twice as many. A handler waits for no other one's connection.
    let start = async || {
        Worker::start_with(&field.url, |process| {
            process.env(LEDGER_URL, &field.url).env(SHARES_A_LIMIT, "");
        })
        .await
    };
    let mut workers = Vec::new();
    for _ in 0..4 {
        workers.push(start().await);
    }
    for round in 0..rounds {
        acknowledged.extend(enqueue(&field, round).await);
        field.ledger.progress(150).await;
        workers.remove(0).kill();
        if round % 3 == 2 {
            server.crash_and_restart().await;
        }
        workers.push(start().await);
        field.ledger.backlog_below(1000).await;
    }
    field.ledger.settle(&acknowledged).await;
    let most: i64 = field.ledger.value("select max(runs) from ledger.at_once").await;
    assert_eq!(most, MOST_AT_ONCE, "as many as are allowed run at once, and no more");
    assert_eq!(field.ledger.count("simple_queue.dead_letters").await, 0);
    let held = "select coalesce(sum(held), 0) from simple_queue.quotas";
    eventually("every permit is accounted for", async || {
        let held: i64 = field.ledger.value(held).await;
        let lent: i64 = field.ledger.value("select lent::bigint from simple_queue.limits").await;
        lent == held
    })
    .await;
    for worker in workers {
        worker.terminate().await;
    }
    // A process that may have lost a claim leaves its row, and its permits, to the next reaper.
    let left: i64 = field
        .ledger
        .value(
            "select l.lent - coalesce(sum(q.held) filter (where w.id is not null), 0)
            from simple_queue.limits l
            left join simple_queue.quotas q on q.limit_name = l.name
            left join simple_queue.workers w on w.id = q.worker_id
            group by l.name",
        )
        .await;
    assert_eq!(left, 0, "workers that stop give all permits back");
}

/// Enqueues more jobs than a round waits for.
async fn enqueue(field: &Field, round: usize) -> Vec<(Uuid, i64)> {
    const JOBS: usize = 400;
    let numbers = round * JOBS..(round + 1) * JOBS;
    let numbers: Vec<i64> = numbers.map(|number| i64::try_from(number).unwrap()).collect();
    let jobs = numbers.iter().map(|&number| ShareALimit::new(number, number < 2 * MOST_AT_ONCE));
    let enqueued = ShareALimit::enqueue_all(jobs, &field.queue).await.unwrap();
    enqueued.iter().map(Enqueued::id).zip(numbers).collect()
}
