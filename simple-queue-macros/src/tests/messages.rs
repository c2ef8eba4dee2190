//! The messages for mistakes: their number and their words. `tests/crates/ui` shows their places.

use proc_macro2::TokenStream;
use quote::quote;

use super::{messages, said};
use crate::parse::list::Table;

#[test]
fn what_is_right_is_passed_over() {
    for arguments in [
        quote!(),
        quote!(name = "mail:send", queue = "a.b-c_1", retries = 0),
        quote!(max_attempts = 1001, backoff = "none"),
        quote!(retries = 1000, priority = -32768,),
        quote!(unique, timeout = "250ms", crate = crate::queue),
        quote!(queue = queues::EMAILS, unique = "{{{user_id}}}"),
        quote!(unique(by = []), fingerprint = "user:{user_id}", delay = "5m"),
        quote!(unique(by = [user_id]), aliases("send_mail", "mail:send")),
        quote!(backoff = exponential()),
        quote!(payload = Mail, derive(Debug, std::clone::Clone,)),
        quote!(
            unique(on_conflict = "ignore"),
            tags("a", "b",),
            retain = "none",
            spool = true,
            concurrency = 4294967295
        ),
        quote!(unique(key = "{user_id}", on_conflict = "reschedule",), version = 2, upgrade = none),
        quote!(template = mails::MAILS, backoff = "linear", version = 7, upgrade = self::none),
        quote!(strategy = mails::RULES, on_exhausted = tell::<7, 8>, version = 1),
        quote!(backoff = exponential(base = "1m", factor = 1.5, max = "7d", jitter = 0)),
        quote!(backoff = fixed("10s", jitter = 1,)),
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
        (quote!(backoff(linear)), "`backoff` takes one value, like"),
        (quote!(backoff = none()), "`none` takes no parts"),
        (quote!(backoff = |_| 5), "expected a back-off, like"),
        (quote!(backoff = fixed()), "expected a duration, like `fixed(\"5s\")`"),
        (quote!(backoff = linear("5s", "6s")), "expected an argument, like"),
        (quote!(backoff = fixed("5s" "6s")), "expected a duration, like"),
        (quote!(backoff = linear("5s", jitter = -0.1)), "`jitter` is a fraction from 0 to 1"),
        (quote!(backoff = linear("5s", jitter = 1f32)), "expected a number, like `jitter = 0.2`"),
        (quote!(backoff = exponential(max = "1s")), "`max` (\"1s\") is shorter than `base`"),
        (quote!(backoff = exponential(base("1s"))), "`base` takes one value, like"),
        (quote!(backoff = exponential(factor = 1)), "`factor` must be greater than 1"),
        (quote!(retries = 0, backoff = my::function), "this job is never retried"),
        (quote!(max_attempts = 1, backoff = "none"), "this job is never retried"),
        (quote!(tags = "a"), "list tags, like `tags("),
        (quote!(tags()), "list tags, like `tags("),
        (quote!(tags("a", "")), "a tag is a text of 1 to 512 bytes"),
        (quote!(tags("a", "b", "a")), "`a` is in this list twice"),
        (quote!(retain = "7"), "\"7\" has no unit"),
        (quote!(spool = "no"), "expected `true` or `false`, like `spool = false`"),
        (quote!(template = "a"), "expected the path of a constant `JobTemplate`, like"),
        (quote!(strategy = |_| true), "expected the path of a static, like `strategy = RULES`"),
        (quote!(on_exhausted = tell()), "expected the path of a function, like"),
        (quote!(version = 0), "versions start at 1"),
        (quote!(version = 2), "version 2 has no `upgrade`: stored jobs of version 1 would be"),
        (quote!(version = 3), "version 3 has no `upgrade`: stored jobs of versions 1 to 2 would"),
        (quote!(upgrade = path), "`upgrade` needs `version = 2` or more"),
        (quote!(version = 1, upgrade = path), "`upgrade` needs `version = 2` or more"),
        (quote!(version = 2, upgrade = "path"), "expected the path of a function, like"),
        (quote!(output = Receipt), "`output` is what the function returns"),
        (quote!(fingerprint = ""), "a fingerprint cannot be empty"),
        (quote!(fingerprint(user_id)), "`fingerprint` takes one value, like"),
        (quote!(delay = 5), "expected a string, like `delay = \"5m\"`"),
        (quote!(aliases(old)), "list earlier names of the job"),
        (quote!(name = "mail", aliases("a", "mail")), "`mail` is the present name of the job"),
        (quote!(name = ""), "\"\" cannot name a job: job names may only use"),
        (quote!(payload(Mail)), "`payload` takes one value, like `payload = WelcomeMail`"),
        (quote!(payload = a::Mail), "expected the name of the payload struct"),
        (quote!(derive = "Debug"), "list what to derive, like `derive(Debug, Clone)`"),
        (quote!(derive(Debug Clone)), "list what to derive"),
    ] {
        assert_said_once(&arguments, start);
    }
}

pub(super) fn assert_said_once(arguments: &TokenStream, start: &str) {
    let said = said_to(arguments.clone());
    assert_eq!(said.len(), 1, "{arguments}: {said:?}");
    assert!(said[0].starts_with(start), "{arguments}: {said:?}");
}

#[test]
fn each_mistake_in_a_rate_is_named_once() {
    for (arguments, start) in [
        (quote!(rate = 5), "say how many start in which time, like `rate(limit = 100, per ="),
        (quote!(rate(limit = 5)), "`rate` needs `per`, like `rate(limit = 100, per ="),
        (quote!(rate(per = "1s")), "`rate` needs `limit`, like `rate(limit = 100, per ="),
        (quote!(rate(limit = 0, per = "1s")), "a rate of 0 would never start this job"),
        (quote!(rate(limit = 5, per = "1")), "\"1\" has no unit"),
        (quote!(rate(limit = 5, per = "99ms")), "the time of a rate is at least 100 ms"),
        (quote!(rate(limit = 5, per = "367d")), "the time of a rate is at most 366 days"),
        (quote!(rate(limit = 5, per = "1s", burst = 0)), "`burst` must be between 1 and"),
        (quote!(rate(limit = 5, per = "1s", burst = 5)), "a burst of 5 leaves nothing of the 5"),
        (quote!(rate(limit = 1, per = "1s", burst = 2)), "the burst of a limit of 1 is 1"),
        (quote!(rate(limit = 5, per = "1s", strict = 0)), "expected `true` or `false`, like"),
        (quote!(rate(limit = 5, pre = "1s")), "`rate` has no `pre`, did you mean `per`?"),
    ] {
        assert_said_once(&arguments, start);
    }
}

#[test]
fn each_mistake_on_a_parameter_is_named_once() {
    for (argument, start) in [
        (quote!(#[job(defautl)] id: i64), "unknown argument `defautl` on a parameter, did you"),
        (quote!(#[job(default)] #[job(default)] id: i64), "argument `default` given twice"),
        (quote!(#[job(alias)] id: i64), "`alias` needs a value, like `alias = \"old_name\"`"),
        (quote!(#[job(with = "a b")] id: i64), "expected the path of a module"),
        (quote!(#[job(redact(true))] id: i64), "`redact` takes no value"),
        (quote!(#[job()] id: i64), "`#[job]` alone means nothing on a parameter"),
        (quote!(#[job("id")] id: i64), "expected an argument, like `default`"),
        (quote!(#[job(default)] cx: &JobContext), "`#[job(..)]` is for arguments that are stored"),
        (quote!(#[job(default)] name: &str), "job arguments are stored, so `&str`"),
        (quote!(a: i64, #[job(alias = "a")] b: i64), "an argument is stored as `a` already"),
        (quote!(#[job(rename = "b")] a: i64, b: i64), "an argument is stored as `b` already"),
        (quote!(#[cfg_attr(a, b)] a: i64), "an argument is part of a build or is not: write"),
        (
            quote!(#[cfg(a)] a: A, #[cfg(b)] b: B, #[cfg(c)] c: C, #[cfg(d)] d: D, #[cfg(e)] e: E),
            "a job has at most 4 conditions on its arguments; put some of them into one struct",
        ),
    ] {
        let said = messages(quote!(derive(Debug)), quote!(async fn send(#argument) {}));
        assert_eq!(said.len(), 1, "{argument}: {said:?}");
        assert!(said[0].starts_with(start), "{argument}: {said:?}");
    }
    let right = quote!(
        async fn send(
            #[job(default = vec![7, 8], alias = "old", alias = "older")] a: Vec<i64>,
            #[job(rename = "A")]
            #[job(with = crate::epoch, redact)]
            b: i64,
        ) {
        }
    );
    assert_eq!(messages(quote!(derive(Debug)), right), [""; 0]);
}

#[test]
fn each_argument_is_taken_where_it_belongs() {
    let derived = |arguments: TokenStream| {
        said(crate::pipeline::derive(quote! {
            #[derive(Job)]
            #[job(#arguments)]
            struct Send {
                user_id: i64,
            }
        }))
    };
    let handler = |arguments: TokenStream| {
        let function = quote!(
            async fn send(job: Send) {}
        );
        said(crate::pipeline::handler(arguments, function))
    };
    for arguments in [
        quote!(),
        quote!(name = "a", aliases("b"), queue = "c", retries = 5, unique, output = Vec<u8>),
        quote!(template = MAILS, unique = "{user_id}", version = 2, upgrade = none, crate = a::b),
    ] {
        assert_eq!(derived(arguments.clone()), [""; 0], "{arguments}");
    }
    let right = quote!(strategy = RULES, on_exhausted = tell, crate = a::b);
    assert_eq!(handler(right), [""; 0]);
    for arguments in [
        quote!(strategy = RULES),
        quote!(on_exhausted = tell),
        quote!(payload = Mail),
        quote!(derive(Debug)),
        quote!(rate = "100/m"),
        quote!(output = "u8"),
    ] {
        assert_eq!(derived(arguments.clone()).len(), 1, "{arguments}");
    }
    for key in crate::parse::args::DeclarationArgs::keys() {
        let key = proc_macro2::Ident::new(key, proc_macro2::Span::call_site());
        let said = handler(quote!(#key = 7));
        let expected =
            format!("`{key}` belongs to the job; write it in the `#[job(..)]` of its struct");
        assert_eq!(said, [expected]);
    }
}

#[test]
fn arguments_of_later_releases_are_refused() {
    let said = said_to(quote!(compensate = undo));
    assert_eq!(said.len(), 1, "{said:?}");
    assert!(said[0].ends_with("is not supported yet"), "{said:?}");
}

#[cfg(not(feature = "cron"))]
#[test]
fn without_the_feature_a_schedule_is_refused_by_its_name() {
    for arguments in [quote!(cron = "0 3 * * *", tz = "Europe/Bratislava"), quote!(every = "1h")] {
        let said = said_to(arguments.clone());
        assert_eq!(said.len(), 1, "{arguments}: {said:?}");
        assert!(said[0].ends_with("needs the feature `cron` of simple-queue"), "{said:?}");
    }
}

#[test]
fn all_mistakes_are_named_at_once() {
    let arguments = quote!(retry = 5 queue = "A", rate = "1/s", timeout = "1");
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
fn a_signature_that_the_compiler_refuses_too_is_refused() {
    for (item, start) in [
        (
            quote!(
                async fn send(a: u8, rest: ...) {}
            ),
            "a job cannot be variadic",
        ),
        (
            quote!(
                async fn send() -> impl Future<Output = ()> {}
            ),
            "a `#[job]` function cannot return `impl",
        ),
        (
            quote!(
                async fn send() -> Result<Vec<impl Copy>, E> {}
            ),
            "a `#[job]` function cannot return `Re",
        ),
        (
            quote!(
                async fn send() -> ! {}
            ),
            "a `#[job]` function cannot return `!`",
        ),
    ] {
        let said = messages(quote!(), item.clone());
        assert_eq!(said.len(), 1, "{item}: {said:?}");
        assert!(said[0].starts_with(start), "{item}: {said:?}");
    }
    let opaque_error = quote!(
        async fn send() -> Result<u8, impl Into<BoxDynError>> {}
    );
    assert_eq!(messages(quote!(), opaque_error), [""; 0]);
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

/// Returns the messages for these arguments on a valid function.
pub(super) fn said_to(arguments: TokenStream) -> Vec<String> {
    messages(
        arguments,
        quote!(
            async fn send(user_id: i64) {}
        ),
    )
}
