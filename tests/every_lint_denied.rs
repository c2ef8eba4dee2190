//! Generated code is clean under every lint that a user may turn on. An ordinary test, so that clippy
//! reads it too.
#![deny(warnings, missing_docs, unsafe_code, unreachable_pub, unused_qualifications)]
#![deny(missing_debug_implementations, unused_results, let_underscore_drop)]
#![deny(single_use_lifetimes, unused_lifetimes, missing_copy_implementations)]
#![deny(unnameable_types, variant_size_differences, redundant_lifetimes)]
#![deny(elided_lifetimes_in_paths, trivial_casts, explicit_outlives_requirements)]
#![deny(clippy::all, clippy::pedantic, clippy::nursery)]

use simple_queue::prelude::*;
use simple_queue::sync::{JobStrategy, Permit, PermitFuture};

/// What sends mails.
#[derive(Debug, Clone, Copy)]
pub struct Mailer {
    sent: u32,
}

/// Greets a new user.
///
/// # Errors
///
/// When it fails.
#[job(
    queue = "emails",
    retries = 5,
    backoff = "exponential",
    unique = "a:{user_id}",
    timeout = "30s"
)]
pub async fn send(mailer: &Mailer, user_id: i64, template: String) -> Result<(), std::fmt::Error> {
    std::future::ready(()).await;
    println!("{} {user_id} {template}", mailer.sent);
    Ok(())
}

/// With an argument that it has no use for yet.
#[job(unique = "{_user_id}")]
pub async fn wait(_user_id: i64) {
    std::future::ready(()).await;
}

/// Without arguments, and without anything to wait for.
#[job(unique)]
pub async fn tidy() {}

#[job]
#[expect(clippy::too_many_arguments, reason = "to see whether `new` is silent")]
async fn long(aa: u8, bb: u8, cc: u8, dd: u8, ee: u8, ff: u8, gg: u8, hh: bool) {
    let _all = std::future::ready((aa, bb, cc, dd, ee, ff, gg, hh)).await;
}

/// With all that can be said of stored arguments.
#[job(
    payload = ReportMail,
    derive(Debug, Clone, PartialEq, Eq, Default),
    backoff = exponential(base = "1s", factor = 1.5, jitter = 0.1),
    unique(by = [day, sent_at], for = "1h", while = "pending"),
    fingerprint = "day:{day}",
    aliases("mail"),
    delay = "5m"
)]
pub async fn report(
    #[job(rename = "Day", alias = "date")] day: u32,
    #[job(default)] title: String,
    #[job(default = Some(String::from("none")), redact)] _password: Option<String>,
    #[job(with = "as_text", default = 7)] sent_at: u64,
) {
    let _all = std::future::ready((day, title, sent_at)).await;
}

/// Without anything to hide, and slower each time.
#[job(derive(Debug, Clone, Copy), backoff = minutes, unique(by = []))]
pub async fn count(#[job(default)] from: u32) {
    let _from = std::future::ready(from).await;
}

const fn minutes(attempt: i32) -> std::time::Duration {
    std::time::Duration::from_secs(if attempt > 1 { 600 } else { 60 })
}

/// What mails have in common.
pub const MAILS: JobTemplate = JobTemplate::new(JobOptions::new().retries(3)).queue("emails");

/// Lets every job start.
#[derive(Debug, Clone, Copy)]
pub struct Always;

impl JobStrategy for Always {
    fn acquire(&self, _job: &Job) -> PermitFuture<'_> {
        Box::pin(std::future::ready(Ok(Permit::new(()))))
    }
}

static ALWAYS: Always = Always;

/// With all that can be said of options.
#[job(
    template = MAILS,
    tags("letter"),
    concurrency = 2,
    retain = "7d",
    unique(key = "{sender.name}:{_copy}:{to}", on_conflict = "replace"),
    fingerprint = "{to}",
    version = 2,
    upgrade = with_sender,
    strategy = ALWAYS,
    on_exhausted = return_to_sender
)]
pub async fn letter(to: String, sender: Sender, _copy: bool, text: Vec<u8>) {
    let _all = std::future::ready((to, sender, text)).await;
}

/// Who writes.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct Sender {
    /// What he is called.
    pub name: String,
}

fn with_sender(_version: i32, stored: serde_json::Value) -> Result<serde_json::Value, BoxDynError> {
    if stored.is_object() { Ok(stored) } else { Err("it is no object".into()) }
}

async fn return_to_sender(letter: Letter, context: &JobContext, error: &str) {
    let _all = std::future::ready((letter.to, context.attempt(), error)).await;
}

/// A parcel, declared here and run below.
#[derive(Debug, Clone, Job)]
#[job(unique(by = [weight]), fingerprint = "{to}", output = String)]
pub struct Parcel {
    /// Where it goes.
    pub to: String,
    /// What it weighs.
    #[job(default, with = "as_text")]
    pub weight: u64,
    /// Only where there are stamps.
    #[cfg(any())]
    pub stamp: Stamp,
}

/// Sends a parcel.
///
/// # Errors
///
/// Never.
#[handler(strategy = ALWAYS, on_exhausted = keep)]
pub async fn deliver(
    mailer: &Mailer,
    #[cfg(any())] stamps: &Stamps,
    #[cfg(not(any()))] _context: &JobContext,
    job: Parcel,
) -> Result<String, BoxDynError> {
    let _sent = std::future::ready(mailer.sent).await;
    Ok(job.to)
}

async fn keep(parcel: Parcel, _context: &JobContext, error: &str) -> Result<(), BoxDynError> {
    let _all = std::future::ready((parcel.to, error)).await;
    Ok(())
}

/// Nothing in it.
#[derive(Debug, Clone, Copy, Job)]
pub struct Sweep;

/// Runs the payload of this crate as it is.
#[job]
pub async fn sweep(job: Sweep) {
    let _job = std::future::ready(job).await;
}

/// Numbers as text.
pub mod as_text {
    use serde::{Deserialize, Deserializer, Serializer, de::Error};

    /// Writes a number.
    ///
    /// # Errors
    ///
    /// Those of the serializer.
    pub fn serialize<S: Serializer>(number: &u64, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(number)
    }

    /// Reads a number.
    ///
    /// # Errors
    ///
    /// When it is none.
    pub fn deserialize<'de, D: Deserializer<'de>>(from: D) -> Result<u64, D::Error> {
        String::deserialize(from)?.parse().map_err(D::Error::custom)
    }
}

/// Jobs of a module.
pub mod images {
    /// Changes the width.
    #[simple_queue::job(queue = super::QUEUE)]
    pub async fn resize(width: u32) {
        let _width = std::future::ready(width).await;
    }
}

/// A queue.
pub const QUEUE: &str = "images";

/// Jobs that the user's own macros write, of their own words and of those they are given: lints that pass over what
/// an attribute writes may look at it there.
pub mod made {
    use super::{ALWAYS, Mailer, as_text, minutes};
    use simple_queue::prelude::*;

    macro_rules! make {
        ($(#[$meta:meta])* $name:ident, $payload:ident, $arg:ident: $ty:ty, $queue:literal, $key:literal) => {
            $(#[$meta])*
            #[job(
                payload = $payload,
                derive(Debug, Clone),
                queue = $queue,
                unique = $key,
                fingerprint = $key,
                retries = 5,
                backoff = minutes,
                strategy = ALWAYS,
                concurrency = 3
            )]
            pub async fn $name(
                mailer: &Mailer,
                $arg: $ty,
                #[job(default = 7, with = "as_text")] sent_at: u64,
                #[job(default, redact)] _password: Option<String>,
            ) {
                let _all = std::future::ready((mailer, $arg, sent_at)).await;
            }
        };
        ($payload:ident, $handler:ident, $field:ident, $key:literal) => {
            /// Declared by a macro.
            #[derive(Job)]
            #[job(unique(by = [$field]), fingerprint = $key)]
            pub struct $payload {
                /// A number.
                pub $field: u64,
                /// What nobody reads.
                #[job(redact)]
                pub secret: String,
            }

            /// Run by a macro.
            #[handler]
            pub async fn $handler(job: $payload) {
                let _job = std::future::ready(job.$field).await;
            }
        };
        ($(#[$meta:meta])* $name:ident) => {
            $(#[$meta])*
            #[job(unique)]
            pub async fn $name() {}

            #[job]
            async fn by_its_own_name(number: u8, flag: bool) {
                let _all = std::future::ready((number, flag)).await;
            }

            /// With what they have in common.
            #[job_defaults(queue = "images", retries = 5)]
            pub mod with_defaults {
                use simple_queue::prelude::*;

                /// Changes the width.
                #[job(unique, name = "other")]
                pub async fn $name(width: u32) {
                    let _width = std::future::ready(width).await;
                }
            }

            #[derive(Debug, Clone, Copy, JobState)]
            pub(super) struct Desk {
                pub(super) mailer: Mailer,
            }
        };
    }

    make!(
        /// Posts a card.
        post, PostMail, text: String, "emails", "{text}:{sent_at}"
    );
    make!(Weigh, weigh, weight, "{weight}");
    make!(
        /// Sweeps.
        scrub
    );

    #[test]
    fn generated_code_is_clean_in_macros() {
        let register = |queue: SimpleQueue, desk: Desk| {
            let jobs = jobs![PostMail, WeighHandler, Scrub, ByItsOwnName, with_defaults::Scrub];
            queue.register(jobs, desk).is_ok()
        };
        drop(Box::new(register));
        drop(PostMail::new("a", 7, None).priority(3));
        drop(ByItsOwnName::new(7, true));
        drop(with_defaults::Scrub::new(7));
        let weigh = Weigh { weight: 7, secret: String::new() };
        assert_eq!(format!("{weigh:?}"), r#"Weigh { weight: 7, secret: "…" }"#);
    }
}

#[derive(Debug, JobState)]
struct App {
    mailer: Mailer,
}

#[test]
fn generated_code_is_clean() {
    let register = |queue: SimpleQueue, app: App| {
        queue
            .register(
                jobs![
                    Send,
                    Wait,
                    Tidy,
                    Long,
                    ReportMail,
                    Count,
                    Letter,
                    DeliverHandler,
                    Sweep,
                    images::Resize
                ],
                app,
            )
            .is_ok()
    };
    drop(Box::new(register));
    drop(Send::new(7, "a"));
    assert_eq!(ReportMail::default(), ReportMail::new(0, "", None, 0));
    assert_eq!(Count { from: 7 }.from, 7);
    drop(Long::new(1, 2, 3, 4, 5, 6, 7, false).priority(3));
    assert_eq!(images::Resize { width: 3 }.width, 3);
}
