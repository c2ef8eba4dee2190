//! Stage 4: whether a job may start now, as far as this process can say before it asks the user's own rules.

mod permits;

pub(crate) use permits::{Permits, RunPermit};
