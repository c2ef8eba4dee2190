//! Changes of jobs that wait.

use serde_json::json;
use simple_queue::{Acted, Error, Why, prelude::*};

use crate::support::{Probe, STOP, Say, TestDatabase, Working, working};

#[job(
    queue = "payments",
    unique = "pay:{order_id}",
    fingerprint = "customer:{customer}",
    concurrency(limit = 1, key = "{customer}")
)]
async fn pay_out(order_id: i64, customer: i64, #[job(redact)] iban: String) {
    assert!(order_id > 0 && customer > 0 && !iban.is_empty());
}

#[tokio::test]
async fn keys_follow_the_arguments_and_a_hidden_value_stays() {
    let database = TestDatabase::migrated().await;
    let queue = database.queue().await;
    queue.register(jobs![PayOut], ()).unwrap();
    let pay = |order, customer| PayOut::new(order, customer, "SK31".to_owned()).delay(STOP);
    let id = pay(1, 10).enqueue(&queue).await.unwrap().id();
    let other = pay(2, 10).enqueue(&queue).await.unwrap().id();
    let admin = queue.admin().as_actor("ann");
    let shown = admin.job(id).await.unwrap().unwrap().job.contents.unwrap().payload.unwrap();
    let mut args: serde_json::Value = serde_json::from_str(&shown).unwrap();
    args["order_id"] = json!(2);
    let taken = admin.edit(id).priority(5).args(&args).await.unwrap();
    assert_eq!(taken, Acted::Left(Why::KeyTaken(other)));
    assert_eq!(database.count("jobs where priority = 5").await, 0, "nothing was changed");
    args["order_id"] = json!(3);
    args["customer"] = json!(11);
    assert_eq!(admin.edit(id).priority(5).args(&args).await.unwrap(), Acted::Done);
    let changed = format!(
        "jobs where id = '{id}' and unique_key = 'pay_out:pay:3' and fingerprint = 'customer:11'
            and gate = 'key:payments/pay_out#11' and priority = 5
            and job_data = '{{\"order_id\": 3, \"customer\": 11, \"iban\": \"SK31\"}}'"
    );
    assert_eq!(database.count(&changed).await, 1);
    assert_eq!(database.count("turns where gate = 'key:payments/pay_out#11'").await, 1);
    let arguments = "audit where arguments -> 'args' = '[\"customer\", \"order_id\"]'";
    assert_eq!(database.count(arguments).await, 1);

    let unfit = admin.edit(id).args(json!({"order_id": "many"})).await.unwrap_err();
    assert!(matches!(unfit, Error::InvalidPayload { .. }), "{unfit}");
    let refused = admin.edit(id).max_attempts(0).await.unwrap_err();
    assert!(matches!(refused, Error::InvalidOption { .. }), "{refused}");
    // A key that the enqueuer chose does not follow.
    let own = pay(7, 10).unique_key("own").enqueue(&queue).await.unwrap().id();
    let args = json!({"order_id": 8, "customer": 10, "iban": "AT48"});
    assert_eq!(admin.edit(own).args(args).await.unwrap(), Acted::Done);
    assert_eq!(database.count("jobs where unique_key = 'pay_out:own'").await, 1);
    assert_eq!(database.count("jobs where job_data ->> 'iban' = 'AT48'").await, 1);
}

#[tokio::test]
async fn an_edit_of_what_somebody_else_has_changed_meanwhile_changes_nothing() {
    let Working { database, queue, probe, worker } = working().await;
    let admin = queue.admin().as_actor("ann");
    let id = database.job().queue("unserved").insert().await;
    let seen = admin.job(id).await.unwrap().unwrap().job.version;
    assert_eq!(admin.edit(id).priority(1).expecting(seen).await.unwrap(), Acted::Done);
    let late = admin.edit(id).priority(2).expecting(seen).await.unwrap();
    assert_eq!(late, Acted::Left(Why::Changed));
    // It is claimed meanwhile.
    let seen = admin.job(id).await.unwrap().unwrap().job.version;
    let seen = seen.to_string().parse().unwrap();
    database.change(id).queue(Probe::QUEUE).payload(Say::WaitForGate).write().await;
    probe.next_run().await;
    let late = admin.edit(id).priority(2).expecting(seen).await.unwrap();
    assert_eq!(late, Acted::Left(Why::Changed));
    assert_eq!(admin.edit(id).priority(2).await.unwrap(), Acted::Left(Why::Running));
    assert_eq!(database.count("jobs where priority = 1").await, 1);
    probe.open_gate(1);
    worker.shutdown(STOP).await;
}

#[tokio::test]
async fn a_payload_is_stored_as_it_is_written_to_the_last_digit() {
    let database = TestDatabase::migrated().await;
    let admin = database.queue().await.admin().as_actor("ann");
    let id = database.job().insert().await;
    let exact = serde_json::value::RawValue::from_string(
        r#"{"n": 123456789012345678901234567890.125}"#.to_owned(),
    )
    .unwrap();
    assert_eq!(admin.edit(id).args(exact.as_ref()).await.unwrap(), Acted::Done);
    let contents = admin.job(id).await.unwrap().unwrap().job.contents.unwrap();
    assert_eq!(contents.payload.as_deref(), Some(r#"{"n": 123456789012345678901234567890.125}"#));
    let too_long = admin.edit(id).args("x".repeat(2_000_000)).await.unwrap_err();
    assert!(too_long.to_string().contains("the limit is 1048576"), "{too_long}");
}
