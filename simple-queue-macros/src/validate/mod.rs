//! Parts to [`model`](crate::model). Every mistake that the tokens show is refused here, once.
//! Mistakes that only the compiler sees (types, traits, constants) are left to the code of
//! [`expand`](crate::expand).

mod backoff;
mod borrowed;
mod concurrency;
mod declaration;
mod defaults;
mod derived;
mod duration;
mod field;
mod function;
mod item_head;
mod keys;
mod limited;
mod names;
mod options;
mod params;
mod rate;
mod schedule;
mod shown;
mod signature;
mod template;
mod types;
mod values;

use crate::errors::Errors;
use crate::krate;
use crate::model::{HandlerModel, HandlerStub, JobModel, JobStub};
use crate::parse::args::LibraryArgs;

pub(crate) use defaults::defaults;
pub(crate) use derived::{Derived, derived};
pub(crate) use function::{handler, job};
pub(crate) use shown::shown;

/// Result for a function.
pub(crate) enum Validated {
    /// The signature is valid. Refused arguments of the attribute are left out, so that the job can
    /// still be used.
    Job(Box<JobModel>),
    /// As above, for a job that is declared elsewhere.
    Handler(Box<HandlerModel>),
    /// The signature of a job was refused.
    JobStub(Box<JobStub>),
    /// As above, for a job that is declared elsewhere.
    HandlerStub(Box<HandlerStub>),
    /// A struct is impossible here, or has no name.
    Nothing,
}

/// The path of the library.
pub(crate) fn library(args: &LibraryArgs, errors: &mut Errors) -> proc_macro2::TokenStream {
    // Destructured in full: an argument that is added to the table has to be used here.
    let LibraryArgs { krate } = args;
    let given = krate.as_ref().and_then(|arg| names::krate(arg, errors));
    given.unwrap_or_else(krate::found)
}
