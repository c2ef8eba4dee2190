use simple_queue::prelude::*;

#[job]
async fn send(mailer: &Mailer, user_id: i64) {
    drop((mailer, user_id));
}

fn main() {
    let _ = Send::new(7);
}
