use simple_queue::prelude::*;

#[test]
fn is_accepted() {
    struct Mailer;

    #[job(queue = QUEUE, unique = "{user_id}")]
    async fn send(mailer: &Mailer, user_id: i64) {
        let _ = (mailer, user_id);
    }
    const QUEUE: &str = "emails";

    #[derive(JobState)]
    struct App {
        mailer: Mailer,
    }

    let _ = Send::new(7);
    let _ = |queue: SimpleQueue| queue.register(jobs![Send], App { mailer: Mailer }).is_ok();
}
