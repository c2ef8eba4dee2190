//! What is said to mistakes: how often, and in which words. `tests/ui` shows where.

use proc_macro2::TokenStream;
use quote::quote;

use super::messages;

#[test]
fn what_is_right_is_passed_over() {
    for arguments in [
        quote!(),
        quote!(name = "mail:send", queue = "a.b-c_1", retries = 0),
        quote!(max_attempts = 1001, backoff = "none"),
        quote!(retries = 1000, priority = -32768,),
        quote!(unique, timeout = "250ms", crate = crate::queue),
        quote!(queue = queues::EMAILS, unique = "{{{user_id}}}"),
    ] {
        assert_eq!(said_to(arguments.clone()), [""; 0], "{arguments}");
    }
}

#[test]
fn each_mistake_in_the_arguments_is_named_once() {
    for (arguments, start) in [
        (quote!(retry = 5), "unknown argument `retry`, did you mean `retries`?"),
        (quote!(que = "a"), "unknown argument `que`, did you mean `queue`?"),
        (quote!(retries = 1, retries = 2), "argument `retries` given twice"),
        (quote!(retries), "`retries` needs a value, like `retries = 5`"),
        (quote!(retries(5)), "`retries` takes one value, like `retries = 5`"),
        (quote!(retries =), "`retries` needs a value"),
        (quote!(retries: 5), "expected `=` after `retries`"),
        (quote!(retries = 5u8), "expected a whole number"),
        (quote!(retries = 1001), "`retries` must be between 0 and 1000"),
        (quote!(retries = 99999999999999999999), "`retries` must be between"),
        (quote!("emails"), "expected an argument, like"),
        (quote!(backoff = "Linear"), "unknown backoff \"Linear\", did you mean \"linear\"?"),
        (quote!(backoff = my::function), "only a name is supported yet"),
        (quote!(max_attempts = 1, backoff = "none"), "this job is never retried"),
        (quote!(unique = "{user_id"), "unmatched `{` in the key"),
        (quote!(unique = "{user_id.}"), "`` in `{user_id.}` is not the name of a field"),
        (quote!(unique(by = [])), "`unique(..)` is not supported yet"),
        (quote!(name = ""), "job names may only use"),
    ] {
        let said = said_to(arguments.clone());
        assert_eq!(said.len(), 1, "{arguments}: {said:?}");
        assert!(said[0].starts_with(start), "{arguments}: {said:?}");
    }
}

#[test]
fn arguments_of_later_releases_are_refused() {
    for arguments in [
        quote!(cron = "0 3 * * *"),
        quote!(concurrency(limit = 1, key = "{tenant}")),
        quote!(rate = "100/m"),
        quote!(version = 2),
        quote!(derive(Debug, Clone)),
    ] {
        let said = said_to(arguments.clone());
        assert_eq!(said.len(), 1, "{arguments}: {said:?}");
        assert!(said[0].ends_with("is not supported yet"), "{said:?}");
    }
}

#[test]
fn all_mistakes_are_named_at_once() {
    let arguments = quote!(retry = 5 queue = "A", cron = "*", timeout = "1");
    let item = quote!(
        unsafe fn send<T>(_: T, name: &str, one: &A, two: &A)
        where
            T: Copy,
        {
        }
    );
    assert_eq!(messages(arguments, item).len(), 11);
}

#[test]
fn a_refused_argument_is_not_missed_in_the_key() {
    let said = messages(
        quote!(unique = "{name}"),
        quote!(
            async fn send(name: &str) {}
        ),
    );
    assert_eq!(said.len(), 1, "{said:?}");
}

#[test]
fn names_that_cannot_be_a_struct_are_refused() {
    for item in [
        quote!(
            async fn Send() {}
        ),
        quote!(
            async fn _1() {}
        ),
        quote!(
            async fn self_() {}
        ),
    ] {
        assert_eq!(messages(quote!(), item.clone()).len(), 1, "{item}");
    }
}

#[test]
fn types_are_shown_as_they_are_written() {
    let said = messages(
        quote!(),
        quote!(
            async fn send(pairs: &[(a::B<C>, &'static [D; 2])]) {}
        ),
    );
    assert!(said[0].contains("so `&[(a::B<C>, &'static [D; 2])]` must be"), "{said:?}");
}

/// What is said to these arguments on a function that is right.
fn said_to(arguments: TokenStream) -> Vec<String> {
    messages(
        arguments,
        quote!(
            async fn send(user_id: i64) {}
        ),
    )
}
