#![deny(warnings)]
use serde::{Deserialize, Serialize};
use simple_queue::prelude::*;

#[derive(Serialize, Deserialize)]
struct Address(String);

struct Mailer;

/// Only this module can call it.
#[job(unique = "{address.0}")]
async fn send(mailer: &Mailer, address: Address) {
    let _ = (mailer, address.0);
}

mod inner {
    #[simple_queue::job]
    pub(super) async fn resize(width: u32) {
        let _ = width;
    }

    #[simple_queue::job]
    pub(in crate::pass::private_types::inner) async fn unused(width: u32) {
        let _ = width;
    }

    pub fn width() -> u32 {
        Unused { width: 7 }.width
    }
}

#[test]
fn is_accepted() {
    let _ = (Send { address: Address(String::new()) }, inner::Resize { width: inner::width() });
    let _ = |queue: SimpleQueue| {
        queue.register(jobs![Send, inner::Resize], std::sync::Arc::new(Mailer)).is_ok()
    };
}
