//! Requests and answers, as HTTP has them.

mod answer;
mod asked;
mod origin;
mod params;

pub(crate) use answer::{Answer, Body};
pub(crate) use asked::{Asked, Format};
pub(crate) use origin::{is_known_host, is_same_origin};
pub(crate) use params::{Params, encode, with_query};
