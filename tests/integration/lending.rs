//! What `balance_quotas` lends to processes, statement by statement.

use sqlx::{PgConnection, postgres::PgListener};

use crate::{
    statements::carry_out,
    support::{STOP, TestDatabase},
};

#[tokio::test]
async fn a_statement_that_arrives_after_a_later_one_of_its_process_takes_no_permits_away() {
    let database = TestDatabase::migrated().await;
    let process = format!("'{}'", database.process().insert().await);
    let mut connection = database.pool.acquire().await.unwrap();
    declare(&mut connection, &process, "array[5]").await;
    let mut ask =
        async |number, keep, want| balance(&mut connection, &process, number, (keep, want)).await;
    assert_eq!(ask("1", "array[0]", "array[3]").await, 1);
    // What it kept before it got more.
    assert_eq!(ask("3", "array[3]", "array[5]").await, 1);
    assert_eq!(ask("2", "array[1]", "array[1]").await, 0);
    assert_eq!(database.lent("one").await, (5, 5));
    assert_eq!(ask("4", "array[1]", "array[1]").await, 1);
    assert_eq!(database.lent("one").await, (1, 1));
}

#[tokio::test]
async fn a_process_that_wants_no_more_permits_tells_those_whose_part_has_grown() {
    let database = TestDatabase::migrated().await;
    let mut connection = database.pool.acquire().await.unwrap();
    let mut processes = Vec::new();
    for _ in 0..2 {
        let process = format!("'{}'", database.process().insert().await);
        declare(&mut connection, &process, "array[2]").await;
        processes.push(process);
    }
    let mut ask = async |process: usize, number, keep, want| {
        balance(&mut connection, &processes[process], number, (keep, want)).await
    };
    ask(0, "1", "array[0]", "array[2]").await;
    ask(1, "1", "array[0]", "array[1]").await;
    ask(0, "2", "array[0]", "array[2]").await;
    assert_eq!(database.lent("one").await, (1, 1), "the other one has a part");
    let mut listener = PgListener::connect_with(&database.pool).await.unwrap();
    listener.listen("channel").await.unwrap();
    // It takes nothing of it any more, and had nothing to give back.
    ask(1, "2", "array[0]", "array[0]").await;
    let heard = tokio::time::timeout(STOP, listener.recv()).await.expect("it notifies").unwrap();
    assert_eq!(heard.payload(), "limit one");
    ask(0, "3", "array[1]", "array[2]").await;
    assert_eq!(database.lent("one").await, (2, 2));
}

/// Declares the limit `one` for a process.
async fn declare(connection: &mut PgConnection, process: &str, concurrency: &str) {
    let declare = vec![
        ("worker_id", process),
        ("names", "array['one']"),
        ("concurrencies", concurrency),
        ("rates", "array[null::jsonb]"),
        ("channel", "'channel'"),
    ];
    carry_out(connection, "declare_limits", &declare).await;
}

/// Asks for permits of the limit `one`; returns the number of answers.
async fn balance(
    connection: &mut PgConnection,
    process: &str,
    number: &str,
    (keep, want): (&str, &str),
) -> usize {
    let ask = vec![
        ("worker_id", process),
        ("number", number),
        ("names", "array['one']"),
        ("keeps", keep),
        ("wants", want),
        ("channel", "'channel'"),
    ];
    carry_out(connection, "balance_quotas", &ask).await
}
