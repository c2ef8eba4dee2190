//! What a database error means for the statement that met it.
//!
//! This is the only such list in the library: every sender of a statement asks it whether to retry.

/// The type of errors that a driver's error may contain.
type Inner = dyn std::error::Error + Send + Sync;

/// The kinds of failure of a statement.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Trouble {
    /// The database refuses it, and would refuse it again.
    Refused,
    /// An answer came that cannot be read, so the statement was carried out.
    Unreadable,
    /// It was rolled back in favour of another transaction; a retry may succeed at once.
    Conflict,
    /// The server cancelled it at a timeout: of a wait for a lock, or of the whole statement.
    Late,
    /// It was not carried out, for a transient reason: too few resources, a server that starts, stops or became
    /// read-only, or no connection available.
    Unavailable,
    /// The connection broke, or the server ended the session: whether it was carried out is unknown.
    Lost,
    /// No answer for longer than the server's timeout, so the other end of the connection has vanished.
    Silent,
}

impl Trouble {
    /// Classified by SQLSTATE. <https://www.postgresql.org/docs/current/errcodes-appendix.html>
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
            // Read-only: a failover is in progress. And a transaction that was idle for too long.
            "25006" | "25P03" => Self::Unavailable,
            // The connection failed, or an operator or a crash ended the session.
            _ if code.starts_with("08") || code.starts_with("57P") => Self::Lost,
            // Too few resources: memory, disk, connections. And other interventions of an operator.
            _ if code.starts_with("53") || code.starts_with("57") => Self::Unavailable,
            _ => Self::Refused,
        }
    }
}

/// Whether a retry of the statement may succeed, on a new connection if necessary.
pub(crate) fn is_transient(error: &sqlx::Error) -> bool {
    !matches!(Trouble::of(error), Trouble::Refused | Trouble::Unreadable)
}

/// Whether the statement may have been carried out nevertheless.
///
/// Only an error from the database proves a rollback. Everything else leaves it open: an answer that could not be read,
/// and a server, or a pooler before it, that ends the session between a commit and its answer.
pub(crate) fn is_ambiguous(error: &sqlx::Error) -> bool {
    matches!(Trouble::of(error), Trouble::Lost | Trouble::Silent | Trouble::Unreadable)
}

/// Whether the server may be gone, or no longer be the primary.
pub(crate) fn casts_doubt(error: &sqlx::Error) -> bool {
    match Trouble::of(error) {
        Trouble::Lost | Trouble::Silent => code_of(error).as_deref() != Some("40003"),
        // The pool waited in vain for a connection, or the server became read-only.
        Trouble::Unavailable => code_of(error).is_none_or(|code| code == "25006"),
        _ => false,
    }
}

/// Whether no server is there to carry the statement out: none answers, or the one that does starts, stops, is read-only
/// or has no resources. A pool that its owner has closed is no such trouble.
pub(crate) fn is_unreachable(error: &sqlx::Error) -> bool {
    matches!(Trouble::of(error), Trouble::Lost | Trouble::Silent | Trouble::Unavailable)
        && !matches!(error, sqlx::Error::PoolClosed)
}

/// Whether a lock was not available in time.
pub(crate) fn is_lock_timeout(error: &sqlx::Error) -> bool {
    code_of(error).as_deref() == Some("55P03")
}

/// Whether the server cancelled the statement because it took too long, or no answer came for longer than that.
pub(crate) fn is_statement_timeout(error: &sqlx::Error) -> bool {
    code_of(error).as_deref() == Some("57014") || Trouble::of(error) == Trouble::Silent
}

/// Whether one row may be at fault: with a value that the server cannot compute with, or that the driver cannot read.
pub(crate) fn is_about_a_row(error: &sqlx::Error) -> bool {
    // Data exceptions, program limits, internal errors.
    const CLASSES: [&str; 3] = ["22", "54", "XX"];
    match error {
        sqlx::Error::Decode(_) | sqlx::Error::ColumnDecode { .. } => true,
        error => {
            code_of(error).is_some_and(|code| CLASSES.iter().any(|class| code.starts_with(class)))
        }
    }
}

/// Whether a pooler refused to open a session with a parameter that it does not know.
pub(crate) fn is_refused_parameter(error: &sqlx::Error) -> bool {
    // pgbouncer reports it as a protocol violation.
    code_of(error).as_deref() == Some("08P01")
}

fn code_of(error: &sqlx::Error) -> Option<std::borrow::Cow<'_, str>> {
    error.as_database_error()?.code()
}

/// No answer came within the client's own timeout, which is longer than the server's.
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
    fn a_database_that_cannot_be_reached_is_told_from_one_that_refuses() {
        let broken = sqlx::Error::Io(std::io::ErrorKind::ConnectionRefused.into());
        let silent = sqlx::Error::from(NoAnswer { limit: Duration::from_secs(1) });
        for error in [broken, silent, sqlx::Error::PoolTimedOut] {
            assert!(is_unreachable(&error), "{error}");
        }
        for error in [sqlx::Error::PoolClosed, sqlx::Error::RowNotFound] {
            assert!(!is_unreachable(&error), "{error}");
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
