//! What the tests share.

mod database;
mod eventually;
mod probe;

pub(crate) use database::TestDatabase;
pub(crate) use eventually::eventually;
pub(crate) use probe::{Probe, Say};
