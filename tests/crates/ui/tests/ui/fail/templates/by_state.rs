use simple_queue::prelude::*;

#[job(unique(by = [mailer]))]
async fn send(mailer: &String, user_id: i64) {
    let _ = (mailer, user_id);
}

fn main() {
    let _ = Send::new(7);
}
