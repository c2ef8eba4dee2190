//! The clocks of this machine.

use std::time::Duration;

/// The processor time this process has used.
pub(crate) fn cpu_ns() -> u64 {
    nanoseconds(rustix::time::ClockId::ProcessCPUTime)
}

/// The machine's monotonic clock, which all processes share.
pub(crate) fn now_ns() -> u64 {
    nanoseconds(rustix::time::ClockId::Monotonic)
}

fn nanoseconds(clock: rustix::time::ClockId) -> u64 {
    let now =
        Duration::try_from(rustix::time::clock_gettime(clock)).expect("these clocks begin at zero");
    u64::try_from(now.as_nanos()).expect("the machine has not run for centuries")
}
