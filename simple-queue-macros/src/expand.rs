//! A [`JobModel`] to code. Each file writes one part of it; all paths start at the root, so that
//! nothing the user names can get in the way.
//!
//! Lints: what is written here has the place of the attribute and is exempt as such, except where an
//! item carries the user's own name or visibility. There an `#[allow]` keeps a lint from saying
//! about the struct what it already says about the function.

mod codec;
mod debug;
mod enqueue;
pub(crate) mod fallback;
mod handler;
mod options;
mod payload;
mod summary;
mod twin;
mod unique;

use proc_macro2::TokenStream;
use quote::quote;

use crate::model::JobModel;

/// Everything that stands beside the function.
pub(crate) fn job(model: &JobModel) -> TokenStream {
    let payload = payload::structure(model);
    let codec = codec::codec(model);
    let declaration = payload::declaration(model);
    let handler = handler::handler(model);
    let helpers = enqueue::helpers(model);
    let debug = debug::debug(model);
    quote! {
        #payload
        #debug
        #codec
        #declaration
        #handler
        #helpers
    }
}
