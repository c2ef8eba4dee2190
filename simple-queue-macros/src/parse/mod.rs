//! Tokens to parts, without validation: the list in the parentheses of `#[job(…)]`, and the item
//! below it. Code that cannot be parsed is reported here; [`validate`](crate::validate) reports the
//! rest.

pub(crate) mod args;
pub(crate) mod attribute;
pub(crate) mod form;
pub(crate) mod item;
pub(crate) mod limits;
pub(crate) mod list;
pub(crate) mod module;
