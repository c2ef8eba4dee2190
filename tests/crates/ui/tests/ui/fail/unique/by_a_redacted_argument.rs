use simple_queue::prelude::*;

#[job(unique(by = [user_id, iban]))]
async fn pay(user_id: i64, #[job(redact)] iban: String) {
    let _ = (user_id, iban);
}

fn main() {}
