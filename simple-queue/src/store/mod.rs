//! The only room with SQL: one method for each statement in `sql/`.
//!
//! A [`Store`] knows the statements of one schema; its methods take the connection they run on, so
//! the caller decides whether that is a pool's, a role's own or the user's transaction.

mod by_function;
mod control;
mod decode;
mod enqueue;
mod fetch;
mod finish;
mod grants;
#[cfg(feature = "janitor")]
mod janitor;
pub(crate) mod migrate;
mod reaper;
mod statements;
mod sweep;
mod unserved;
mod worker;

pub(crate) use control::DeadLetterFilter;
pub(crate) use decode::{FIRST_TIME, LAST_TIME};
pub(crate) use enqueue::Written;
pub(crate) use fetch::{
    Demand, DemandedShare, Fetched, FetchedJob, LaneFloor, MARGIN, Position, Reach,
};
pub(crate) use finish::{Finish, LeaseState};
pub use grants::Role;
#[cfg(feature = "janitor")]
pub(crate) use janitor::OldDay;
pub(crate) use reaper::Reaped;
pub(crate) use sweep::{LanePart, Overtaken};
pub(crate) use unserved::UnservedKind;
pub(crate) use worker::{Beat, Silent, WorkerRow};

use std::sync::Arc;

use crate::database::{Pooled, Schema};
use statements::Statements;

/// The statements of one schema. A cheap clone.
#[derive(Debug, Clone)]
pub(crate) struct Store {
    schema: Schema,
    statements: Arc<Statements>,
    way: by_function::Way,
}

impl Store {
    /// `pooled` says how the statements are sent.
    pub(crate) fn new(schema: Schema, pooled: &Pooled) -> Self {
        let statements = Arc::new(Statements::new(&schema, pooled));
        Self { schema, statements, way: by_function::Way::default() }
    }

    pub(crate) fn schema(&self) -> &Schema {
        &self.schema
    }
}
