//! Converts the errors of lower rooms into the library's.

use super::Error;
use crate::{
    database::{InvalidSchema, InvalidUrl, Unreachable},
    job::UnknownStatus,
};

impl From<InvalidUrl> for Error {
    fn from(InvalidUrl { problem }: InvalidUrl) -> Self {
        Self::InvalidUrl { problem }
    }
}

impl From<InvalidSchema> for Error {
    fn from(InvalidSchema { schema }: InvalidSchema) -> Self {
        Self::InvalidSchema { schema }
    }
}

impl From<Unreachable> for Error {
    fn from(Unreachable { tried }: Unreachable) -> Self {
        Self::Unreachable { tried }
    }
}

impl From<UnknownStatus> for Error {
    fn from(UnknownStatus { status }: UnknownStatus) -> Self {
        Self::UnknownStatus { status }
    }
}
