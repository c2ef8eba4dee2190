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

/// One argument of a key's template.
pub fn key_part<T: KeyPart>(part: &T) -> &dyn Display {
    part
}
