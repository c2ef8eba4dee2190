//! Five hundred jobs in one list compile.

use simple_queue::prelude::*;

include!(concat!(env!("OUT_DIR"), "/five_hundred_jobs.rs"));

fn main() {
    // Nothing runs them.
    let _: fn(&SimpleQueue) -> bool = all;
}
