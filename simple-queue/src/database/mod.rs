//! How a server is reached: which one, through which sessions, with which timeouts, and what its errors mean.
//!
//! This room does not know jobs. [`Servers`] lends connections of the pool, [`Dedicated`] is a role's own connection,
//! and [`failure`] tells whether a failed statement may succeed later.

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
