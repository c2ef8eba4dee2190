//! What makes two jobs the same, and what makes them a group.
use simple_queue::prelude::*;
use simple_queue::typed::JobPayload;

/// Stored as text.
mod as_text {
    use serde::{Deserialize, Deserializer, Serializer, de::Error};

    pub fn serialize<S: Serializer>(time: &super::Time, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(&time.0)
    }

    pub fn deserialize<'de, D: Deserializer<'de>>(from: D) -> Result<super::Time, D::Error> {
        let text = String::deserialize(from)?;
        text.parse().map(super::Time).map_err(D::Error::custom)
    }
}

/// Nothing that serde knows.
struct Time(i64);

#[job(unique(by = [user_id, r#type]), fingerprint = "user:{user_id}", aliases("mail", "old:send"))]
async fn send(user_id: i64, r#type: Option<String>, text: String) {
    let _ = (user_id, r#type, text);
}

#[job(unique(by = [at]), delay = "5m")]
async fn remind(user_id: i64, #[job(with = "as_text", default = Time(0))] at: Time) {
    let _ = (user_id, at);
}

#[job(unique(by = []))]
async fn tidy(days: u8) {
    let _ = days;
}

#[job(unique = "{on}:{place.0.x}:{name}:{on}", fingerprint = "{name}")]
async fn visit(name: String, on: i64, place: (Place, i8), text: String) {
    let _ = (name, on, place, text);
}

#[derive(serde::Serialize, serde::Deserialize)]
struct Place {
    x: i64,
}

#[job(unique(by = [user_id], for = "24h", while = "pending"))]
async fn greet(user_id: i64, text: String) {
    let _ = (user_id, text);
}

#[job(unique)]
async fn count(name: String, on: bool) {
    let _ = (name, on);
}

async fn ask(queue: &SimpleQueue, pool: &simple_queue::sqlx::PgPool) -> Result<(), BoxDynError> {
    let mut tx = pool.begin().await?;
    let found: Option<simple_queue::Found<Visit>> =
        Visit::find("a", 7, (Place { x: 3 }, 1), queue).await?;
    let cancelled: bool = Visit::cancel(String::from("a"), 7, (Place { x: 3 }, 1), &mut tx).await?;
    let cancelled_all: u64 = Visit::cancel_all("a", pool).await?;
    let _ = (found, cancelled, cancelled_all);

    Send::find(7, None, queue).await?;
    Send::cancel(7, Some("a".to_owned()), queue).await?;
    Send::cancel_all(7, queue).await?;
    Remind::find(Time(7), queue).await?;
    Tidy::cancel(queue).await?;
    let kept: Option<simple_queue::KeptKey> = Greet::find_kept_key(7, queue).await?;
    let was_kept: bool = Greet::release_key(7, &mut tx).await?;
    let _ = (kept, was_kept);

    // What is asked does not keep what it was asked with.
    let asked = {
        let name = String::from("a");
        Count::find(&*name, true, queue)
    };
    fn is_send<T: std::marker::Send>(sent: T) -> T {
        sent
    }
    is_send(asked).await?;
    Ok(())
}

/// Every option of one job begins with the job.
fn build() {
    let tidy = || Tidy::new(1);
    let hour = std::time::Duration::from_secs(3600);
    let _ = (tidy().delay(hour), tidy().expires(hour), tidy().priority(3), tidy().retries(5));
    let _ = (tidy().queue("others"), tidy().unique_key("today"), tidy().unique_key(String::new()));
    let _ = (tidy().unique_for(hour), tidy().unique_while(simple_queue::UniqueWhile::Pending));
    let _ = (tidy().tags(["a", "b"]), tidy().tags(vec![String::from("a")]));
}

#[test]
fn is_accepted() {
    let _ = (ask, build);
    let key = |user_id, kind: Option<&str>, text| {
        JobPayload::unique_key(&Send::new(user_id, kind.map(str::to_owned), text)).unwrap()
    };
    assert_eq!(key(7, Some("a"), "one"), key(7, Some("a"), "two"));
    assert_ne!(key(7, Some("a"), "one"), key(8, Some("a"), "one"));
    assert_ne!(key(7, Some("a"), "one"), key(7, None, "one"));
    assert!(!key(7, None, "").is_empty());
    assert_eq!(Send::new(7, None, "").fingerprint().as_deref(), Some("user:7"));
    assert_eq!(Send::ALIASES, ["mail", "old:send"]);

    let key = |user_id, at| JobPayload::unique_key(&Remind::new(user_id, Time(at))).unwrap();
    assert_eq!(key(7, 5), key(8, 5));
    assert_ne!(key(7, 5), key(7, 6));
    assert!(!key(7, 5).is_empty());
    let delay = std::time::Duration::from_secs(300);
    assert_eq!(Remind::OPTIONS, simple_queue::JobOptions::new().delay(delay));

    assert_eq!(JobPayload::unique_key(&Tidy::new(1)), JobPayload::unique_key(&Tidy::new(2)));
    assert!(JobPayload::unique_key(&Tidy::new(1)).is_some_and(|key| !key.is_empty()));
    assert_eq!(Tidy::new(1).fingerprint(), None);
    assert!(Tidy::ALIASES.is_empty());
    let visit = Visit::new("a", 7, (Place { x: 3 }, 1), "");
    assert_eq!(JobPayload::unique_key(&visit).as_deref(), Some("7:3:a:7"));
    let _ = jobs![Send, Remind, Tidy, Visit, Greet, Count];
}
