//! What a failed test says.

use std::panic::AssertUnwindSafe;

use futures_util::FutureExt;
use kit::{App, Book, Call, Hopeless, Pay, Remind, SendWelcome};
use simple_queue::{prelude::*, testing::*};
use uuid::Uuid;

/// The message of a test that fails, with `ID` for each id.
async fn message_of<T>(test: impl Future<Output = T>) -> String {
    let failed = AssertUnwindSafe(test).catch_unwind().await.err().expect("the test fails");
    let message = match failed.downcast::<String>() {
        Ok(message) => *message,
        Err(failed) => (*failed.downcast::<&str>().unwrap()).to_owned(),
    };
    let word = |word: &str| {
        let is_id = Uuid::parse_str(word.trim_end_matches(',')).is_ok();
        let end = if word.ends_with(',') { "," } else { "" };
        if is_id { format!("ID{end}") } else { word.to_owned() }
    };
    let line = |line: &str| line.split(' ').map(word).collect::<Vec<_>>().join(" ");
    message.lines().map(line).collect::<Vec<_>>().join("\n")
}

async fn two_welcomes(queue: &TestQueue) {
    SendWelcome::new(41, "hello").enqueue(queue).await.unwrap();
    SendWelcome::new(42, "hi").queue("slow").delay(hours(2)).enqueue(queue).await.unwrap();
}

#[simple_queue::test]
async fn of_jobs_that_do_not_fit_the_nearest_is_first(queue: TestQueue) {
    two_welcomes(&queue).await;
    let message = message_of(async {
        assert_enqueued!(queue, SendWelcome { user_id: 42, text: "hello" }, queue("emails"))
    });
    assert_eq!(
        message.await,
        "none of the 2 `send_welcome` that are enqueued fits; nearest first:\n  \
         ID on \"emails\": user_id is 41, not 42\n  \
         ID on \"slow\": queue is \"slow\", not \"emails\", text is \"hi\", not \"hello\""
    );
}

#[simple_queue::test]
async fn one_job_that_does_not_fit_is_shown(queue: TestQueue) {
    SendWelcome::new(41, "hello").enqueue(&queue).await.unwrap();
    let message = message_of(async { assert_enqueued!(queue, SendWelcome { user_id: 42, .. }) });
    assert_eq!(
        message.await,
        "the one `send_welcome` that is enqueued does not fit:\n  \
         ID on \"emails\": user_id is 41, not 42"
    );
}

#[simple_queue::test]
async fn a_due_time_and_a_priority_that_do_not_fit_are_shown(queue: TestQueue) {
    two_welcomes(&queue).await;
    let message = message_of(async {
        assert_enqueued!(queue, SendWelcome { user_id: 42, .. }, due_in(hours(1)).priority(5))
    });
    assert_eq!(
        message.await,
        "none of the 2 `send_welcome` that are enqueued fits; nearest first:\n  \
         ID on \"slow\": due in 2h, not due in 1h, priority is 0, not 5\n  \
         ID on \"emails\": due now, not due in 1h, priority is 0, not 5, user_id is 41, not 42"
    );
}

#[simple_queue::test]
async fn without_a_job_of_the_kind_the_other_kinds_are_counted(queue: TestQueue) {
    two_welcomes(&queue).await;
    Call::new(1).enqueue(&queue).await.unwrap();
    let message = message_of(async { assert_enqueued!(queue, Remind { user_id: 42 }) });
    assert_eq!(message.await, "no `remind` is enqueued; there are 2 `send_welcome`, 1 `call`");
}

#[simple_queue::test]
async fn without_any_job_that_is_said(queue: TestQueue) {
    let message = message_of(async { assert_enqueued!(queue, Remind { .. }, within(millis(30))) });
    assert_eq!(message.await, "no `remind` is enqueued, nor any other job\n  after a wait of 30ms");
}

#[simple_queue::test]
async fn jobs_that_have_run_are_mentioned(queue: TestQueue) {
    queue.register(jobs![SendWelcome], App::fake()).unwrap();
    SendWelcome::new(42, "hello").enqueue(&queue).await.unwrap();
    queue.drain().await.expect_completed(1);
    let message = message_of(async { assert_enqueued!(queue, SendWelcome { user_id: 42, .. }) });
    assert_eq!(
        message.await,
        "no `send_welcome` is enqueued, nor any other job\n  of those that have ended: 1 completed"
    );
}

#[simple_queue::test]
async fn another_number_of_jobs_is_said(queue: TestQueue) {
    two_welcomes(&queue).await;
    let message = message_of(async { assert_enqueued!(queue, SendWelcome { .. }, times(3)) });
    assert_eq!(
        message.await,
        "2 `send_welcome` fit, not 3:\n  ID on \"emails\": due now\n  ID on \"slow\": due in 2h"
    );
}

#[simple_queue::test]
async fn a_job_that_must_not_be_there_is_shown(queue: TestQueue) {
    two_welcomes(&queue).await;
    let message = message_of(async { refute_enqueued!(queue, SendWelcome { user_id: 42, .. }) });
    assert_eq!(
        message.await,
        "1 `send_welcome` is enqueued that must not be:\n  ID on \"slow\": due in 2h"
    );
}

#[simple_queue::test]
async fn of_many_jobs_a_few_are_shown(queue: TestQueue) {
    for step in 0..8 {
        Book::new(1, step).enqueue(&queue).await.unwrap();
    }
    let message = message_of(async { assert_enqueued!(queue, Book { account: 2, step: 5 }) });
    let message = message.await;
    let lines: Vec<&str> = message.lines().collect();
    assert_eq!(lines.len(), 7, "{message}");
    assert_eq!(lines[1], "  ID on \"accounts\": account is 1, not 2");
    assert_eq!(lines[2], "  ID on \"accounts\": account is 1, not 2, step is 0, not 5");
    assert_eq!(lines[6], "  and 3 more");
}

#[simple_queue::test]
async fn a_redacted_argument_is_not_shown(queue: TestQueue) {
    Pay::new(5, "SK31 1200").enqueue(&queue).await.unwrap();
    let message = message_of(async { assert_enqueued!(queue, Pay { amount: 6, iban: "SK31" }) });
    assert_eq!(
        message.await,
        "the one `pay` that is enqueued does not fit:\n  \
         ID on \"default\": amount is 5, not 6, iban is another one"
    );
}

#[simple_queue::test]
async fn of_a_long_text_the_first_difference_is_shown(queue: TestQueue) {
    let text = |end: &str| format!("{}{end}", "word ".repeat(40));
    Hopeless::new(text("A")).enqueue(&queue).await.unwrap();
    let message = message_of(async { assert_enqueued!(queue, Hopeless { how: text("B") }) });
    assert_eq!(
        message.await,
        "the one `hopeless` that is enqueued does not fit:\n  \
         ID on \"default\": how is …word word word A\", not …word word word B\""
    );
}

#[simple_queue::test]
async fn a_payload_that_cannot_be_read_is_said(queue: TestQueue) {
    sqlx::query("insert into simple_queue.jobs (id, queue, kind, job_data) values ($1, 'emails', 'remind', '{}')")
        .bind(Uuid::now_v7())
        .execute(queue.pool())
        .await
        .unwrap();
    let message = message_of(async { assert_enqueued!(queue, Remind { .. }) }).await;
    assert_eq!(
        message,
        "the one `remind` that is enqueued does not fit:\n  \
         ID on \"emails\": the payload does not fit `remind`: missing field `user_id`"
    );
}

#[simple_queue::test]
async fn a_drain_that_completes_another_number_lists_its_runs(queue: TestQueue) {
    queue.register(jobs![SendWelcome], App::fake()).unwrap();
    queue.register(jobs![Hopeless], ()).unwrap();
    two_welcomes(&queue).await;
    Hopeless::new("always").enqueue(&queue).await.unwrap();
    let drained = queue.drain().of::<Hopeless>().await;
    let message = message_of(async { drained.expect_completed(1).runs.len() });
    assert_eq!(
        message.await,
        "0 completed, not 1; one run:\n  `hopeless` ID, attempt 1: runs again in 3600s: there is no hope\n\
         1 due later: `advance`, or `drain().including_later()`"
    );
}

#[simple_queue::test]
async fn a_spy_that_waits_in_vain_says_what_ran(queue: TestQueue) {
    queue.register(jobs![SendWelcome], App::fake()).unwrap();
    let spy = queue.spy();
    SendWelcome::new(42, "hello").enqueue(&queue).await.unwrap();
    queue.drain().await.expect_completed(1);
    let message = message_of(async { spy.next::<Remind>(millis(20)).await });
    assert_eq!(
        message.await,
        "no run of `remind` within 20ms; there were:\n  `send_welcome` ID, attempt 1: completed"
    );
}
