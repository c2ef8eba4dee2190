use simple_queue::prelude::*;

static RULES: u8 = 7;

#[job_defaults(strategy = super::RULES)]
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
