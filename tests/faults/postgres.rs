//! A server that restarts, ends sessions, or has no room for more of them.

use sqlx::{Connection as _, PgConnection};
use test_support::{Case, case};

use crate::support::{Field, Server, bystander, eventually, rounds};

pub(crate) fn cases() -> Vec<Case> {
    vec![
        case!(a_server_that_crashes_under_load_loses_nothing),
        case!(sessions_that_are_ended_again_and_again_lose_nothing),
        case!(a_server_without_room_for_more_sessions_costs_time_only),
    ]
}

async fn a_server_that_crashes_under_load_loses_nothing() {
    let mut server = Server::start(&[]).await;
    let field = Field::at(server.create_database().await).await;
    let workers = field.workers(2).await;
    let load = field.load();
    for _ in 0..rounds(4, 200) {
        field.ledger.progress(50).await;
        server.crash_and_restart().await;
    }
    field.ledger.progress(50).await;
    let enqueued = load.stop().await;
    field.ledger.settle(&enqueued.acknowledged).await;
    assert_eq!(field.ledger.count("simple_queue.dead_letters").await, 0);
    drop(workers);
}

async fn sessions_that_are_ended_again_and_again_lose_nothing() {
    let field = Field::shared().await;
    let mut workers = field.workers(2).await;
    let load = field.load();
    for _ in 0..rounds(20, 2000) {
        field.ledger.progress(20).await;
        let ended = field.ledger.end_sessions().await;
        assert!(ended > 4, "{ended} sessions were there to be ended");
    }
    let enqueued = load.stop().await;
    field.ledger.settle(&enqueued.acknowledged).await;
    assert_eq!(field.ledger.count("simple_queue.dead_letters").await, 0);
    let crashed = "simple_queue.archive where crash_count > 0";
    assert_eq!(field.ledger.count(crashed).await, 0, "no process was taken for dead");
    assert!(workers.iter_mut().all(|worker| worker.ended().is_none()), "the processes live on");
}

async fn a_server_without_room_for_more_sessions_costs_time_only() {
    let server = Server::start(&[("max_connections", "40")]).await;
    let field = Field::at(server.create_database().await).await;
    let mut workers = field.workers(2).await;
    let load = field.load();
    for _ in 0..rounds(3, 100) {
        field.ledger.progress(50).await;
        let hoard = hoard_sessions(&field).await;
        let is_refused = async || PgConnection::connect(&field.url).await.is_err();
        eventually("there is no room for a session", is_refused).await;
        drop(hoard);
    }
    field.ledger.progress(50).await;
    let enqueued = load.stop().await;
    field.ledger.settle(&enqueued.acknowledged).await;
    assert_eq!(field.ledger.count("simple_queue.dead_letters").await, 0);
    assert!(workers.iter_mut().all(|worker| worker.ended().is_none()), "the processes live on");
}

/// Ends all other sessions and takes all places of the server, until it was full ten times in a
/// row.
async fn hoard_sessions(field: &Field) -> Vec<PgConnection> {
    let (mut hoard, mut refusals): (Vec<PgConnection>, u32) = (Vec::new(), 0);
    while refusals < 10 {
        match bystander(&field.url).await {
            Ok(connection) => {
                hoard.push(connection);
                refusals = 0;
            }
            Err(_) => refusals += 1,
        }
        let first = hoard.first_mut().expect("the first session is had");
        sqlx::query(
            "select pg_terminate_backend(pid) from pg_stat_activity
             where datname = current_database() and application_name <> 'bystander'
                 and pid <> pg_backend_pid()",
        )
        .execute(first)
        .await
        .unwrap();
    }
    hoard
}
