//! What the database says when it refuses something for good: the schema is not as a statement needs it, or not
//! for this role, or a value is none that it can hold.

use std::borrow::Cow;

/// Whether what a statement of ours names is not there: the schema, a table, a column or a function. Nothing but
/// the migrations makes them.
pub(crate) fn is_not_migrated(error: &sqlx::Error) -> bool {
    matches!(code(error).as_deref(), Some("3F000" | "42P01" | "42703" | "42883"))
}

/// Whether a lock was not to be had in time, or only by ending another transaction.
pub(crate) fn is_held_up(error: &sqlx::Error) -> bool {
    matches!(code(error).as_deref(), Some("55P03" | "40P01"))
}

/// What the role lacks a right on, where that is why a statement was refused.
pub(crate) fn missing_grant(error: &sqlx::Error) -> Option<String> {
    if code(error).as_deref() != Some("42501") {
        return None;
    }
    // The object stands in the message only, and there in the server's language.
    let message = error.as_database_error()?.message();
    Some(match message.strip_prefix("permission denied for ") {
        Some(object) => object.to_owned(),
        None => "what the database names".to_owned(),
    })
}

/// Whether the schema, or a table of it, was made by another process at the same moment.
pub(crate) fn is_made_already(error: &sqlx::Error) -> bool {
    matches!(code(error).as_deref(), Some("23505" | "42P06" | "42P07"))
}

/// Whether what was refused is a value in the row itself.
pub(crate) fn is_about_a_value(error: &sqlx::Error) -> bool {
    code(error).is_some_and(|code| code.starts_with("22"))
}

/// Whether there is no partition for a row.
pub(crate) fn is_missing_partition(error: &sqlx::Error) -> bool {
    // It is reported as a failed check, of no constraint.
    code(error).as_deref() == Some("23514")
        && error.as_database_error().is_some_and(|error| error.constraint().is_none())
}

fn code(error: &sqlx::Error) -> Option<Cow<'_, str>> {
    error.as_database_error()?.code()
}
