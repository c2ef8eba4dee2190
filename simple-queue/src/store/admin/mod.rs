//! Statements of operators who look at jobs and act on them.

mod acts;
mod audit;
mod contents;
mod described;
mod doctor;
mod doctor_queue;
mod edit;
mod groups;
mod look;
pub(crate) mod repair;
mod shape;
mod why;

pub(crate) use acts::{Moved, Verb};
pub(crate) use audit::{ActEnd, ActRow, NewAct, Progress};
pub(crate) use contents::{Circumstances, ContentsRow, RoleRights};
pub(crate) use doctor::{
    ConnectionsLook, Holder, NotificationsLook, ServerLook, SettingLook, TableLook,
};
pub(crate) use doctor_queue::{DayLook, EndsLook, RunLook, UnreadableLook, UpkeepLook};
pub(crate) use edit::{Copied, Edited, NewContents};
pub(crate) use groups::GroupRow;
pub(crate) use look::{ListRow, Look, Mark};
pub use why::Why;
