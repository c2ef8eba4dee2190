//! The messages for mistakes in keys, and in the rules of a key.

use quote::quote;

use super::messages;
use super::messages::{assert_said_once, said_to};

#[test]
fn a_key_may_have_rules_of_its_own() {
    for arguments in [
        quote!(unique(for = "3650d")),
        quote!(unique(by = [user_id], for = "1ms", while = "running")),
        quote!(unique(key = "{user_id}", while = "pending", on_conflict = "error", for = "24h")),
    ] {
        assert_eq!(said_to(arguments.clone()), [""; 0], "{arguments}");
    }
}

#[test]
fn each_mistake_in_a_key_is_named_once() {
    for (arguments, start) in [
        (quote!(unique = "{user_id"), "unmatched `{` in the key"),
        (quote!(unique = "{user_id.}"), "`` in `{user_id.}` is not the name of a field"),
        (quote!(unique = "{{user_id}}"), "this key is the same for every `send`; if only one"),
        (quote!(unique(by = user_id)), "list the names of arguments, like `by = [user_id]`"),
        (quote!(unique(by = [userid])), "no argument named `userid`, did you mean `user_id`?"),
        (quote!(unique(by = [], by = [])), "argument `by` given twice"),
        (quote!(unique()), "name the arguments, like"),
        (quote!(unique(key = "{user_id}", by = [])), "use `by` or `key`, not both"),
        (quote!(unique(key = "all")), "this key is the same for every `send`"),
        (quote!(unique(on_conflict = replace)), "write it in quotes, `on_conflict = \"replace\"`"),
        (quote!(unique(on_conflict = "reject")), "unknown answer to a conflict \"reject\""),
        (quote!(unique(while = pending)), "write it in quotes, `while = \"pending\"`"),
        (
            quote!(unique(while = "waiting")),
            "unknown state of a job \"waiting\" (pending, running)",
        ),
        (quote!(unique(while = "runing")), "unknown state of a job \"runing\", did you mean"),
        (quote!(unique(while = 1)), "`while` is one of \"pending\", \"running\", not `1`"),
        (quote!(unique(while)), "`while` needs a value, like `while = \"pending\"`"),
        (quote!(unique(for = 24)), "expected a string, like `for = \"24h\"`"),
        (quote!(unique(for = "24")), "\"24\" has no unit"),
        (
            quote!(unique(for = "0s")),
            "a key that is kept for no time is free when its job has ended",
        ),
        (quote!(unique(for = "3651d")), "\"3651d\" is too long for a key: the limit is \"3650d\""),
        (quote!(unique(for("24h"))), "`for` takes one value, like `for = \"24h\"`"),
        (quote!(unique(for = "1h", for = "2h")), "argument `for` given twice"),
        (quote!(for = "1h"), "`for` needs `unique`, like `unique(for = \"24h\")`"),
        (quote!(while = "pending"), "`while` needs `unique`, like `unique(while = \"pending\")`"),
        (
            quote!(unique(on_conflict = "replase")),
            "unknown answer to a conflict \"replase\", did you",
        ),
        (quote!(unique(on_conflict = 5)), "`on_conflict` is one of \"ignore\", \"replace\""),
        (quote!(unique(on_conflict)), "`on_conflict` needs a value"),
        (quote!(on_conflict = "replace"), "`on_conflict` needs `unique`, like"),
    ] {
        assert_said_once(&arguments, start);
    }
}

#[test]
fn a_refused_argument_is_not_missed_in_the_key() {
    for arguments in [
        quote!(unique = "{name}"),
        quote!(unique = "welcome:{name}"),
        quote!(unique(by = [name])),
        quote!(fingerprint = "name:{name}"),
    ] {
        let said = messages(
            arguments,
            quote!(
                async fn send(name: &str) {}
            ),
        );
        assert_eq!(said.len(), 1, "{said:?}");
    }
}
