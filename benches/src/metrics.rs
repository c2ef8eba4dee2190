//! Figures that a workload writes and the report looks for.

/// The rate of each tenth of the run.
pub(crate) const TENTHS: [&str; 10] = [
    "tenth 1/s",
    "tenth 2/s",
    "tenth 3/s",
    "tenth 4/s",
    "tenth 5/s",
    "tenth 6/s",
    "tenth 7/s",
    "tenth 8/s",
    "tenth 9/s",
    "tenth X/s",
];

/// What the log grows by from the bulk call that enqueues a job to its end.
pub(crate) const LIFE_WAL: &str = "life WAL B/job";

/// How many jobs each process runs at once where one of them is killed.
pub(crate) const PERMITS: usize = 25;
