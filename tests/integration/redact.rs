//! A stored value that does not fit is described, never quoted.

use std::collections::HashMap;

use serde::{Deserialize, Deserializer, Serialize, de::Error as _};
use serde_json::{Value, json};
use simple_queue::{
    JobStatus,
    prelude::*,
    typed::{JobPayload, StoredArgument},
};

use crate::support::{STOP, TestDatabase};

#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
enum Scheme {
    Visa,
    Amex,
}

/// A type whose own error quotes what it was given.
#[derive(Debug, Clone, Serialize)]
struct Digits(String);

impl<'de> Deserialize<'de> for Digits {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        if text.bytes().all(|byte| byte.is_ascii_digit()) {
            Ok(Self(text))
        } else {
            Err(D::Error::custom(format!("`{text}` is no number, expected digits")))
        }
    }
}

#[derive(Debug, Clone, Serialize, Deserialize)]
struct Card {
    number: Digits,
    scheme: Scheme,
    limits: HashMap<String, u8>,
}

#[job(queue = "q", derive(Debug))]
async fn pay_by_card(
    #[job(redact, rename = "theCard", alias = "plastic")] card: Card,
    amount: u32,
    note: Digits,
) {
    let _ = (card, amount, note);
}

fn upgrade(_version: i32, stored: Value) -> Result<Value, serde_json::Error> {
    serde_json::from_value::<Card>(stored).map(|card| json!({ "card": card }))
}

#[job(queue = "q", version = 2, upgrade = upgrade)]
async fn pay_again(#[job(redact)] card: Card) {
    let _ = card;
}

/// Declared for a handler elsewhere.
#[derive(Job)]
#[job(queue = "q")]
struct Refund {
    #[job(redact)]
    iban: Digits,
    amount: u32,
}

#[handler]
async fn refund(job: Refund) {
    let _ = job;
}

fn card(changed: &Value) -> Value {
    let mut card = json!({ "number": "4111", "scheme": "visa", "limits": {"day": 1} });
    for (key, value) in changed.as_object().unwrap() {
        card[key] = value.clone();
    }
    card
}

#[tokio::test]
async fn a_stored_value_that_does_not_fit_is_named_by_its_path_and_what_was_expected() {
    let database = TestDatabase::migrated().await;
    let queue = database.queue().await;
    queue.register(jobs![PayByCard, PayAgain, RefundHandler], ()).unwrap();
    let worker = queue.start().await;

    let good = card(&json!({}));
    let in_card = |changed: Value| json!({ "theCard": card(&changed), "amount": 7, "note": "1" });
    let cases = [
        (
            "pay_by_card",
            json!({ "theCard": good, "amount": "s3cret", "note": "1" }),
            "amount: invalid type: string, expected u32",
        ),
        (
            "pay_by_card",
            json!({ "theCard": good, "amount": -53_207, "note": "1" }),
            "amount: invalid value: integer, expected u32",
        ),
        // Where an argument is not redacted its type may say more.
        (
            "pay_by_card",
            json!({ "theCard": good, "amount": 7, "note": "x" }),
            "note: `x` is no number, expected digits",
        ),
        (
            "pay_by_card",
            in_card(json!({ "scheme": "s3cret, expected nothing" })),
            "theCard: unknown variant, expected `visa` or `amex`",
        ),
        (
            "pay_by_card",
            in_card(json!({ "number": "s3cret" })),
            "theCard: it does not fit; its type's message is left out because it may quote the value",
        ),
        (
            "pay_by_card",
            in_card(json!({ "limits": {"s3cret": 500} })),
            "theCard: invalid value: integer, expected u8",
        ),
        (
            "pay_by_card",
            json!({ "plastic": ["s3cret"], "amount": 7, "note": "1" }),
            "plastic: it does not fit; its type's message is left out because it may quote the value",
        ),
        (
            "pay_again",
            card(&json!({ "scheme": "s3cret" })),
            "unknown variant, expected `visa` or `amex`",
        ),
        (
            "refund",
            json!({ "iban": "s3cret", "amount": 7 }),
            "iban: it does not fit; its type's message is left out because it may quote the value",
        ),
        ("refund", json!({ "amount": 7 }), "missing field `iban`"),
    ];
    for (kind, payload, expected) in cases {
        let id = database
            .value(&format!("select id from simple_queue.enqueue('q', '{kind}', '{payload}')"))
            .await;
        let ended = queue.wait(id, STOP).await.unwrap();
        assert_eq!(ended.status, JobStatus::Unprocessable, "{payload}");
        let reason = ended.reason.unwrap();
        assert!(reason.ends_with(expected), "{reason}");
    }
    let quoted = "dead_letters d where to_jsonb(d) - 'job_data' #>> '{}' ~ 's3cret|53207|4111'";
    assert_eq!(database.count(quoted).await, 0);
    worker.shutdown(STOP).await;
}

#[test]
fn what_is_redacted_is_known_of_each_argument_and_left_out_of_debug() {
    let redacted = |arguments: &[StoredArgument]| -> Vec<bool> {
        arguments.iter().map(|argument| argument.is_redacted).collect()
    };
    assert_eq!(redacted(PayByCard::ARGUMENTS), [true, false, false]);
    assert_eq!(redacted(PayAgain::ARGUMENTS), [true]);
    assert_eq!(redacted(Refund::ARGUMENTS), [true, false]);
    let refund = Refund { iban: Digits("4711".to_owned()), amount: 7 };
    assert_eq!(format!("{refund:?}"), r#"Refund { iban: "…", amount: 7 }"#);
}
