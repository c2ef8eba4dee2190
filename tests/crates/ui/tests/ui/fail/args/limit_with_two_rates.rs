use simple_queue::{Limit, Rate, prelude::*};

static PAYMENTS: Limit = Limit::named("payments").rate(Rate::per_second(50));
static REFUNDS: Limit = Limit::named("payments").rate(Rate::per_minute(50));

#[job(limits = [PAYMENTS])]
async fn charge() {}

#[job(limits = [REFUNDS])]
async fn refund() {}

fn main() {
    let _ = jobs![Charge, Refund];
}
