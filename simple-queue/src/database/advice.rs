//! What an operator has to do, said in the log now and then.

use std::time::{Duration, Instant};

use parking_lot::Mutex;

use super::failure::{described, is_not_migrated, missing_grant};
use crate::telemetry;

/// Says it once for the roles of a worker, each of which meets the same error all the time.
#[derive(Debug, Default)]
pub(super) struct Advice {
    given_at: Mutex<Option<Instant>>,
}

/// 10 s between two lines of the log that ask for the same thing.
const EVERY: Duration = Duration::from_secs(10);

impl Advice {
    /// Says what is to be done about this error, where no repetition of the statement helps.
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
