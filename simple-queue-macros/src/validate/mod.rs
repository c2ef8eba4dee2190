//! Parts to what [`model`](crate::model) holds: everything that can be wrong with a job and seen in its
//! tokens is refused here, each mistake once. What only the compiler can see (types, traits,
//! constants) is left to the code that [`expand`](crate::expand) writes.

mod backoff;
mod borrowed;
mod declaration;
mod defaults;
mod derived;
mod duration;
mod field;
mod function;
mod item_head;
mod keys;
mod names;
mod options;
mod params;
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

/// What becomes of a function.
pub(crate) enum Validated {
    /// All that concerns the signature is right. Arguments of the attribute that were refused are
    /// left out, so that the job can still be used.
    Job(Box<JobModel>),
    /// As above, of a job that is declared elsewhere.
    Handler(Box<HandlerModel>),
    /// The signature of a job was refused.
    JobStub(Box<JobStub>),
    /// As above, of a job that is declared elsewhere.
    HandlerStub(Box<HandlerStub>),
    /// There is no place for a struct, or no name for it.
    Nothing,
}

/// The path of the library.
pub(crate) fn library(args: &LibraryArgs, errors: &mut Errors) -> proc_macro2::TokenStream {
    // Taken apart in full: an argument that is added to the table has to be used here.
    let LibraryArgs { krate } = args;
    let given = krate.as_ref().and_then(|arg| names::krate(arg, errors));
    given.unwrap_or_else(krate::found)
}
