//! The parts of the arguments that limit a job.

use proc_macro2::TokenStream;

use super::args::{ConcurrencyParts, FairParts, OrderParts, RateParts, hint, not_supported, parts};
use super::list::Table;
use crate::errors::Errors;

pub(crate) fn concurrency_parts(tokens: TokenStream, errors: &mut Errors) -> ConcurrencyParts {
    let unknown = |key: &str| match key {
        "scope" => not_supported(key),
        key => has_none::<ConcurrencyParts>("concurrency", key),
    };
    parts(tokens, &unknown, errors)
}

pub(crate) fn order_parts(tokens: TokenStream, errors: &mut Errors) -> OrderParts {
    parts(tokens, &|key| has_none::<OrderParts>("order", key), errors)
}

pub(crate) fn fair_parts(tokens: TokenStream, errors: &mut Errors) -> FairParts {
    parts(tokens, &|key| has_none::<FairParts>("fair", key), errors)
}

pub(crate) fn rate_parts(tokens: TokenStream, errors: &mut Errors) -> RateParts {
    parts(tokens, &|key| has_none::<RateParts>("rate", key), errors)
}

fn has_none<T: Table>(argument: &str, key: &str) -> String {
    let hint = hint(key, &T::keys(), "it takes");
    format!("`{argument}` has no `{key}`{hint}")
}
