//! What befell a transaction for no fault of those who used it.

use std::sync::Arc;

use super::trouble::Trouble;

/// Why what a handler did is undone, and its attempt not its own fault.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Excuse {
    /// The database rolled it back: it could not carry it out for now.
    RolledBack,
    /// A connection broke.
    Lost,
}

/// The database's trouble that caused this error.
///
/// `within` finds the driver's error in one that holds it and does not name it as its source.
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
        // All that is left of a driver's error in a box of another library's.
        if let Some(error) = error.downcast_ref::<Box<dyn sqlx::error::DatabaseError>>() {
            return error.code().and_then(|code| of_code(&code));
        }
        next = error.source();
    }
    None
}

/// The database's trouble, if it was one. A pool that is used up is none, and neither is a statement that took longer
/// than it was allowed to.
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
