//! What the tests share.

mod database;
mod eventually;
mod logging;
mod mortal;
mod probe;
mod working;

pub(crate) use database::TestDatabase;
pub(crate) use eventually::eventually;
pub(crate) use logging::Logged;
pub(crate) use mortal::Mortal;
pub(crate) use probe::{Probe, Say};
pub(crate) use working::{Working, working};

use std::time::Duration;

/// How long a worker may take to stop; never waited for in a test that passes.
pub(crate) const STOP: Duration = Duration::from_secs(10);
