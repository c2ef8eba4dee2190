//! The proc macros of simple-queue. Their documentation is at the re-exports in that crate, where
//! its examples can be compiled.
//!
//! In the order in which one `#[job]` is read: [`pipeline`], [`parse`], [`validate`], [`model`],
//! [`expand`]. [`errors`] gathers what is wrong on the way.

mod errors;
mod expand;
mod job_state;
mod jobs_list;
mod krate;
mod model;
mod parse;
mod pipeline;
mod suggest;
#[cfg(test)]
mod tests;
mod validate;

use proc_macro::TokenStream;

/// Makes a durable background job of an `async fn`.
#[proc_macro_attribute]
pub fn job(arguments: TokenStream, item: TokenStream) -> TokenStream {
    pipeline::job(arguments.into(), item.into()).into()
}

/// Lists the jobs that a process runs.
#[proc_macro]
pub fn jobs(list: TokenStream) -> TokenStream {
    jobs_list::jobs(list.into()).into()
}

/// Lets jobs borrow the fields of a struct as their state.
#[proc_macro_derive(JobState, attributes(state))]
pub fn job_state(item: TokenStream) -> TokenStream {
    job_state::derive(item.into()).into()
}
