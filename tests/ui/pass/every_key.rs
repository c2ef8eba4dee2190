//! What makes two jobs the same, and what makes them a group.
use simple_queue::JobPayload;
use simple_queue::prelude::*;

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

fn main() {
    let key = |user_id, kind: Option<&str>, text| {
        Send::new(user_id, kind.map(str::to_owned), text).unique_key().unwrap()
    };
    assert_eq!(key(7, Some("a"), "one"), key(7, Some("a"), "two"));
    assert_ne!(key(7, Some("a"), "one"), key(8, Some("a"), "one"));
    assert_ne!(key(7, Some("a"), "one"), key(7, None, "one"));
    assert!(!key(7, None, "").is_empty());
    assert_eq!(Send::new(7, None, "").fingerprint().as_deref(), Some("user:7"));
    assert_eq!(Send::ALIASES, ["mail", "old:send"]);

    let key = |user_id, at| Remind::new(user_id, Time(at)).unique_key().unwrap();
    assert_eq!(key(7, 5), key(8, 5));
    assert_ne!(key(7, 5), key(7, 6));
    assert!(!key(7, 5).is_empty());
    let delay = std::time::Duration::from_secs(300);
    assert_eq!(Remind::OPTIONS, simple_queue::JobOptions::new().delay(delay));

    assert_eq!(Tidy::new(1).unique_key(), Tidy::new(2).unique_key());
    assert!(Tidy::new(1).unique_key().is_some_and(|key| !key.is_empty()));
    assert_eq!(Tidy::new(1).fingerprint(), None);
    assert!(Tidy::ALIASES.is_empty());
    let _ = jobs![Send, Remind, Tidy];
}
