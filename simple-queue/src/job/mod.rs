//! Declaration of a job: everything that is known before it reaches a database.
//!
//! This room is pure: no database, no runtime, no clock. The next stage, [`crate::enqueue`], turns
//! a declared job into a row.

pub(crate) mod backoff;
mod canonical;
pub(crate) mod declaration;
mod json;
mod key_limit;
pub(crate) mod limit;
mod options;
mod payload;
pub(crate) mod queue_name;
mod rate;
mod result;
mod retention;
#[cfg(feature = "cron")]
mod scheduled;
mod sizes;
mod state;
mod status;
mod template;
mod unfit;
mod unique;
mod write;

pub use backoff::{Backoff, BackoffStrategy};
pub(crate) use declaration::{KindDeclaration, hash_of_kind};
pub use key_limit::AfterFailure;
pub(crate) use key_limit::{KeyLimit, KeyedBy};
pub(crate) use limit::MOST_OF_A_LIMIT;
pub use limit::{Limit, NamedLimit};
pub use options::{JobOptions, OnConflict, UniqueWhile};
pub(crate) use payload::Storable;
pub use payload::{JobPayload, StoredArgument};
pub(crate) use queue_name::problem_of_queue_name;
pub(crate) use rate::StoredRate;
pub use rate::{Rate, Window};
pub use result::{BoxDynError, JobError, JobResult};
pub use retention::Retention;
#[cfg(feature = "cron")]
pub(crate) use scheduled::Rule;
#[cfg(feature = "cron")]
pub use scheduled::{DeclaredSchedule, Misfire, Overlap};
pub use sizes::{MAX_KEY_BYTES, MAX_PAYLOAD_BYTES, MAX_QUEUE_NAME_BYTES};
pub use state::{IntoState, JobState, Provide};
pub use status::{JobStatus, UnknownStatus};
pub use template::JobTemplate;

pub(crate) use json::{problem_of_json, without_nuls};
pub(crate) use result::Decision;
pub(crate) use unfit::{unfit, without_values};
pub(crate) use unique::{namespaced, of_arguments};
pub(crate) use write::{to_json, to_value};
