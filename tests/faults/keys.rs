//! Limits that hold for each key, and sequences, while processes and the server die.

use std::time::{Duration, Instant};

use test_support::{Case, case};
use uuid::Uuid;

use crate::support::{
    Field, Follow, FollowSlowly, HAS_KEYS, LEDGER_URL, MOST_OF_A_KEY, Server, ShareAKey, Worker,
    eventually, full, rounds,
};

pub(crate) fn cases() -> Vec<Case> {
    vec![case!(keys_keep_their_limit_and_their_order_while_processes_and_the_server_die)]
}

/// Gates whose number of places differs from their running jobs and their releases.
const MISCOUNTED: &str = "simple_queue.gates g where g.running <>
    (select count(*) from simple_queue.jobs j where j.gate = g.gate and j.worker_id is not null)
    + coalesce((select sum(t.released) from simple_queue.turns t where t.gate = g.gate), 0)";

/// Runs of a sequence that began after one of a later job.
const OVERTAKEN: &str = "(
    select number, max(number) over (partition by key order by at rows between unbounded preceding and current row) as last
    from ledger.runs join (
        select id, (job_data ->> 'key')::integer as key from simple_queue.archive where kind = 'follow'
    ) job on job.id = job_id
) run where number < last";

/// 1.2 s, after which a silent process is dead: six heartbeats.
const DEAD_AFTER: Duration = Duration::from_millis(1200);

async fn keys_keep_their_limit_and_their_order_while_processes_and_the_server_die() {
    let mut server = Server::start(&[("max_connections", "300")]).await;
    let field = Field::at(server.create_database().await).await;
    let (rounds, jobs, keys) = (rounds(6, 200), rounds(60, 200), rounds(8, 200));
    let (jobs, keys) = (i64::try_from(jobs).unwrap(), i64::try_from(keys).unwrap());
    let mut workers = Vec::new();
    for _ in 0..if full() { 8 } else { 4 } {
        workers.push(start(&field).await);
    }
    let (mut acknowledged, mut number) = (Vec::new(), 0);
    for round in 0..rounds {
        let numbers: Vec<i64> = (number..number + jobs).collect();
        let key = |number: i64| i32::try_from(number % keys).unwrap();
        // A transaction that has enqueued jobs and stays open meanwhile.
        let mut open = field.queue.pool().begin().await.unwrap();
        let slow = numbers.iter().map(|&number| FollowSlowly::new(key(number), 3 * number));
        let slow = FollowSlowly::enqueue_all(slow, &mut *open).await.unwrap();
        let shared =
            numbers.iter().map(|&number| ShareAKey::new(key(number), 3 * number + 1, 20_u64));
        let shared = ShareAKey::enqueue_all(shared, &field.queue).await.unwrap();
        let ordered = numbers.iter().map(|&number| Follow::new(key(number), 3 * number + 2));
        let ordered = Follow::enqueue_all(ordered, &field.queue).await.unwrap();
        for (&number, ((slow, shared), ordered)) in
            numbers.iter().zip(slow.iter().zip(&shared).zip(&ordered))
        {
            acknowledged.extend([
                (slow.id(), 3 * number),
                (shared.id(), 3 * number + 1),
                (ordered.id(), 3 * number + 2),
            ]);
        }
        number += jobs;
        field.ledger.progress(jobs).await;
        open.commit().await.unwrap();
        assert_eq!(field.ledger.count(MISCOUNTED).await, 0);
        workers.remove(0).kill();
        if round % 3 == 2 {
            server.crash_and_restart().await;
        }
        workers.push(start(&field).await);
        field.ledger.backlog_below(10 * jobs).await;
    }
    acknowledged.extend(places_return(&field, &mut workers, number).await);
    field.ledger.settle(&acknowledged).await;
    let most: i64 = field.ledger.value("select max(runs) from ledger.at_once").await;
    assert_eq!(most, MOST_OF_A_KEY, "as many of a key are run as are allowed, and no more");
    assert_eq!(field.ledger.count(OVERTAKEN).await, 0);
    assert_eq!(field.ledger.count("simple_queue.dead_letters").await, 0);
    for table in ["gates", "turns"] {
        let is_empty = async || field.ledger.count(&format!("simple_queue.{table}")).await == 0;
        eventually(&format!("{table} has no row"), is_empty).await;
    }
    for worker in workers {
        worker.terminate().await;
    }
}

async fn start(field: &Field) -> Worker {
    Worker::start_with(&field.url, |process| {
        process.env(LEDGER_URL, &field.url).env(HAS_KEYS, "");
    })
    .await
}

/// Fills the places of some keys, to see that none was lost, and kills a process that has some of them: living processes
/// soon have them all. Returns the jobs for it.
async fn places_return(field: &Field, workers: &mut Vec<Worker>, number: i64) -> Vec<(Uuid, i64)> {
    const KEYS: i64 = 8;
    const PLACES: i64 = KEYS * MOST_OF_A_KEY;
    let living = i64::try_from(workers.len()).unwrap();
    let registered = async || field.ledger.count("simple_queue.workers").await == living;
    eventually("only the living are registered", registered).await;
    let numbers = number..number + 6 * PLACES;
    let long = numbers.clone().map(|number| {
        ShareAKey::new(i32::try_from(number % KEYS).unwrap(), 3 * number + 1, 1_000_u64)
    });
    let long = ShareAKey::enqueue_all(long, &field.queue).await.unwrap();
    let taken = async |by: &str| {
        let taken = format!(
            "simple_queue.jobs j join simple_queue.workers w on w.id = j.worker_id
            where j.kind = 'share_a_key' and {by}"
        );
        field.ledger.count(&taken).await
    };
    eventually("all places are taken", async || taken("true").await == PLACES).await;
    // A process hands the place of a job that ended to the next job of its key, so one process may keep them all.
    let having: i32 = field
        .ledger
        .value(
            "select w.pid from simple_queue.jobs j join simple_queue.workers w on w.id = j.worker_id
            where j.kind = 'share_a_key' group by w.pid order by count(*) desc limit 1",
        )
        .await;
    let having = workers.iter().position(|worker| i64::from(worker.id()) == i64::from(having));
    let dying = workers.remove(having.unwrap());
    workers.push(start(field).await);
    let others = format!("w.pid <> {}", dying.id());
    dying.kill();
    let killed = Instant::now();
    eventually("the living have all places", async || taken(&others).await == PLACES).await;
    let tail = killed.elapsed();
    println!("{tail:?} from a kill until all places were taken again");
    // In the short form other cases run beside it.
    let allowed = DEAD_AFTER.mul_f64(if full() { 1.2 } else { 3.0 });
    assert!(tail < allowed, "a killed process kept the places of keys for {tail:?}");
    numbers.zip(&long).map(|(number, job)| (job.id(), 3 * number + 1)).collect()
}
