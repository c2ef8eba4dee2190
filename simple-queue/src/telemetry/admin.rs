//! Events of `admin`: acts of operators.

use std::fmt::Display;

use uuid::Uuid;

const TARGET: &str = "simple_queue::admin";

/// Nobody waits for this act.
pub(crate) fn act_broken_off(error: &dyn Display, act: Uuid) {
    tracing::error!(target: TARGET, %error, %act, "act on many jobs broken off, a janitor goes on with it");
}

/// An act that cannot be carried out.
pub(crate) fn act_failed(error: &dyn Display, act: Uuid) {
    tracing::error!(target: TARGET, %error, %act, "act on many jobs failed");
}
