//! What an error of the database means for the statement that met it.
//!
//! There is this one list for the whole library: whoever sends a statement asks it whether to send it again.

/// What a driver's error may carry.
type Inner = dyn std::error::Error + Send + Sync;

/// The kinds of trouble with a statement.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Trouble {
    /// The database says no, and would say so again.
    Refused,
    /// An answer came that cannot be read, so the statement was carried out.
    Unreadable,
    /// It was rolled back in favour of another transaction; the same again may succeed at once.
    Conflict,
    /// The server ended it at a limit of time: of a wait for a lock, or of the whole statement.
    Late,
    /// It was not carried out, for a reason that passes: too few resources, a server that begins, ends or became
    /// read-only, no connection to be had.
    Unavailable,
    /// The connection broke, or the server ended the session: whether it was carried out is not known.
    Lost,
    /// Nothing was heard for longer than the server may take, so the other end of the connection has vanished.
    Silent,
}

impl Trouble {
    /// By SQLSTATE. <https://www.postgresql.org/docs/current/errcodes-appendix.html>
    pub(crate) fn of(error: &sqlx::Error) -> Self {
        match error {
            sqlx::Error::Database(error) => {
                error.code().map_or(Self::Refused, |code| Self::of_code(&code))
            }
            sqlx::Error::Io(error) if error.get_ref().is_some_and(<Inner>::is::<NoAnswer>) => {
                Self::Silent
            }
            sqlx::Error::Io(_)
            | sqlx::Error::Tls(_)
            | sqlx::Error::Protocol(_)
            | sqlx::Error::WorkerCrashed => Self::Lost,
            sqlx::Error::PoolTimedOut | sqlx::Error::PoolClosed => Self::Unavailable,
            sqlx::Error::Configuration(_) => Self::Refused,
            _ => Self::Unreadable,
        }
    }

    pub(super) fn of_code(code: &str) -> Self {
        match code {
            "40001" | "40P01" => Self::Conflict,
            // A lock, the statement, or the transaction took too long.
            "55P03" | "57014" | "25P04" => Self::Late,
            "40003" => Self::Lost,
            // Read-only: a failover is under way. And a transaction that waited too long for its client.
            "25006" | "25P03" => Self::Unavailable,
            // The connection failed; an operator, or a crash, ended the session.
            _ if code.starts_with("08") || code.starts_with("57P") => Self::Lost,
            // Too few resources: memory, disk, connections. The rest of what an operator does.
            _ if code.starts_with("53") || code.starts_with("57") => Self::Unavailable,
            _ => Self::Refused,
        }
    }
}

/// Whether a statement may succeed when it is sent again, on a new connection if need be.
pub(crate) fn is_transient(error: &sqlx::Error) -> bool {
    !matches!(Trouble::of(error), Trouble::Refused | Trouble::Unreadable)
}

/// Whether the statement may have been carried out all the same.
///
/// Only a database that says no is certain to have rolled back. Anything else, also an answer that came
/// and could not be read, leaves it open; so does a server, or a pooler before it, that ends the session
/// between a commit and its answer.
pub(crate) fn is_ambiguous(error: &sqlx::Error) -> bool {
    matches!(Trouble::of(error), Trouble::Lost | Trouble::Silent | Trouble::Unreadable)
}

/// Whether the server may be gone, or no longer be the one that is written to.
pub(crate) fn casts_doubt(error: &sqlx::Error) -> bool {
    match Trouble::of(error) {
        Trouble::Lost | Trouble::Silent => code_of(error).as_deref() != Some("40003"),
        // The pool waited for a connection in vain, or the server became read-only.
        Trouble::Unavailable => code_of(error).is_none_or(|code| code == "25006"),
        _ => false,
    }
}

/// Whether a lock was not to be had in time.
pub(crate) fn is_lock_timeout(error: &sqlx::Error) -> bool {
    code_of(error).as_deref() == Some("55P03")
}

/// Whether the server ended the statement because it took too long, or gave no answer for longer than that.
pub(crate) fn is_statement_timeout(error: &sqlx::Error) -> bool {
    code_of(error).as_deref() == Some("57014") || Trouble::of(error) == Trouble::Silent
}

/// Whether it may be the fault of one row: a value that the server cannot compute with, or the driver not read.
pub(crate) fn is_about_a_row(error: &sqlx::Error) -> bool {
    // A value, a limit of the program, an internal error.
    const CLASSES: [&str; 3] = ["22", "54", "XX"];
    match error {
        sqlx::Error::Decode(_) | sqlx::Error::ColumnDecode { .. } => true,
        error => {
            code_of(error).is_some_and(|code| CLASSES.iter().any(|class| code.starts_with(class)))
        }
    }
}

/// Whether a pooler refused to begin a session with a parameter that it does not know.
pub(crate) fn is_refused_parameter(error: &sqlx::Error) -> bool {
    // pgbouncer calls it a violation of the protocol.
    code_of(error).as_deref() == Some("08P01")
}

fn code_of(error: &sqlx::Error) -> Option<std::borrow::Cow<'_, str>> {
    error.as_database_error()?.code()
}

/// No answer came within a limit of the client's own, which is longer than the server's.
#[derive(Debug, thiserror::Error)]
#[error("no answer within {limit:?}")]
pub(crate) struct NoAnswer {
    pub(crate) limit: std::time::Duration,
}

impl From<NoAnswer> for sqlx::Error {
    fn from(silence: NoAnswer) -> Self {
        Self::Io(std::io::Error::new(std::io::ErrorKind::TimedOut, silence))
    }
}

/// An error that may come from a statement.
pub(crate) trait FailedStatement {
    fn failed_statement(&self) -> Option<&sqlx::Error>;
}

impl FailedStatement for sqlx::Error {
    fn failed_statement(&self) -> Option<&sqlx::Error> {
        Some(self)
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[test]
    fn every_code_is_of_one_kind() {
        for (code, kind) in [
            ("23505", Trouble::Refused),
            ("42501", Trouble::Refused),
            ("40001", Trouble::Conflict),
            ("40P01", Trouble::Conflict),
            ("40003", Trouble::Lost),
            ("55P03", Trouble::Late),
            ("57014", Trouble::Late),
            ("57P01", Trouble::Lost),
            ("08006", Trouble::Lost),
            ("25006", Trouble::Unavailable),
            ("53300", Trouble::Unavailable),
        ] {
            assert_eq!(Trouble::of_code(code), kind, "{code}");
        }
    }

    #[test]
    fn silence_is_told_from_a_connection_that_broke() {
        let silent = sqlx::Error::from(NoAnswer { limit: Duration::from_secs(1) });
        assert_eq!(Trouble::of(&silent), Trouble::Silent);
        assert!(silent.to_string().contains("no answer within 1s"), "{silent}");
        let broken = sqlx::Error::Io(std::io::ErrorKind::TimedOut.into());
        assert_eq!(Trouble::of(&broken), Trouble::Lost);
        for error in [silent, broken] {
            assert!(is_transient(&error) && is_ambiguous(&error) && casts_doubt(&error), "{error}");
        }
    }

    #[test]
    fn an_answer_that_cannot_be_read_is_not_asked_for_again() {
        let unreadable = sqlx::Error::RowNotFound;
        assert!(is_ambiguous(&unreadable) && !is_transient(&unreadable));
        assert!(!casts_doubt(&unreadable));
        assert!(
            is_transient(&sqlx::Error::PoolTimedOut) && !is_ambiguous(&sqlx::Error::PoolTimedOut)
        );
    }
}
