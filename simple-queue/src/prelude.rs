//! The names that almost every program needs: `use simple_queue::prelude::*;`

#[doc(no_inline)]
pub use crate::{
    Backoff, BoxDynError, Handler, Job, JobContext, JobError, JobExt, JobOptions, JobResult,
    JobState, JobTemplate, JobTx, SimpleQueue, handler, job, job_defaults, jobs,
};
