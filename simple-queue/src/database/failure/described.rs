//! The text of a database error.

use std::fmt;

use sqlx::postgres::PgDatabaseError;

/// A database error in all the server's words: message, detail, hint, and the SQLSTATE to look it up by. The driver's
/// own text ends with a line of the server's source.
pub(crate) struct Described<'e>(pub(crate) &'e sqlx::Error);

/// Like [`Described`], for any driver error.
pub(crate) fn described(error: &sqlx::Error) -> Described<'_> {
    Described(error)
}

impl fmt::Display for Described<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Some(error) = self.0.as_database_error() else { return write!(f, "{}", self.0) };
        write!(f, "{}", error.message())?;
        if let Some(error) = error.try_downcast_ref::<PgDatabaseError>() {
            for (what, text) in [("detail", error.detail()), ("hint", error.hint())] {
                if let Some(text) = text {
                    write!(f, "; {what}: {text}")?;
                }
            }
        }
        match error.code() {
            Some(code) => write!(f, " (SQLSTATE {code})"),
            None => Ok(()),
        }
    }
}
