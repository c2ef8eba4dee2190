use simple_queue::prelude::*;

#[derive(Debug, Job)]
struct Pay {
    user_id: i64,
    #[job(redact)]
    iban: String,
}

fn main() {}
