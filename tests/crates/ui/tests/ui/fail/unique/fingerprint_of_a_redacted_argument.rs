use simple_queue::prelude::*;

#[job(fingerprint = "account:{iban}")]
async fn pay(user_id: i64, #[job(redact)] iban: String) {
    let _ = (user_id, iban);
}

fn main() {}
