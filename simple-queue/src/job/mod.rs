//! Declaring a job: what is known of it before it meets a database.
//!
//! Everything here is pure: no database, no runtime, no clock. The next stage, [`crate::enqueue`],
//! turns a declared job into a row.

pub(crate) mod backoff;
pub(crate) mod declaration;
mod limits;
mod options;
mod payload;
mod result;
mod state;
mod status;
mod unique;

pub use backoff::{Backoff, BackoffStrategy};
pub(crate) use declaration::KindDeclaration;
pub use limits::{MAX_KEY_BYTES, MAX_PAYLOAD_BYTES, MAX_QUEUE_NAME_BYTES};
pub use options::JobOptions;
pub use payload::JobPayload;
pub(crate) use payload::Storable;
pub use result::{BoxDynError, JobError, JobResult};
pub use state::Provide;
pub use status::JobStatus;

pub(crate) use result::Decision;
pub(crate) use unique::{namespaced, of_arguments};
