//! How the keys of a job are made.

use std::fmt::Display;

use serde::Serialize;

use crate::job::of_arguments;

/// The key for `unique` over arguments. If the arguments cannot be written the key is empty, and the job is refused
/// when it is enqueued; the error of writing is reported first.
pub fn unique_key_of<J: Serialize>(job: &J) -> String {
    of_arguments(job).unwrap_or_default()
}

/// A type that a key's template may contain.
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot be part of a key: it does not implement `Display`",
    label = "used in the key of this job",
    note = "use a field of it, like `{{payment.id}}`, or write `unique` alone for a key of all arguments"
)]
pub trait KeyPart: Display {}

#[diagnostic::do_not_recommend]
impl<T: Display + ?Sized> KeyPart for T {}

/// A type that the cost of a job may have.
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot be the cost of a job: it is no unsigned integer",
    label = "taken as the number of tokens of this job",
    note = "store an unsigned integer like `u32`, or name a field that is one, like `{{usage.tokens}}`"
)]
pub trait Cost: Copy {
    /// Returns it as a number of tokens.
    fn tokens(self) -> u64;
}

macro_rules! costs {
    ($($unsigned:ty),*) => {
        $(#[diagnostic::do_not_recommend]
        impl Cost for $unsigned {
            fn tokens(self) -> u64 {
                u64::from(self)
            }
        })*
    };
}

costs!(u8, u16, u32, u64);

#[diagnostic::do_not_recommend]
impl Cost for usize {
    fn tokens(self) -> u64 {
        u64::try_from(self).unwrap_or(u64::MAX)
    }
}

/// The cost of a job.
pub fn cost<T: Cost>(cost: &T) -> u64 {
    cost.tokens()
}

/// One argument of a key's template.
pub fn key_part<T: KeyPart>(part: &T) -> &dyn Display {
    part
}
