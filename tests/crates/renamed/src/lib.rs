//! Generated code in a crate that names the library differently and has no other dependency: no
//! serde, no tokio.

pub use queue as simple_queue;

#[cfg(test)]
mod tests {
    use queue::prelude::*;

    struct Mailer;

    #[derive(JobState)]
    struct App {
        mailer: Mailer,
    }

    #[job(queue = "emails", unique(by = [user_id]), fingerprint = "{text}", retries = 5)]
    async fn send(
        mailer: &Mailer,
        user_id: i64,
        #[job(default)] text: String,
    ) -> Result<i64, BoxDynError> {
        std::future::ready((mailer, text)).await;
        Ok(user_id)
    }

    #[derive(Job)]
    #[job(unique)]
    struct Tidy {
        days: u8,
    }

    #[handler]
    async fn tidy(job: Tidy) {
        std::future::ready(job.days).await;
    }

    async fn enqueue(queue: &SimpleQueue) -> Result<(), BoxDynError> {
        Send::new(7, "a").enqueue(queue).await?;
        Send::find(7, queue).await?;
        Tidy { days: 7 }.enqueue(queue).await?;
        Tidy::cancel(7, queue).await?;
        Ok(())
    }

    #[test]
    fn compiles() {
        let register =
            |queue: SimpleQueue, app: App| queue.register(jobs![Send, TidyHandler], app).is_ok();
        drop(Box::new((register, enqueue, App { mailer: Mailer }.mailer)));
        assert_eq!(Send::new(7, "a").user_id, 7);
    }
}
