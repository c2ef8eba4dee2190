//! Helpers of all test suites.

mod eventually;
mod harness;
mod log;
mod program;
mod signal;

pub use eventually::{DEADLINE, eventually};
pub use harness::{Case, main, other_process};
pub use log::Log;
pub use program::{FAKETIME, NPM, PGBOUNCER, Program};
pub use signal::{signal_group, signal_process};
