//! Reads the payload of a stored job into this build's type.

use std::{borrow::Cow, fmt};

use serde_json::Value;

use super::Job;
use crate::job::{JobPayload, unfit, without_values};

/// Why a payload was not read.
pub(crate) enum Unread {
    /// A newer build stored it.
    OfNewerBuild,
    /// It does not fit the type; the text contains no stored values.
    Unfit(String),
}

/// Reads the payload of a stored job, upgraded to this build's version if an earlier one stored it.
pub(crate) fn read_payload<J: JobPayload>(job: &Job) -> Result<J, Unread> {
    let does_not_fit = |error: &dyn fmt::Display| {
        Unread::Unfit(format!("the payload does not fit `{}`: {error}", J::KIND))
    };
    if job.version > J::VERSION {
        return Err(Unread::OfNewerBuild);
    }
    let data = match &job.stored {
        Some(stored) => {
            // Nearly every payload fits. Only for one that does not, a second pass finds out where.
            if job.version == J::VERSION
                && let Ok(payload) = serde_json::from_str(stored)
            {
                return Ok(payload);
            }
            Cow::Owned(serde_json::from_str(stored).map_err(|error| does_not_fit(&error))?)
        }
        None => Cow::Borrowed(&job.job_data),
    };
    let data = if job.version == J::VERSION {
        data
    } else {
        Cow::Owned(upgraded::<J>(job.version, data.into_owned())?)
    };
    // This error contains the path within the payload.
    serde_path_to_error::deserialize(data.as_ref())
        .map_err(|error| does_not_fit(&unfit(J::ARGUMENTS, &error)))
}

fn upgraded<J: JobPayload>(version: i32, data: Value) -> Result<Value, Unread> {
    J::upgrade(version, data).map_err(|error| {
        let error = without_values(&error.to_string());
        Unread::Unfit(format!(
            "the payload of version {version} cannot be brought to version {} of `{}`: {error}",
            J::VERSION,
            J::KIND
        ))
    })
}
