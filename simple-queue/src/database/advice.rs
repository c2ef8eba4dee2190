//! Tells operators in the log what to do about an error, at most once in 10 s.

use std::time::{Duration, Instant};

use parking_lot::Mutex;

use super::failure::{described, is_not_migrated, missing_grant};
use crate::telemetry;

/// Shared by the roles of a worker, which all meet the same error again and again.
#[derive(Debug, Default)]
pub(super) struct Advice {
    given_at: Mutex<Option<Instant>>,
}

/// 10 s between two log lines about the same problem.
const EVERY: Duration = Duration::from_secs(10);

impl Advice {
    /// Logs what to do about this error, if retrying the statement does not help.
    pub(super) fn give(&self, error: &sqlx::Error) {
        if is_not_migrated(error) && self.is_due() {
            telemetry::database::schema_missing(&described(error));
        }
        if let Some(missing) = missing_grant(error)
            && self.is_due()
        {
            telemetry::database::grant_missing(&described(error), &missing);
        }
    }

    fn is_due(&self) -> bool {
        let mut given_at = self.given_at.lock();
        let is_due = given_at.is_none_or(|at| at.elapsed() > EVERY);
        if is_due {
            *given_at = Some(Instant::now());
        }
        is_due
    }
}
