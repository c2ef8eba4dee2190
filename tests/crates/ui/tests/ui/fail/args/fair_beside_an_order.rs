use simple_queue::prelude::*;

#[job(order(key = "{account}"), fair(key = "{tenant}"))]
async fn apply_event(account: i64, tenant: i64) {
    let _ = (account, tenant);
}

fn main() {
    let _ = ApplyEvent::new(1, 2);
}
