use simple_queue::prelude::*;

#[job(concurrency(key = "{tenant}"))]
async fn without_a_number(tenant: i64) {
    let _ = tenant;
}

#[job(concurrency(limit = 1, key = "all"))]
async fn without_an_argument(tenant: i64) {
    let _ = tenant;
}

#[job(concurrency(limit = 1, key = "{tenants}"))]
async fn of_an_argument_that_is_not_there(tenant: i64) {
    let _ = tenant;
}

#[job(concurrency(limit = 1, key = "{tenant}"))]
async fn of_an_argument_without_a_text(tenant: Option<i64>) {
    let _ = tenant;
}

#[job_defaults(concurrency(limit = 1, key = "{tenant}"))]
mod tenants {
    use simple_queue::prelude::*;

    #[job]
    async fn of_defaults(tenant: i64) {
        let _ = tenant;
    }
}

fn main() {
    let _ = WithoutANumber::new(7);
}
