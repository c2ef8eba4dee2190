//! The test that the guide begins with.

use kit::{App, SendWelcome, sign_up};
use simple_queue::{prelude::*, testing::*};
use sqlx::PgPool;

#[sqlx::test]
#[ignore = "`server` runs it"]
async fn signing_up_sends_a_welcome(pool: PgPool) {
    let queue = TestQueue::new(&pool, jobs![SendWelcome], App::fake()).await; // migrates, registers, stops by itself
    sign_up(&pool, 42).await.unwrap(); // your code, with its own transaction
    let job = assert_enqueued!(queue, SendWelcome { user_id: 42, .. }); // and gives it back
    assert_eq!(job.text, "hello");
    queue.drain().await.expect_completed(1);
    refute_enqueued!(queue, SendWelcome { .. });
}

#[test]
fn the_guide_has_these_lines() {
    let guide = include_str!("../../../../../simple-queue/src/guide/testing.md");
    let this = include_str!("eight_lines.rs");
    let begin = this.find("async fn signing_up").unwrap();
    let end = begin + this[begin..].find("\n}\n").unwrap();
    for line in this[begin..end].lines() {
        assert!(guide.contains(line.trim()), "the guide does not have the line: {line}");
    }
}
