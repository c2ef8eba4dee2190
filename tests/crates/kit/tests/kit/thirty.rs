//! Thirty tests that run at once.

use kit::{App, Hopeless, SendWelcome, sign_up};
use simple_queue::{prelude::*, testing::*};
use sqlx::PgPool;

async fn a_test(pool: PgPool) {
    let queue = TestQueue::new(&pool, jobs![SendWelcome, Hopeless], App::fake()).await;
    sign_up(&pool, 42).await.unwrap();
    Hopeless::new("always").enqueue(&queue).await.unwrap();
    let drained = queue.drain().await;
    assert_eq!(drained.runs.len(), 2, "{drained}");
    assert_eq!(drained.left.later, 1, "{drained}");
    assert_enqueued!(queue, Hopeless { how: "always" }, due_in(hours(1)));
}

macro_rules! tests {
    ($($name:ident)*) => {
        $(
            #[sqlx::test]
            #[ignore = "`server` runs it"]
            async fn $name(pool: PgPool) {
                a_test(pool).await;
            }
        )*
    };
}

tests! {
    n01 n02 n03 n04 n05 n06 n07 n08 n09 n10
    n11 n12 n13 n14 n15 n16 n17 n18 n19 n20
    n21 n22 n23 n24 n25 n26 n27 n28 n29 n30
}
