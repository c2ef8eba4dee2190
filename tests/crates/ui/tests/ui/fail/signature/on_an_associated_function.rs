use simple_queue::prelude::*;

struct Mailer;

impl Mailer {
    #[job]
    async fn send(user_id: i64) {
        let _ = user_id;
    }
}

fn main() {
    let _ = Mailer::send(7);
}
