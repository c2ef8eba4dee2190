//! Tokens to parts, without judging them: what was written between the parentheses of `#[job(…)]`,
//! and the item below it. What cannot be read at all is reported here, the rest is for
//! [`validate`](crate::validate).

pub(crate) mod args;
pub(crate) mod attribute;
pub(crate) mod form;
pub(crate) mod item;
pub(crate) mod list;
pub(crate) mod module;
