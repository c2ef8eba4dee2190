use simple_queue::prelude::*;

#[job_defaults(retries = 5, max_attempts = 6)]
mod mails {
    use simple_queue::prelude::*;

    #[job]
    async fn send(user_id: i64) {
        let _ = user_id;
    }

    #[job]
    async fn resend(user_id: i64) {
        let _ = user_id;
    }
}

fn main() {}
