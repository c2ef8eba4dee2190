//! Compares expansions with the files in `tests/expansions`. After an intended change run
//! `UPDATE_EXPANSIONS=1 cargo test -p simple-queue-macros`, and read the difference.

use std::path::Path;

use proc_macro2::TokenStream;
use quote::quote;
use syn::Item;

use super::{expanded, file};

#[test]
fn a_whole_job() {
    let job = expanded(
        quote!(
            queue = "emails",
            retries = 5,
            backoff = "exponential",
            unique = "welcome:{user_id}"
        ),
        quote! {
            /// Greets a new user.
            async fn send_welcome(
                context: &JobContext,
                mailer: &Mailer,
                clock: &dyn Clock,
                /// Whom to greet.
                user_id: i64,
                template: String,
            ) -> Result<(), MailError> {
                mailer.send(user_id, &template).await
            }
        },
    );
    compare("whole_job", &job);
}

#[test]
fn a_job_that_stores_nothing() {
    let job = expanded(
        quote!(),
        quote!(
            pub(crate) async fn tidy() {}
        ),
    );
    compare("job_that_stores_nothing", &job);
}

#[test]
fn a_job_whose_arguments_say_how_they_are_stored() {
    let mut job = expanded(
        quote!(payload = Mail, derive(Debug, Clone)),
        quote!(
            async fn send(
                #[job(default, alias = "locale", alias = "lang")] language: String,
                #[job(default = 3)] copies: u8,
                #[job(rename = "sentAt", with = "epoch")] sent_at: Time,
                #[job(with = epoch, default = Time::zero(), redact)] read_at: Time,
            ) {
            }
        ),
    );
    let is_stored = |item: &Item| match item {
        Item::Struct(_) => true,
        Item::Impl(item) => quote!(#item).to_string().contains("Debug"),
        Item::Const(item) => quote!(#item).to_string().contains("Stored"),
        _ => false,
    };
    job.items.retain(is_stored);
    compare("job_with_stored_arguments", &job);
}

#[test]
fn a_job_with_a_refused_argument_is_otherwise_whole() {
    let mut job = expanded(
        quote!(retry = 5),
        quote!(
            async fn tidy() {}
        ),
    );
    let whole = expanded(
        quote!(),
        quote!(
            async fn tidy() {}
        ),
    );
    job.items.retain(|item| !matches!(item, Item::Macro(_)));
    assert_eq!(prettyplease::unparse(&job), prettyplease::unparse(&whole));
}

#[test]
fn a_job_with_a_refused_signature() {
    let job = quote!(
        fn send(
            name: &str,
            (width, height): (u32, u32),
            anything: impl Trait,
            #[job(alias)] id: i64,
        ) {
        }
    );
    compare("job_with_a_refused_signature", &expanded(quote!(), job));
}

#[test]
fn a_job_that_takes_its_transaction() {
    let job = quote!(
        async fn book(tx: &mut JobTx, ledger: &Ledger, amount: i64) -> Result<(), Error> {}
    );
    let mut job = expanded(quote!(), job);
    job.items.retain(|item| quote!(#item).to_string().contains("TypedHandler"));
    compare("job_that_takes_its_transaction", &job);
}

#[test]
fn a_job_whose_arguments_depend_on_the_build() {
    let job = quote! {
        /// Greets a new user.
        async fn send(
            #[cfg(feature = "sms")] phone: &Phone,
            #[job(default)]
            #[cfg(feature = "sms")]
            number: String,
            user_id: i64,
        ) {
            this is not even Rust
        }
    };
    let expansion = crate::pipeline::job(quote!(unique, crate = facade::queue), job);
    let expected = quote! {
        #[cfg(not(feature = "sms"))]
        #[facade::queue::job(unique, crate = facade::queue)]
        /// Greets a new user.
        async fn send(user_id: i64) { this is not even Rust }
        #[cfg(feature = "sms")]
        #[facade::queue::job(unique, crate = facade::queue)]
        /// Greets a new user.
        async fn send(phone: &Phone, #[job(default)] number: String, user_id: i64) {
            this is not even Rust
        }
    };
    assert_eq!(expansion.to_string(), expected.to_string());
}

#[test]
fn a_struct_that_is_a_job() {
    let job = crate::pipeline::derive(quote! {
        /// Greets a new user.
        #[derive(Debug)]
        #[job(queue = "emails", unique = "{user_id}", output = Receipt)]
        pub struct SendEmail {
            pub user_id: i64,
            #[job(default)]
            pub locale: String,
        }
    });
    compare("derived_job", &file(job));
}

#[test]
fn a_handler() {
    let handler = crate::pipeline::handler(
        quote!(strategy = RULES, on_exhausted = apologize),
        quote! {
            /// Greets a new user.
            pub async fn send_email(
                context: &JobContext,
                mailer: &Mailer,
                job: interface::SendEmail,
            ) -> Result<Receipt, MailError> {
            }
        },
    );
    compare("handler", &file(handler));
}

#[test]
fn a_handler_with_a_refused_signature() {
    let refused = |handler: TokenStream| {
        let mut handler = file(crate::pipeline::handler(quote!(), handler));
        handler.items.retain(|item| !matches!(item, Item::Fn(_)));
        handler
    };
    let synchronous = quote!(
        fn send(job: SendEmail) {}
    );
    compare("handler_with_a_refused_signature", &refused(synchronous));
    let without = quote!(
        async fn send() {}
    );
    compare("handler_without_a_payload", &refused(without));
}

#[test]
fn a_job_whose_payload_declares_itself() {
    let job = quote!(
        async fn send_email(job: crate::SendEmail) -> Answer {}
    );
    compare("job_of_a_declared_payload", &expanded(quote!(), job));
}

#[test]
fn a_module_whose_jobs_have_something_in_common() {
    let module = crate::pipeline::job_defaults(
        quote!(queue = "emails", retries = 5, strategy = RULES, backoff = linear("5s")),
        quote! {
            /// Mails.
            pub(crate) mod mails {
                use simple_queue::prelude::*;

                #[job]
                async fn plain(#[job(default)] text: String) {}

                #[simple_queue::job(retries = 0)]
                async fn own() {}

                #[derive(Debug, Job)]
                struct Bare;

                #[derive(simple_queue::Job)]
                #[job(name = "told")]
                #[job(retries = 1)]
                struct Told;

                #[handler]
                async fn tell(job: Told) {}

                #[cfg(test)]
                mod deeper {
                    #[job()]
                    async fn deep() {}

                    #[job_defaults(retries = 1)]
                    mod deepest {
                        #[job]
                        async fn deepest() {}
                    }
                }

                mod elsewhere;

                #[derive(Debug)]
                struct Other;

                const OTHER: fn() = || ();
            }
        },
    );
    compare("module_with_defaults", &file(module));
}

/// Compares an expansion with the file of this name.
pub(super) fn compare(name: &str, found: &syn::File) {
    let found = prettyplease::unparse(found);
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/expansions");
    let path = folder.join(name).with_extension("rs");
    if std::env::var_os("UPDATE_EXPANSIONS").is_some() {
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(&path, &found).unwrap();
    }
    let expected = std::fs::read_to_string(&path).unwrap_or_default();
    assert!(found == expected, "{} is no longer what is generated:\n{found}", path.display());
}

#[test]
fn the_function_stays_as_it_was_written() {
    let function = quote! {
        /// Sends.
        #[tracing::instrument]
        pub(crate) async fn send(mut name: String, user_id: i64) -> Result<(), Error> {
            this is not even Rust
        }
    };
    let expansion = crate::pipeline::job(TokenStream::new(), function.clone()).to_string();
    let kept = quote!(#[allow(clippy::unused_async)] #function);
    assert!(expansion.starts_with(&kept.to_string()), "{expansion}");
}

#[test]
fn what_only_we_understand_is_taken_from_the_function() {
    let function = quote! {
        #[job]
        async fn send(/** Whom. */ #[job(default)] #[serde(default)] #[allow(unused)] user_id: i64) {}
    };
    let expansion = crate::pipeline::job(TokenStream::new(), function).to_string();
    let kept = quote!(
        #[allow(clippy::unused_async)]
        async fn send(#[allow(unused)] user_id: i64) {}
    );
    assert!(expansion.starts_with(&kept.to_string()), "{expansion}");
}
