//! What is logged: every event and every span of the library, one function each, named after the event.
//!
//! A room calls `telemetry::finalize::lease_lost(…)`; the level, the fields and the words stand here. Operators search
//! for these words, so they are the field's, and a change of them belongs in the changelog.
//!
//! **Targets.** An event has the target `simple_queue::ROOM`, which is `TARGET` of the room's submodule, so
//! `RUST_LOG=simple_queue::finalize=debug` selects a room.
//!
//! **Levels.**
//!
//! | level | what an operator does with it |
//! |---|---|
//! | `error` | acts: something stays broken until then, or work was lost or moved to the dead letters |
//! | `warn` | looks when it is repeated: something failed and is tried again, or a setting is likely wrong |
//! | `info` | nothing: a worker starts or stops, a feature of the environment was found |
//! | `debug` | reads it to find a cause: an expected retry, what was found, what was passed over |
//! | `trace` | the same, of single calls |
//!
//! **Fields.** `error` is a text without stored values: `database::failure::described`, or an `Error` of the library.
//! `job_id`, `worker_id`, `queue`, `kind`, `lease` and `attempt` mean what they mean in the tables. A count is named
//! after what it counts (`jobs`, `runs`, `queues`).
//!
//! Every room may use this one, so this one can use none but `job`. Errors are passed as `&dyn Display`, all else as
//! numbers and texts.

pub(crate) mod admin;
pub(crate) mod database;
pub(crate) mod enqueue;
pub(crate) mod fetch;
pub(crate) mod finalize;
pub(crate) mod heartbeat;
pub(crate) mod queue;
pub(crate) mod run;
#[cfg(feature = "cron")]
pub(crate) mod schedules;
pub(crate) mod spool;
pub(crate) mod stats;
pub(crate) mod store;
pub(crate) mod upkeep;
pub(crate) mod worker;
