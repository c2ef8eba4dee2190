//! Names that the expansion of the macros uses. They are not part of the interface and may change in any release.

mod agreement;
mod codec;
mod keys;
mod lent;
mod returned;

pub use agreement::{
    Declares, Keeps, Kept, KeptOf, OutputAgreement, OutputCheck, OutputCheckFallback,
};
pub use codec::{
    Read, ReadFallback, ReadStored, Write, WriteFallback, WriteStored, assert_storable, upgrade,
};
pub use keys::{Cost, KeyPart, cost, key_part, unique_key_of};
pub use lent::{ProvideTo, begin, finish};
pub use returned::{
    DowncastRef, ExhaustedAnswer, Returned, ReturnedFallback, ReturnedOutcome, exhausted,
    into_outcome,
};

pub use crate::{
    enqueue::{
        enqueue_all,
        live::{cancel, cancel_all, find, find_kept_key, release_key},
    },
    job::{
        declaration::{assert_distinct_kinds, assert_equal_limits},
        queue_name::assert_queue_name,
    },
    job_schema::assert_schema,
    queue::job_list::{JobList, Listed, ListedFallback, ListedJob, entry},
};

pub use crate::JobError;
pub use chrono::{DateTime, Utc};
pub use serde;
pub use serde_json::Value;
pub use simple_queue_macros::CarrierDerive;
