use std::sync::Arc;
use std::time::Duration;

use simple_queue::prelude::*;
use simple_queue::{Backoff, JobOptions, typed::JobPayload};

trait Clock: Send + Sync {
    fn now(&self) -> i64;
}

#[derive(JobState)]
struct App {
    clock: Arc<dyn Clock>,
    name: Box<String>,
    #[state(skip)]
    _other: String,
}

/// Greets a new user.
#[job(
    name = "mail:welcome", queue = "emails", retries = 5, backoff = "exponential",
    unique = "{{{user_id}}}:{place.0.x}", timeout = "1h 30m", priority = -10
)]
async fn send_welcome(
    context: &JobContext,
    clock: &dyn Clock,
    /// Whom to greet.
    user_id: i64,
    name: &String,
    place: (Place, i8),
    mut template: std::string::String,
) -> Result<(), Box<dyn std::error::Error + Send + Sync>> {
    template.push_str(name);
    let _ = (context, place, template, clock.now() + user_id);
    Ok(())
}

#[derive(serde::Serialize, serde::Deserialize)]
struct Place {
    x: i64,
}

#[job(max_attempts = 1, unique)]
async fn tidy() {}

#[test]
fn is_accepted() {
    const OPTIONS: JobOptions = JobOptions::new()
        .max_attempts(6)
        .backoff(Backoff::EXPONENTIAL)
        .timeout(Duration::from_secs(5_400))
        .priority(-10);
    assert_eq!(SendWelcome::KIND, "mail:welcome");
    assert_eq!(SendWelcome::QUEUE, "emails");
    assert_eq!(SendWelcome::OPTIONS, OPTIONS);
    assert!(SendWelcome::DECLARED_AT.ends_with("every_argument.rs:24"));
    let job = SendWelcome::new(7, (Place { x: 3 }, 1), "hello");
    assert_eq!(JobPayload::unique_key(&job).as_deref(), Some("{7}:3"));
    assert_eq!(Tidy::QUEUE, "default");
    assert_eq!(Tidy::OPTIONS, JobOptions::new().max_attempts(1));
    assert!(JobPayload::unique_key(&Tidy).is_some());
    assert_eq!(serde_json::to_string(&Tidy).unwrap(), "{}");
    serde_json::from_str::<Tidy>(r#"{"was_there": 1}"#).unwrap();
    let _ = |queue: SimpleQueue, app: App| queue.register(jobs![SendWelcome, Tidy], app).is_ok();
}
