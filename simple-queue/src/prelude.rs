//! What almost every user needs: `use simple_queue::prelude::*;`

pub use crate::{
    BoxDynError, Handler, Job, JobContext, JobError, JobExt, JobResult, JobState, JobTx,
    SimpleQueue, job, jobs,
};
