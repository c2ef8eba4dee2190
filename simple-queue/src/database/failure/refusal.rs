//! Permanent refusals of the database: the schema is not as a statement needs it, the role lacks a right, or a value
//! does not fit.

use std::borrow::Cow;

/// Whether an object that our statement names does not exist: the schema, a table, a column or a function. Only the
/// migrations create them.
pub(crate) fn is_not_migrated(error: &sqlx::Error) -> bool {
    matches!(code(error).as_deref(), Some("3F000" | "42P01" | "42703" | "42883"))
}

/// Whether a lock was not available in time, or only by ending another transaction.
pub(crate) fn is_held_up(error: &sqlx::Error) -> bool {
    matches!(code(error).as_deref(), Some("55P03" | "40P01"))
}

/// The object that the role lacks a right on, if a statement was refused for that.
pub(crate) fn missing_grant(error: &sqlx::Error) -> Option<String> {
    if code(error).as_deref() != Some("42501") {
        return None;
    }
    // Only the message contains the object, in the server's language.
    let message = error.as_database_error()?.message();
    Some(match message.strip_prefix("permission denied for ") {
        Some(object) => object.to_owned(),
        None => "what the database names".to_owned(),
    })
}

/// Whether another row has a value that must be unique.
pub(crate) fn is_unique_violation(error: &sqlx::Error) -> bool {
    code(error).as_deref() == Some("23505")
}

/// Whether another process created the schema, or a table of it, at the same moment.
pub(crate) fn is_made_already(error: &sqlx::Error) -> bool {
    matches!(code(error).as_deref(), Some("23505" | "42P06" | "42P07"))
}

/// Whether the error is about a value in the row itself, or about its size.
pub(crate) fn is_about_a_value(error: &sqlx::Error) -> bool {
    code(error).is_some_and(|code| code.starts_with("22") || code.starts_with("54"))
}

/// Whether the error is about the rows of an insert, and not about the database, the role or the schema: a value, a
/// constraint, what a trigger or a function raises, or an internal error.
pub(crate) fn is_about_these_rows(error: &sqlx::Error) -> bool {
    const CLASSES: [&str; 6] = ["22", "23", "44", "54", "P0", "XX"];
    code(error).is_some_and(|code| CLASSES.iter().any(|class| code.starts_with(class)))
}

/// Whether a row's partition does not exist.
pub(crate) fn is_missing_partition(error: &sqlx::Error) -> bool {
    // Reported as a failed check without a constraint.
    code(error).as_deref() == Some("23514")
        && error.as_database_error().is_some_and(|error| error.constraint().is_none())
}

fn code(error: &sqlx::Error) -> Option<Cow<'_, str>> {
    error.as_database_error()?.code()
}
