//! What the test suites share.

mod eventually;
mod harness;
mod program;
mod signal;

pub use eventually::eventually;
pub use harness::{Case, main, other_process};
pub use program::{FAKETIME, NPM, PGBOUNCER, Program};
pub use signal::{signal_group, signal_process};
