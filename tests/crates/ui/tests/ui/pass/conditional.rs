#![deny(warnings)]
use simple_queue::prelude::*;

#[cfg(any())]
#[job]
async fn left_out(unknown: Unknown) {}

#[job]
#[cfg(any())]
async fn left_out(unknown: Unknown) {}

#[job]
#[cfg_attr(all(), expect(clippy::unused_async))]
#[cfg(all())]
async fn kept() {}

/// Not wanted any more.
#[job(unique = "{user_id}")]
#[deprecated = "use another"]
async fn old(mailer: &String, user_id: i64) {
    let _ = (mailer, user_id);
}

#[expect(deprecated)]
#[test]
fn is_accepted() {
    let _ = (Kept::new(), Old::new(7));
    let _ = jobs![Kept, Old];
}
