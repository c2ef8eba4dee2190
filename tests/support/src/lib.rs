//! Helpers of all test suites.

mod eventually;
mod harness;
mod log;
mod place;
mod program;
mod proxy;
mod signal;

pub use eventually::{DEADLINE, eventually};
pub use harness::{Case, main, other_process};
pub use log::{Log, ask_every_time};
pub use place::Place;
pub use program::{FAKETIME, NPM, PGBOUNCER, Program};
pub use proxy::{Fault, Proxy, host_of};
pub use signal::{signal_group, signal_process};
