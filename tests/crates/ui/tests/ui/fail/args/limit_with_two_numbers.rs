use simple_queue::{Limit, prelude::*};

static PAYMENTS: Limit = Limit::named("payments").concurrency(50);
static REFUNDS: Limit = Limit::named("payments").concurrency(5);

#[job(limits = [PAYMENTS])]
async fn charge() {}

#[job(limits = [REFUNDS])]
async fn refund() {}

fn main() {
    let _ = jobs![Charge, Refund];
}
