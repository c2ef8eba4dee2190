//! Failures of a transaction that are not the fault of the code that used it.

use std::sync::Arc;

use super::trouble::Trouble;

/// Why a handler's work was undone although the attempt is not to blame.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Excuse {
    /// The database rolled the transaction back for a transient reason.
    RolledBack,
    /// A connection broke.
    Lost,
}

/// The database failure that caused this error, if it excuses the attempt.
///
/// `within` finds the driver's error in an error that holds it and does not return it as its source.
pub(crate) fn excuse_in(
    error: &(dyn std::error::Error + 'static),
    within: impl for<'e> Fn(&'e (dyn std::error::Error + 'static)) -> Option<&'e sqlx::Error>,
) -> Option<Excuse> {
    let mut next = Some(error);
    while let Some(error) = next {
        if let Some(driver) = within(error) {
            return excuse_of(driver);
        }
        let driver = error.downcast_ref::<sqlx::Error>();
        if let Some(error) =
            driver.or_else(|| error.downcast_ref::<Arc<sqlx::Error>>().map(Arc::as_ref))
        {
            return excuse_of(error);
        }
        // Some libraries box the driver's inner error and drop the rest.
        if let Some(error) = error.downcast_ref::<Box<dyn sqlx::error::DatabaseError>>() {
            return error.code().and_then(|code| of_code(&code));
        }
        next = error.source();
    }
    None
}

/// Whether this error excuses the attempt. An exhausted pool does not, and neither does a statement that exceeded its
/// timeout.
pub(crate) fn excuse_of(error: &sqlx::Error) -> Option<Excuse> {
    match error {
        sqlx::Error::Database(error) => error.code().and_then(|code| of_code(&code)),
        sqlx::Error::PoolTimedOut | sqlx::Error::PoolClosed => None,
        _ => matches!(Trouble::of(error), Trouble::Lost | Trouble::Silent).then_some(Excuse::Lost),
    }
}

fn of_code(code: &str) -> Option<Excuse> {
    const LOCK_NOT_AVAILABLE: &str = "55P03";
    match Trouble::of_code(code) {
        Trouble::Conflict | Trouble::Unavailable | Trouble::Lost => Some(Excuse::RolledBack),
        Trouble::Late if code == LOCK_NOT_AVAILABLE => Some(Excuse::RolledBack),
        Trouble::Late | Trouble::Refused | Trouble::Unreadable | Trouble::Silent => None,
    }
}
