use simple_queue::prelude::*;

trait Mailer {
    #[job]
    async fn send(user_id: i64) {
        let _ = user_id;
    }
}

fn main() {}
