//! Tests that bring their own server.

use std::time::Instant;

use kit::{App, SendWelcome, sign_up};
use simple_queue::{Check, Severity, prelude::*, testing::*};
use sqlx::PgPool;

#[simple_queue::test]
async fn a_test_needs_no_server_of_the_users(queue: TestQueue, pool: PgPool) {
    queue.register(jobs![SendWelcome], App::fake()).unwrap();
    sign_up(&pool, 42).await.unwrap();
    queue.drain().await.expect_completed(1);
}

#[simple_queue::test]
async fn each_test_has_a_database_of_its_own(queue: TestQueue) -> Result<(), simple_queue::Error> {
    refute_enqueued!(queue, SendWelcome { .. });
    SendWelcome::new(7, "hi").enqueue(&queue).await?;
    assert_enqueued!(&queue, SendWelcome { user_id: 7, .. }, times(1));
    Ok(())
}

#[simple_queue::test]
async fn jobs_are_seen_wherever_a_test_looks(queue: TestQueue, pool: PgPool) {
    let mut tx = pool.begin().await.unwrap();
    SendWelcome::new(7, "hi").enqueue(&mut tx).await.unwrap();
    assert_enqueued!(&mut tx, SendWelcome { user_id: 7, text: "hi" });
    assert_enqueued!(tx, SendWelcome { user_id: 7, .. });
    assert_enqueued!(&mut *tx, SendWelcome { .. });
    refute_enqueued!(pool, SendWelcome { .. }, within(millis(50)));
    tx.commit().await.unwrap();
    assert_enqueued!(&pool, SendWelcome { .. });
    assert_enqueued!(*queue, SendWelcome { .. });
    let mut connection = pool.acquire().await.unwrap();
    assert_enqueued!(&mut connection, SendWelcome { .. });
    assert_enqueued!(queue.on(&mut connection), SendWelcome { .. });
}

#[simple_queue::test]
async fn the_tables_of_a_test_are_those_of_a_migration(pool: PgPool) {
    let queue = SimpleQueue::builder(pool).schema("other").build().unwrap();
    let began = Instant::now();
    let queue = TestQueue::of(&queue).await;
    println!("the tables of a test: {:?}", began.elapsed());
    assert_eq!(queue.pending_migrations().await.unwrap(), []);
    let admin = queue.admin();
    for check in [Check::Migrations, Check::Drift] {
        let found = admin.doctor().only(check).await.unwrap();
        assert!(found.iter().all(|finding| finding.severity == Severity::Ok), "{found:?}");
    }
    SendWelcome::new(7, "hi").enqueue(&queue).await.unwrap();
}
