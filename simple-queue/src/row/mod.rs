//! Stage 2: the stored form of a job, the lease of a running one, and rows that are not inserted yet.

mod claim;
mod count;
mod job;
mod kind;
mod new_job;
mod pause;
mod payload;
mod run_signal;
mod running;

pub(crate) use claim::{Claim, Lease, RuleId};
pub use count::Count;
pub(crate) use job::{DEFAULT_MAX_ATTEMPTS, FIRST_VERSION, MadeId};
pub use job::{Job, JobExt};
pub use kind::{KindArgument, KindState};
pub(crate) use kind::{KindOptions, NewKind};
pub(crate) use new_job::{Due, NewJob, declared_key};
pub use pause::Pause;
pub(crate) use payload::{Unread, read_payload};
pub(crate) use run_signal::{LongRun, RunSignal};
pub use running::{RunningJob, WorkerState};
