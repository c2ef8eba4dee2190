//! The statements of limits as state machines, and a search through all orders in which they may meet.
//!
//! - [`keys`]: limits that hold for each key, and sequences.
//! - [`quotas`]: permits of a limit that the database lends to processes.
//! - [`wake`]: how a worker falls asleep, and who wakes it.
//!
//! Each model has *rules*, which the statements keep. A rule can be broken, and then the search must find a violation.
//! So a rule that is not needed is noticed, and so is a model that sees nothing.

pub mod keys;
pub mod quotas;
pub mod search;
mod set;
pub mod wake;
