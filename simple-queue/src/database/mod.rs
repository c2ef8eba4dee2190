//! How a server is reached: which one it is, through which sessions, for how long, and what its errors mean.
//!
//! Nothing here knows of jobs. [`Servers`] lends connections of the pool, [`Dedicated`] is one of a role's own, and
//! [`failure`] says of an error whether the same statement may succeed later.

mod advice;
mod connection;
mod exchange;
pub(crate) mod failure;
mod notification;
mod schema;
mod servers;
mod session;
mod url;

pub(crate) use connection::Dedicated;
pub(crate) use exchange::{Tries, again};
pub(crate) use notification::Notification;
pub(crate) use schema::{InvalidSchema, Schema};
pub(crate) use servers::{Servers, Unreachable};
pub(crate) use session::Pooled;
pub(crate) use url::{InvalidUrl, parse_url};
