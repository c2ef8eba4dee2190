//! What a database error means. Every SQLSTATE that the library knows is here.

mod described;
mod excuse;
mod refusal;
mod trouble;

pub(crate) use described::described;
pub(crate) use excuse::{Excuse, excuse_in, excuse_of};
pub(crate) use refusal::{
    is_about_a_value, is_about_these_rows, is_held_up, is_made_already, is_missing_partition,
    is_not_migrated, is_unique_violation, missing_grant,
};
pub(crate) use trouble::{
    FailedStatement, NoAnswer, Trouble, casts_doubt, is_about_a_row, is_ambiguous, is_lock_timeout,
    is_refused_parameter, is_statement_timeout, is_transient, is_unreachable,
};
