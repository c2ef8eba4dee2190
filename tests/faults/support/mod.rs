//! Helpers of the cases, beside those of all suites in `tests/support`.

mod field;
mod jobs;
mod ledger;
mod length;
mod load;
mod pooler;
mod server;
mod watch;
mod worker;

pub(crate) use test_support::{Fault, Proxy, eventually};

pub(crate) use field::Field;
pub(crate) use jobs::{
    Aborts, CountEffect, CountRun, Follow, FollowSlowly, Hands, MOST_AT_ONCE, MOST_IN_A_SECOND,
    MOST_OF_A_KEY, ShareAKey, ShareALimit, Stumbles, TakeAToken, TakeATokenOfAKey,
};
pub(crate) use ledger::Ledger;
pub(crate) use length::{full, rounds};
pub(crate) use load::Load;
pub(crate) use pooler::Pooler;
pub(crate) use server::{Server, new_directory};
pub(crate) use watch::{Limits, Watch, bystander, nothing_is_left_behind, watch};
pub(crate) use worker::{
    HAS_KEYS, HAS_RATES, HEARTBEAT_MS, LEDGER_URL, SHARES_A_LIMIT, STATEMENT_MS, Worker, queue_at,
    queue_at_any, queue_builder_at, worker_process,
};
