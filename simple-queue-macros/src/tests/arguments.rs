//! The change in the expansion by each argument: one file each.

use proc_macro2::TokenStream;
use quote::quote;
use syn::Item;

use super::expanded;
use super::expansions::compare;

/// As below, of schedules.
#[cfg(feature = "cron")]
#[test]
fn each_argument_of_a_schedule() {
    for (file, arguments) in [
        ("cron", quote!(cron = "0 9 * * mon-fri", args(user = User::nobody()))),
        (
            "cron_with_all",
            quote!(
                cron = "0 9 * * mon-fri",
                tz = "Europe/Berlin",
                misfire = "skip",
                overlap = "queue",
                args(user = "nobody")
            ),
        ),
        ("every", quote!(every = "15m", args(user = User::nobody()))),
    ] {
        compare_declaration(file, arguments);
    }
}

/// One file for each argument with its change: the `impl JobPayload`.
#[test]
fn each_argument() {
    for (file, arguments) in [
        ("no_argument", quote!()),
        ("name", quote!(name = "mail:send")),
        ("queue", quote!(queue = "emails")),
        ("queue_constant", quote!(queue = queues::EMAILS)),
        ("retries", quote!(retries = 5)),
        ("max_attempts", quote!(max_attempts = 6)),
        ("backoff", quote!(backoff = "linear")),
        ("backoff_exponential", quote!(backoff = exponential(factor = 3, jitter = 0.5))),
        ("backoff_linear", quote!(backoff = linear("1m"))),
        ("backoff_function", quote!(backoff = delays::mail)),
        ("unique", quote!(unique)),
        ("unique_key", quote!(unique = "{{user}}:{user.id.0}")),
        ("unique_by", quote!(unique(by = [user]))),
        ("unique_by_none", quote!(unique(by = []))),
        ("fingerprint", quote!(fingerprint = "user:{user.id}")),
        ("aliases", quote!(aliases("mail", "mail:send"))),
        ("delay", quote!(delay = "5m")),
        ("expires", quote!(expires = "1h")),
        ("timeout", quote!(timeout = "1h 30m")),
        ("priority", quote!(priority = -10)),
        ("concurrency", quote!(concurrency = 4)),
        ("concurrency_key", quote!(concurrency(limit = 2, key = "{user.id}", per_process = 4))),
        ("order", quote!(order(key = "{user.id}"))),
        ("order_dropped", quote!(order(key = "{user.id}", after_failure = "drop"))),
        ("order_after_failure", quote!(order(key = "all", after_failure = "continue"))),
        ("fair", quote!(fair(key = "{user.id}"))),
        ("rate", quote!(rate(limit = 100, per = "1m", burst = 10))),
        ("rate_key", quote!(rate(limit = 10, per = "1s", key = "{user.id}"))),
        ("rate_cost", quote!(rate(limit = 10, per = "1s", cost = "{user.id}"))),
        (
            "rate_cost_number",
            quote!(rate(limit = 10, per = "1s", burst = 5, key = "{user.id}", cost = 5)),
        ),
        ("rate_window", quote!(rate(limit = 10, window = "day", tz = "Europe/Berlin"))),
        ("rate_not_strict", quote!(rate(limit = 100, per = "1m", strict = false))),
        ("limits", quote!(limits = [PAYMENTS])),
        ("retain", quote!(retain = "7d")),
        ("spool", quote!(spool = false)),
        ("tags", quote!(tags("mail", "nightly"))),
        ("template", quote!(template = templates::MAILS)),
        ("template_with_queue", quote!(template = MAILS, queue = "emails", retries = 0)),
        ("unique_on_conflict", quote!(unique(on_conflict = "replace"))),
        ("unique_key_on_conflict", quote!(unique(key = "{user.id}", on_conflict = "error"))),
        ("unique_for", quote!(unique(for = "24h"))),
        ("unique_while", quote!(unique(by = [user], while = "pending"))),
        ("version", quote!(version = 2, upgrade = upgrades::mail)),
        ("version_without_upgrade", quote!(version = 3, upgrade = none)),
        ("crate", quote!(crate = facade::queue)),
    ] {
        compare_declaration(file, arguments);
    }
}

fn compare_declaration(file: &str, arguments: TokenStream) {
    let mut job = expanded(
        arguments,
        quote!(
            async fn send(user: User) {}
        ),
    );
    job.items.retain(is_declaration);
    compare(&format!("argument/{file}"), &job);
}

/// As above, for arguments that change the handler: the `impl TypedHandler`.
#[test]
fn each_argument_of_the_handler() {
    for (file, arguments) in [
        ("strategy", quote!(strategy = rules::OFFICE_HOURS)),
        ("on_exhausted", quote!(on_exhausted = apologize)),
    ] {
        let mut job = expanded(
            arguments,
            quote!(
                async fn send(user: User) {}
            ),
        );
        job.items.retain(|item| implements(item, "TypedHandler"));
        compare(&format!("argument/{file}"), &job);
    }
}

/// The functions that a key adds, which take the arguments of the key.
#[test]
fn each_key() {
    for (file, arguments) in [
        ("all_arguments", quote!(unique)),
        ("template", quote!(unique = "{text}:{user.id.0}")),
        ("by_one", quote!(unique(by = [text]))),
        ("by_none", quote!(unique(by = []))),
        ("kept", quote!(unique(key = "{text}", for = "24h", while = "running"))),
        ("fingerprint", quote!(fingerprint = "{on}")),
    ] {
        let mut job = expanded(
            arguments,
            quote!(
                async fn send(user: User, text: String, on: i64) {}
            ),
        );
        job.items.retain(|item| matches!(item, Item::Impl(item) if item.trait_.is_none()));
        for item in &mut job.items {
            let Item::Impl(item) = item else { continue };
            item.items.retain(|item| {
                let text = quote!(#item).to_string();
                let names = [
                    "__unique_key",
                    "__fingerprint",
                    "fn find",
                    "fn cancel",
                    "cancel_all",
                    "fn release_key",
                ];
                names.iter().any(|name| text.contains(name))
            });
        }
        compare(&format!("key/{file}"), &job);
    }
}

/// The `impl JobPayload` and the checks of its constants.
fn is_declaration(item: &Item) -> bool {
    match item {
        Item::Const(item) => quote!(#item).to_string().contains("assert_queue_name"),
        item => implements(item, "JobPayload"),
    }
}

fn implements(item: &Item, name: &str) -> bool {
    let Item::Impl(item) = item else { return false };
    let path = item.trait_.as_ref().map(|(path, _)| path);
    path.and_then(|path| path.segments.last()).is_some_and(|last| last.ident == name)
}
