//! Tests that bring their own server.

use kit::{App, SendWelcome, sign_up};
use simple_queue::{prelude::*, testing::*};
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
