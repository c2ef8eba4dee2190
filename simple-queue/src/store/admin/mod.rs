//! Statements of operators who look at jobs and act on them.

mod acts;
mod audit;
mod contents;
mod edit;
mod groups;
mod look;
mod why;

pub(crate) use acts::{Moved, Verb};
pub(crate) use audit::{ActEnd, ActRow, NewAct, Progress};
pub(crate) use contents::{Circumstances, ContentsRow, RoleRights};
pub(crate) use edit::{Copied, Edited, NewContents};
pub(crate) use groups::GroupRow;
pub(crate) use look::{ListRow, Look, Mark};
pub use why::Why;
