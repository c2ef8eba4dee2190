//! The messages about limits, sequences and shares.

use quote::quote;

use super::messages::assert_said_once;

#[test]
fn each_mistake_about_limits_is_named_once() {
    for (arguments, start) in [
        (quote!(concurrency = 0), "a concurrency of 0 would never run this job; to stop it pause"),
        (quote!(concurrency = "4"), "expected a whole number, like `concurrency = 4`"),
        (quote!(concurrency(4)), "expected an argument, like `limit = 20`"),
        (quote!(concurrency()), "say how many run at once in all processes together, like"),
        (quote!(concurrency(limit = 0)), "a concurrency of 0 would never run this job; to stop it"),
        (quote!(concurrency(limit = 1_000_001)), "`limit` must be between 1 and 1,000,000"),
        (quote!(concurrency(limits = 2)), "`concurrency` has no `limits`, did you mean `limit`?"),
        (quote!(concurrency(key = "{user_id}")), "say how many jobs of a key run at once, like"),
        (quote!(concurrency(limit = 1, key = "all")), "this key is the same for every `send`; to"),
        (quote!(concurrency(limit = 1, key = "")), "a key of a limit cannot be empty"),
        (quote!(concurrency(limit = 1, key = "{user}")), "no argument named `user`, did you mean"),
        (
            quote!(concurrency(limit = 2, per_process = 3)),
            "one process cannot run 3 at once while all of them together may run 2",
        ),
        (quote!(limits = PAYMENTS), "expected a list of statics, like `limits = [PAYMENTS]`"),
        (quote!(limits = ["payments"]), "expected the name of a static, declared like"),
        (quote!(limits = [A, b::B, A]), "`A` is in this list twice"),
    ] {
        assert_said_once(&arguments, start);
    }
}

#[test]
fn each_mistake_about_sequences_is_named_once() {
    for (arguments, start) in [
        (quote!(order), "say which jobs wait for each other, like `order(key = \"{account_id}\")`"),
        (quote!(order()), "say which jobs wait for each other, like"),
        (quote!(order(by = [user_id])), "`order` has no `by`"),
        (quote!(order(key = "{user_id}", after_failure = "stop")), "unknown answer to a failure"),
        (quote!(order(key = "{user_id}", after_failure = halt)), "write it in quotes"),
        (
            quote!(order(key = "{user_id}"), priority = 3),
            "the jobs of a key run in order, and a priority would let",
        ),
        (
            quote!(order(key = "{user_id}"), expires = "1h"),
            "the jobs of a key run in order, and one that expires",
        ),
        (
            quote!(order(key = "{user_id}"), unique(key = "{user_id}", on_conflict = "replace")),
            "the jobs of a key run in order, and `on_conflict` would move",
        ),
        (
            quote!(order(key = "{user_id}"), concurrency(limit = 2, key = "{user_id}")),
            "a job has one key: its sequence runs one job of a key at a time in any case",
        ),
        (quote!(serial = "{user_id}"), "unknown argument `serial`, did you mean `order`?"),
    ] {
        assert_said_once(&arguments, start);
    }
}

#[test]
fn each_mistake_about_rates_of_keys_costs_and_windows_is_named_once() {
    for (arguments, start) in [
        (
            quote!(
                concurrency(limit = 2, key = "{user_id}"),
                rate(limit = 9, per = "1s", key = "{user_id}:mail")
            ),
            "a job has one key, and its `concurrency` has the key \"{user_id}\"; write the same here",
        ),
        (
            quote!(order(key = "{user_id}"), rate(limit = 9, per = "1s", key = "{user_id}:mail")),
            "a job has one key, and its `order` has the key \"{user_id}\"; write the same here, or",
        ),
        (
            quote!(rate(limit = 9, per = "1s", key = "all")),
            "this key is the same for every `send`; to",
        ),
        (quote!(rate(limit = 9, per = "1s", cost = 0)), "`cost` must be between 1 and"),
        (
            quote!(rate(limit = 9, per = "1s", cost = 2)),
            "a job that takes 2 would never start: the burst is 1",
        ),
        (
            quote!(rate(limit = 9, per = "1s", cost = "tokens")),
            "name one argument, like `cost = \"{tokens}\"`",
        ),
        (quote!(rate(limit = 9, per = "1s", cost = "{user_id}{user_id}")), "name one argument"),
        (
            quote!(rate(limit = 9, per = "1s", cost = true)),
            "expected a string, like `cost = \"{tokens}\"`",
        ),
        (
            quote!(
                concurrency(limit = 2, key = "{user_id}"),
                rate(limit = 9, per = "1s", cost = "{user_id}")
            ),
            "a rate with a `cost` is counted by key, and a job has one key, here that of `concurrency`",
        ),
        (quote!(rate(limit = 9, window = "day")), "say by which clock it begins, like `tz ="),
        (quote!(rate(limit = 9, window = "year", tz = "UTC")), "unknown window \"year\""),
        (
            quote!(rate(limit = 9, window = day, tz = "UTC")),
            "write it in quotes, `window = \"day\"`",
        ),
        (quote!(rate(limit = 9, tz = "UTC")), "`tz` needs a window, like `window = \"day\"`"),
        (quote!(rate(window = "hour")), "`rate` needs `limit`, like `rate(limit = 1000, window ="),
        (quote!(rate(limit = 9, per = "1s", window = "hour")), "`per` is not for a window"),
        (quote!(rate(limit = 9, burst = 2, window = "hour")), "`burst` is not for a window"),
        (
            quote!(rate(limit = 60_001, window = "minute")),
            "the limit of such a window is at most 60000",
        ),
    ] {
        assert_said_once(&arguments, start);
    }
}

#[test]
fn each_mistake_about_shares_is_named_once() {
    for (arguments, start) in [
        (quote!(fair), "say who shares the queue, like `fair(key = \"{tenant_id}\")`"),
        (quote!(fair()), "say who shares the queue, like"),
        (quote!(fair(by = [user_id])), "`fair` has no `by`"),
        (quote!(fair(key = "all")), "this key is the same for every `send`; to"),
        (
            quote!(fair(key = "{user_id}"), order(key = "{user_id}")),
            "a job has one key, and its `order` has one: a sequence runs one job of a key at a time",
        ),
        (
            quote!(fair(key = "{user_id}"), rate(limit = 9, per = "1s", key = "{user_id}")),
            "a job has one key, and its `rate` has one: keys with a limit are visited in rounds",
        ),
    ] {
        assert_said_once(&arguments, start);
    }
}
