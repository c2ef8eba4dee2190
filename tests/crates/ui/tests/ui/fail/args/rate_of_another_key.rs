use simple_queue::prelude::*;

#[job(concurrency(limit = 2, key = "{tenant}"), rate(limit = 10, per = "1s", key = "{user}"))]
async fn call(tenant: i64, user: i64) {
    let _ = (tenant, user);
}

fn main() {
    let _ = Call::new(1, 2);
}
