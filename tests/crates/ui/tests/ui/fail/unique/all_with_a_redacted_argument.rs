use simple_queue::prelude::*;

#[derive(Job)]
#[job(unique(on_conflict = "replace"))]
struct Pay {
    user_id: i64,
    #[job(redact)]
    iban: String,
}

fn main() {}
