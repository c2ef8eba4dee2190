//! What the tests share.

mod database;
mod logging;
mod mortal;
mod probe;
mod said;
mod working;

pub(crate) use database::TestDatabase;
pub(crate) use mortal::Mortal;
pub(crate) use probe::{Probe, Say};
pub(crate) use said::Said;
pub(crate) use test_support::eventually;
pub(crate) use working::{Working, working};

use std::time::Duration;

/// How long a worker may take to stop; never waited for in a test that passes.
pub(crate) const STOP: Duration = Duration::from_secs(10);
