//! Helpers of the tests, beside those of all suites in `tests/support`.

mod database;
mod logging;
mod mortal;
mod probe;
mod refusing;
mod rows;
mod working;

pub(crate) use database::TestDatabase;
pub(crate) use mortal::Mortal;
pub(crate) use probe::{Probe, Say};
pub(crate) use refusing::{refuse, refusing, starts};
pub(crate) use rows::{New, Rows};
pub(crate) use test_support::{Log, eventually};
pub(crate) use working::{Working, working};

use std::time::Duration;

/// 10 s, which a worker may take to stop; never waited for in a test that passes.
pub(crate) const STOP: Duration = Duration::from_secs(10);
