//! How arguments are stored, and what is read where they are not.
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
#[derive(Debug, Clone, Copy, PartialEq, Default)]
struct Time(i64);

#[job(payload = WelcomeMail, unique(by = [user_id, template, copies, sent_at, r#type]), derive(Debug, Clone, PartialEq))]
async fn send(
    #[job(rename = "userId", alias = "user")] user_id: i64,
    #[job(default)] template: String,
    #[job(default = Some(3))] copies: Option<u8>,
    #[job(with = "as_text")] sent_at: Time,
    #[job(with = as_text, default, alias = "seen", alias = "opened")] r#type: Time,
    #[job(default = "none".to_owned(), redact)] password: String,
) {
    let _ = (user_id, template, copies, sent_at, r#type, password);
}

/// `Default` too, and without a field that is not to be shown.
#[job(derive(Debug, Default))]
async fn tidy(#[job(default = deserializer())] days: u8) {
    let _ = days;
}

fn deserializer() -> u8 {
    7
}

#[test]
fn is_accepted() {
    let mail = WelcomeMail::new(7, "hello", None, Time(5), Time(6), "secret");
    let stored = r#"{"userId":7,"template":"hello","copies":null,"sent_at":"5","type":"6","password":"secret"}"#;
    assert_eq!(serde_json::to_string(&mail).unwrap(), stored);
    assert_eq!(serde_json::from_str::<WelcomeMail>(stored).unwrap(), mail.clone());
    assert!(JobPayload::unique_key(&mail).is_some_and(|key| !key.is_empty()));

    let old = r#"{"user":7,"sent_at":"5"}"#;
    let read = serde_json::from_str::<WelcomeMail>(old).unwrap();
    assert_eq!(read, WelcomeMail::new(7, "", Some(3), Time(5), Time(0), "none"));
    let older = r#"{"user":7,"sent_at":"5","opened":"9"}"#;
    assert_eq!(serde_json::from_str::<WelcomeMail>(older).unwrap().r#type, Time(9));
    assert!(serde_json::from_str::<WelcomeMail>(r#"{"user":7}"#).is_err());
    assert!(serde_json::from_str::<WelcomeMail>(r#"{"user":7,"sent_at":"x"}"#).is_err());

    let shown = "WelcomeMail { user_id: 7, template: \"hello\", copies: None, sent_at: Time(5), \
                 type: Time(6), password: \"…\" }";
    assert_eq!(format!("{mail:?}"), shown);

    assert_eq!(serde_json::from_str::<Tidy>("{}").unwrap().days, 7);
    assert_eq!(format!("{:?}", Tidy::default()), "Tidy { days: 0 }");
    let _ = jobs![WelcomeMail, Tidy];
}
