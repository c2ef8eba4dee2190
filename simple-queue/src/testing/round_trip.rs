//! Whether a payload comes back as it was stored.

use crate::job::{JobPayload, to_json};

/// Checks that a job is stored in a form that is read back equal: it is written, read and written
/// again, and both texts are the same. Made for property tests, with any arguments.
///
/// ```
/// # use simple_queue::{prelude::*, testing::round_trips};
/// # #[job]
/// # async fn send_welcome(user_id: i64, text: String) {}
/// round_trips(&SendWelcome::new(42, "hello"));
/// ```
///
/// # Panics
/// When the job cannot be written or read, or the texts differ.
#[track_caller]
pub fn round_trips<J: JobPayload>(job: &J) {
    let write = |job: &J| match to_json(job) {
        Ok(json) => json,
        Err(problem) => panic!("`{}` cannot be stored: {problem}", J::KIND),
    };
    let stored = write(job);
    let read: J = match serde_json::from_str(&stored) {
        Ok(read) => read,
        Err(problem) => panic!("`{}` cannot be read back from {stored}: {problem}", J::KIND),
    };
    let again = write(&read);
    assert_eq!(again, stored, "`{}` comes back as another one", J::KIND);
}
