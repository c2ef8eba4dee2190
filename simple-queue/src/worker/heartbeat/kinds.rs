//! Tells the database which kinds this process has registered.

use std::time::{Duration, Instant};

use super::Heartbeat;
use crate::{database::failure::described, jitter, telemetry};

/// 1 hour between two times that a process declares its kinds.
const SAY_AGAIN: Duration = Duration::from_hours(1);

/// 1 min until the next try to declare them after a failure, or where a row was locked.
const TRY_AGAIN: Duration = Duration::from_mins(1);

/// What was declared.
#[derive(Debug, Default)]
pub(super) struct DeclaredKinds {
    /// How many kinds there were.
    kinds: usize,
    again_at: Option<Instant>,
}

impl Heartbeat {
    /// Declares the kinds of this process, if there are new ones or an hour has passed. Nothing relies on it but what
    /// operators see, so a failure is logged.
    pub(super) async fn declare_kinds(&mut self) {
        let DeclaredKinds { kinds, again_at } = self.declared_kinds;
        let is_due = again_at.is_none_or(|at| at <= Instant::now());
        if !is_due && self.worker.client.count_kinds() == kinds {
            return;
        }
        let new = self.worker.client.new_kinds();
        let (store, count) = (&self.worker.store, self.worker.client.count_kinds());
        let declared = if new.is_empty() {
            Ok(true)
        } else {
            self.connection
                .ask(async |connection| store.declare_kinds(connection, &new).await)
                .await
        };
        let again_in = match declared {
            Ok(true) => jitter::around(SAY_AGAIN, 0.2),
            Ok(false) => TRY_AGAIN,
            Err(error) => {
                telemetry::heartbeat::kinds_not_declared(&described(&error));
                TRY_AGAIN
            }
        };
        self.declared_kinds =
            DeclaredKinds { kinds: count, again_at: Some(Instant::now() + again_in) };
    }
}
