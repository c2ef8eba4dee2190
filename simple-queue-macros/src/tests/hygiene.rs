//! Every name in an expansion is reached from the root, so that a user's item of the same name
//! cannot change its meaning.

use proc_macro2::{TokenStream, TokenTree};
use quote::quote;

use crate::pipeline;

/// Names that users shadow, deliberately or not. Fine behind `::`, never alone.
const SHADOWED: &[&str] = &[
    "Arc",
    "Box",
    "DateTime",
    "Default",
    "Deserialize",
    "Duration",
    "Err",
    "Formatter",
    "Future",
    "Into",
    "IntoIterator",
    "JobContext",
    "JobPayload",
    "None",
    "Ok",
    "Option",
    "Result",
    "Send",
    "Serialize",
    "Sized",
    "Some",
    "String",
    "Sync",
    "Vec",
    "concat",
    "file",
    "format",
    "i16",
    "line",
    "str",
    "u64",
    "unreachable",
];

/// Crates, whose names are safe only at the root.
const CRATES: &[&str] = &["core", "serde_json", "std"];

/// Words after which a path begins.
const KEYWORDS: &[&str] = &["as", "dyn", "for", "impl", "mut", "use"];

#[test]
fn a_job_leans_on_no_name_of_the_user() {
    let job = quote!(
        async fn deliver(
            state: &Mailer,
            clock: &dyn Clock,
            user: User,
            #[job(default, redact)] text: Text,
            #[job(default = 7, with = "crate::epoch")] time: Time,
        ) {
        }
    );
    let arguments = quote!(
        crate = ::renamed,
        queue = "emails",
        retries = 5,
        backoff = exponential(base = "1s", jitter = 0.1),
        unique(by = [user, time]),
        fingerprint = "{user.id}",
        delay = "5m",
        expires = "1h",
        aliases("send"),
        timeout = "30s",
        priority = 10,
        derive(Debug),
        template = MAILS,
        tags("a"),
        retain = "7d",
        spool = true,
        concurrency = 4,
        rate(limit = 5, per = "1s", burst = 2),
        version = 2,
        upgrade = upgrade,
        strategy = RULES,
        on_exhausted = tell
    );
    assert_rooted(pipeline::job(arguments, job));
}

#[test]
fn neither_do_a_struct_and_its_handler() {
    let job = quote! {
        #[job(crate = ::renamed, unique(key = "{text}", on_conflict = "error"), fingerprint = "{text}")]
        struct Deliver {
            user: User,
            #[job(default)]
            text: Text,
        }
    };
    assert_rooted(pipeline::derive(job));
    let arguments = quote!(crate = ::renamed, strategy = RULES, on_exhausted = tell);
    let handler = quote!(
        async fn deliver(state: &Mailer, job: Deliver, tx: &mut Tx) -> Answer {}
    );
    assert_rooted(pipeline::handler(arguments, handler));
    let job = quote!(
        async fn deliver(job: Deliver) {}
    );
    assert_rooted(pipeline::job(quote!(crate = ::renamed), job));
}

#[test]
fn neither_do_the_stubs_of_what_was_refused() {
    let job = quote!(
        fn deliver(user: User, text: Text) {}
    );
    assert_rooted(pipeline::job(quote!(crate = ::renamed), job));
    let job = quote! {
        #[job(crate = ::renamed)]
        enum Deliver {}
    };
    assert_rooted(pipeline::derive(job));
    let handler = quote!(
        async fn deliver() {}
    );
    assert_rooted(pipeline::handler(quote!(crate = ::renamed), handler));
}

fn assert_rooted(expansion: TokenStream) {
    let mut words = Vec::new();
    flatten(expansion, &mut words);
    for (at, word) in words.iter().enumerate() {
        let before = |distance: usize| at.checked_sub(distance).map_or("", |at| &*words[at]);
        let context = || words[at.saturating_sub(8)..=at].join(" ");
        let follows_colons = before(1) == ":" && before(2) == ":";
        assert_ne!(word, "simple_queue", "the crate was renamed: {}", context());
        if SHADOWED.contains(&word.as_str()) {
            assert!(follows_colons, "`{word}` without a path: {}", context());
        }
        if CRATES.contains(&word.as_str()) || word == "renamed" {
            let goes_on = before(3).starts_with(char::is_alphanumeric);
            let starts = !goes_on || KEYWORDS.contains(&before(3));
            assert!(follows_colons && starts, "`{word}` not at the root: {}", context());
        }
    }
}

/// All tokens in a row, also those within groups; a lifetime is one word.
fn flatten(tokens: TokenStream, words: &mut Vec<String>) {
    for token in tokens {
        match token {
            TokenTree::Group(group) => {
                words.push("(".to_owned());
                flatten(group.stream(), words);
                words.push(")".to_owned());
            }
            TokenTree::Ident(name) if words.last().is_some_and(|last| last == "'") => {
                words.pop();
                words.push(format!("'{name}"));
            }
            other => words.push(other.to_string()),
        }
    }
}
