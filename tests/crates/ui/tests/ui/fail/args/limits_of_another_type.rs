use simple_queue::prelude::*;

static PAYMENTS: u32 = 50;

#[job(limits = [PAYMENTS])]
async fn send(user_id: i64) {
    let _ = user_id;
}

fn main() {
    let _ = Send::new(7);
}
