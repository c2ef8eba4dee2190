use simple_queue::prelude::*;

macro_rules! make {
    ($(#[$meta:meta])* $vis:vis $name:ident, $arg:ident: $ty:ty, $state:ty, $queue:literal, $n:expr, $body:block) => {
        $(#[$meta])*
        #[job(queue = $queue, retries = $n, unique = "{id}")]
        #[expect(unused_variables)]
        $vis async fn $name(state: &$state, id: i64, $arg: $ty) $body
    };
    ($item:item) => {
        #[job]
        $item
    };
}

macro_rules! make_later {
    ($payload:ident, $derive:path, $backoff:expr, $jitter:literal, $default:expr, $key:ident, $with:literal) => {
        #[job(
            payload = $payload, derive($derive, Clone), backoff = $backoff, unique(by = [$key]),
            fingerprint = "{id}", delay = "5m"
        )]
        async fn later(#[job(default = $default)] id: i64, #[job(redact, with = $with)] name: String) {
            let _ = (id, name);
        }

        #[job(backoff = linear("5s", jitter = $jitter))]
        async fn in_steps() {}
    };
}

make_later!(LaterMail, std::fmt::Debug, exponential(base = "1s"), 0.1, 3 + 4, id, "as_is");

mod as_is {
    pub use serde::{Deserialize, Serialize};

    pub fn serialize<S: serde::Serializer>(text: &String, to: S) -> Result<S::Ok, S::Error> {
        text.serialize(to)
    }

    pub fn deserialize<'de, D: serde::Deserializer<'de>>(from: D) -> Result<String, D::Error> {
        String::deserialize(from)
    }
}

make!(
    /// Sends.
    pub send, name: String, Vec<u8>, "emails", 5, {}
);
make!(
    async fn resize(width: u32) {
        let _ = width;
    }
);

#[test]
fn is_accepted() {
    let _ = Send::new(7, "a".to_owned());
    let _ = Send { id: 7, name: String::new() };
    let _ = Resize::new(7);
    assert_eq!(serde_json::from_str::<LaterMail>(r#"{"name":"a"}"#).unwrap().clone().id, 7);
    let _ = jobs![Send, Resize, LaterMail, InSteps];
}
