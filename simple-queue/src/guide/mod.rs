//! How to use the library, one subject a page. Every example is compiled.
//!
//! | page | about |
//! |---|---|
//! | [`declaring_jobs`] | arguments, state, errors, results, unique keys, changing a stored job, two crates |
//! | [`running_workers`] | permits, pause, cancel, wait, stopping, several servers, poolers |
//! | [`schedules`] | cron expressions, time zones, downtimes, overlaps, what happens at deploys and when clocks change |
//! | [`limits`] | how many jobs run at once, in a process and in all of them together |
//! | [`spool`] | enqueues that outlive a database that is away: jobs wait in files |
//! | [`operating`] | finding jobs, retrying, moving, editing, deleting them; who did what; rights |
//! | [`dashboard`] | the same in a browser: how to run it, who may see it and do what, what it costs |
//! | [`lifecycle`] | each status, the transitions between them, and what uses an attempt |
//! | [`testing`] | what was enqueued, running it, letting time pass, one function by itself |
//! | [`deploying`] | migrations, roles, how many connections, TLS, deadlines, going back to an older release |

#[doc = include_str!("declaring_jobs.md")]
pub mod declaring_jobs {}

#[doc = include_str!("running_workers.md")]
pub mod running_workers {}

#[cfg(feature = "cron")]
#[doc = include_str!("schedules.md")]
pub mod schedules {}

#[doc = include_str!("limits.md")]
pub mod limits {}

#[doc = include_str!("spool.md")]
pub mod spool {}

#[doc = include_str!("operating.md")]
pub mod operating {}

#[doc = include_str!("dashboard.md")]
pub mod dashboard {}

#[doc = include_str!("lifecycle.md")]
pub mod lifecycle {}

#[cfg(all(feature = "testing", feature = "embedded"))]
#[doc = include_str!("testing.md")]
pub mod testing {}

#[doc = include_str!("deploying.md")]
pub mod deploying {}
