use simple_queue::prelude::*;

struct Mailer;

#[job]
async fn send<'a>(mailer: &'a Mailer, user_id: i64) {
    let _: (&'a Mailer, i64) = (mailer, user_id);
}

fn main() {
    drop((Mailer, Send::new(7)));
}
