//! A server, a trial's database and processes, and what they cost.

mod counters;
mod fleet;
mod server;
mod trial;

pub(crate) use self::{
    counters::Counters,
    fleet::{AgentProcess, Program},
    server::{Server, Settings},
    trial::{Fetches, Trial, Values, finished, start_all},
};
