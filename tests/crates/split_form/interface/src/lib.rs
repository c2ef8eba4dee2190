//! The declarations of jobs that are declared in one crate and run in another.

use simple_queue::prelude::*;

/// Greets a new user; its output is the text.
#[derive(Debug, Clone, Job)]
#[job(queue = "split", retries = 1, backoff = "none", unique = "{user_id}", output = String)]
pub struct Greet {
    /// The user to greet.
    #[job(alias = "user")]
    pub user_id: i64,
    /// The language of the text.
    #[job(default = "en".to_owned())]
    pub language: String,
}

/// Fails whenever it runs.
#[derive(Debug, Clone, Copy, Job)]
#[job(queue = "split", retries = 1, backoff = "none", fingerprint = "{reason}")]
pub struct Fail {
    /// The reason of the failure.
    pub reason: u8,
}

/// Stores nothing.
#[derive(Debug, Clone, Copy, Job)]
#[job(queue = "split")]
pub struct Tidy;

/// Stores a job, as a service that runs none does.
///
/// # Errors
/// When the database fails.
pub async fn greet(queue: &SimpleQueue, user_id: i64) -> Result<(), simple_queue::Error> {
    Greet { user_id, language: "sk".to_owned() }.priority(7).enqueue(queue).await?;
    Ok(())
}
