//! How an error of the database is said.

use std::fmt;

use sqlx::postgres::PgDatabaseError;

/// An error of the database in all the words that the server has for it: the message, its detail and hint, and
/// the SQLSTATE, by which it is looked up. The driver's own words end in a line of the server's source.
pub(crate) struct Described<'e>(pub(crate) &'e sqlx::Error);

/// As [`Described`], of any error that may be one of the database.
pub(crate) fn described(error: &sqlx::Error) -> Described<'_> {
    Described(error)
}

impl fmt::Display for Described<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Some(error) = self.0.as_database_error() else { return write!(f, "{}", self.0) };
        write!(f, "{}", error.message())?;
        if let Some(error) = error.try_downcast_ref::<PgDatabaseError>() {
            for (what, said) in [("detail", error.detail()), ("hint", error.hint())] {
                if let Some(said) = said {
                    write!(f, "; {what}: {said}")?;
                }
            }
        }
        match error.code() {
            Some(code) => write!(f, " (SQLSTATE {code})"),
            None => Ok(()),
        }
    }
}
