//! The contestants of this program; the peers have one of their own, in `benches/peers`.

mod bare;
mod ours;

use crate::agent::Agent;

pub(crate) fn all() -> Vec<Agent> {
    vec![
        Agent::of::<ours::Ours<true>>(),
        Agent::of::<ours::Ours<false>>(),
        Agent::of::<bare::Bare<true>>(),
        Agent::of::<bare::Bare<false>>(),
    ]
}
