//! Why a page or an act did not come about.

use http::StatusCode;
use simple_queue::{Error, ErrorKind};

use crate::text;

#[derive(Debug)]
pub(crate) enum Trouble {
    Library(Error),
    /// There is no such page, job, queue.
    NoSuch(String),
    /// What was typed cannot be used.
    Typed(String),
    /// The job was left as it is.
    Left(String),
    /// The visitor may not do that.
    NotAllowed(String),
    /// The database takes too long.
    Slow,
}

impl From<Error> for Trouble {
    fn from(error: Error) -> Self {
        Self::Library(error)
    }
}

impl Trouble {
    pub(crate) fn status(&self) -> StatusCode {
        match self {
            Self::NoSuch(_) => StatusCode::NOT_FOUND,
            Self::Typed(_) => StatusCode::UNPROCESSABLE_ENTITY,
            Self::Left(_) => StatusCode::CONFLICT,
            Self::NotAllowed(_) => StatusCode::FORBIDDEN,
            Self::Slow => StatusCode::SERVICE_UNAVAILABLE,
            Self::Library(error) => match error.kind() {
                ErrorKind::PermissionDenied => StatusCode::FORBIDDEN,
                ErrorKind::InvalidInput => StatusCode::UNPROCESSABLE_ENTITY,
                ErrorKind::Conflict | ErrorKind::LeaseLost => StatusCode::CONFLICT,
                ErrorKind::NotFound => StatusCode::NOT_FOUND,
                _ => StatusCode::SERVICE_UNAVAILABLE,
            },
        }
    }

    /// Whether the database is away, or the tables are not there.
    pub(crate) fn is_away(&self) -> bool {
        self.status() == StatusCode::SERVICE_UNAVAILABLE
    }

    pub(crate) fn words(&self) -> String {
        match self {
            Self::Library(error) => error.to_string(),
            Self::NoSuch(words)
            | Self::Typed(words)
            | Self::Left(words)
            | Self::NotAllowed(words) => words.clone(),
            Self::Slow => text::SLOW.to_owned(),
        }
    }

    pub(crate) fn title(&self) -> &'static str {
        match self.status() {
            StatusCode::NOT_FOUND => text::NOT_FOUND,
            StatusCode::UNPROCESSABLE_ENTITY => text::NOT_USABLE,
            StatusCode::CONFLICT => text::LEFT_AS_IT_IS,
            StatusCode::FORBIDDEN => text::NOT_ALLOWED,
            _ => text::AWAY,
        }
    }
}
