use simple_queue::prelude::*;

#[job(
    order(key = "{account}"),
    priority = 3,
    expires = "1h",
    unique(key = "{account}", on_conflict = "replace")
)]
async fn moved(account: i64) {
    let _ = account;
}

#[job(order(key = "{account}", after_failure = "stop"), concurrency(limit = 2, key = "{account}"))]
async fn of_two_keys(account: i64) {
    let _ = account;
}

#[job(order)]
async fn of_nothing(account: i64) {
    let _ = account;
}

fn main() {
    let _ = Moved::new(7);
}
