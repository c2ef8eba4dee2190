//! The payload of a stored job, as this build knows it.

use std::{borrow::Cow, fmt};

use serde_json::Value;

use super::Job;
use crate::job::{JobPayload, unfit, without_values};

/// Why a payload was not read.
pub(crate) enum Unread {
    /// A later build stored it.
    OfNewerBuild,
    /// It does not fit, in words that hold nothing of it.
    Unfit(String),
}

/// The payload of a stored job, brought to this build's version if an earlier one stored it.
pub(crate) fn read_payload<J: JobPayload>(job: &Job) -> Result<J, Unread> {
    let does_not_fit = |error: &dyn fmt::Display| {
        Unread::Unfit(format!("the payload does not fit `{}`: {error}", J::KIND))
    };
    if job.version > J::VERSION {
        return Err(Unread::OfNewerBuild);
    }
    let data = match &job.stored {
        Some(stored) => {
            // Nearly every payload fits; where one does not is told by a second look.
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
    // The error says where in the payload it is.
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
