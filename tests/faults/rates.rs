//! Rates, while processes and the server die.

use simple_queue::Enqueued;
use test_support::{Case, case};
use uuid::Uuid;

use crate::support::{
    Field, HAS_RATES, LEDGER_URL, MOST_IN_A_SECOND, Server, TakeAToken, TakeATokenOfAKey, Worker,
    eventually, full, rounds,
};

pub(crate) fn cases() -> Vec<Case> {
    vec![case!(no_second_has_more_starts_than_a_rate_allows_while_processes_and_the_server_die)]
}

/// The runs with what they take tokens of: a key, or all together.
const STARTS: &str = "(
    select run.clock, job.key from ledger.runs run join (
        select id, coalesce(job_data ->> 'key', 'all') as key from simple_queue.jobs
        union all select id, coalesce(job_data ->> 'key', 'all') from simple_queue.archive
    ) job on job.id = run.job_id
) start";

/// Number of keys that have tokens of their own.
const KEYS: i64 = 2;

async fn no_second_has_more_starts_than_a_rate_allows_while_processes_and_the_server_die() {
    let mut server = Server::start(&[("max_connections", "300")]).await;
    let field = Field::at(server.create_database().await).await;
    let seconds = i64::try_from(rounds(5, 30)).unwrap();
    // The last third of them starts after all processes and the server have died.
    let of_each = MOST_IN_A_SECOND * seconds * 3 / 2;
    let acknowledged = enqueue(&field, of_each).await;
    let mut workers = start(&field).await;
    let before = MOST_IN_A_SECOND * seconds;
    for key in ["0", "1", "all"] {
        let begun = format!("{STARTS} where key = '{key}'");
        let most_began = async || field.ledger.count(&begun).await >= before;
        eventually(&format!("jobs of {key} start at their rate"), most_began).await;
    }
    let shares = shares(&field, before).await;
    println!("{shares:.3?} of the starts that are allowed, of each key and of all together");
    // A start that is late costs tokens for a minute. Without optimizations some are, and many beside other cases.
    let least = if full() { 0.4 } else { 0.1 };
    assert!(
        shares.iter().all(|share| *share >= least),
        "{shares:?} of the starts that are allowed"
    );

    for worker in workers.drain(..) {
        worker.kill();
    }
    server.crash_and_restart().await;
    let mut workers = start(&field).await;
    field.ledger.progress(of_each / 10).await;
    workers.remove(0).kill();
    field.ledger.settle(&acknowledged).await;
    let most: i64 = field
        .ledger
        .value(&format!(
            "select max(starts) from (
                select count(*) over (
                    partition by key order by clock
                    range between current row and interval '999999 microseconds' following
                ) as starts
                from {STARTS}
            ) second"
        ))
        .await;
    println!("at most {most} starts in a second");
    assert!(most <= MOST_IN_A_SECOND, "{most} starts in a second");
    for worker in workers {
        worker.terminate().await;
    }
}

async fn start(field: &Field) -> Vec<Worker> {
    let mut workers = Vec::new();
    for _ in 0..4 {
        let worker = Worker::start_with(&field.url, |process| {
            process.env(LEDGER_URL, &field.url).env(HAS_RATES, "");
        });
        workers.push(worker.await);
    }
    workers
}

/// Enqueues as many jobs without a key, and of each key.
async fn enqueue(field: &Field, of_each: i64) -> Vec<(Uuid, i64)> {
    let numbers: Vec<i64> = (0..of_each * (1 + KEYS)).collect();
    let (without, with) = numbers.split_at(usize::try_from(of_each).unwrap());
    let without = without.iter().map(|&number| TakeAToken::new(number));
    let without = TakeAToken::enqueue_all(without, &field.queue).await.unwrap();
    let key = |number: i64| i32::try_from(number % KEYS).unwrap();
    let with = with.iter().map(|&number| TakeATokenOfAKey::new(key(number), number));
    let with = TakeATokenOfAKey::enqueue_all(with, &field.queue).await.unwrap();
    let ids = without.iter().map(Enqueued::id).chain(with.iter().map(Enqueued::id));
    ids.zip(numbers).collect()
}

/// The shares of the allowed starts that happened until this many had.
async fn shares(field: &Field, starts: i64) -> Vec<f64> {
    field
        .ledger
        .value(&format!(
            "select array_agg({starts} / extract(epoch from lasted) / {MOST_IN_A_SECOND} order by key)::double precision[]
            from (
                select key, max(clock) - min(clock) as lasted from (
                    select clock, key, row_number() over (partition by key order by clock) as n from {STARTS}
                ) start where n <= {starts} group by key
            ) of_key"
        ))
        .await
}
