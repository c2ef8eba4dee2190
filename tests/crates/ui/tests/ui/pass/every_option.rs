//! What a declaration can say of options, templates, versions and what runs its jobs.
use std::time::Duration;

use serde_json::{Value, json};
use simple_queue::prelude::*;
use simple_queue::sync::{JobStrategy, Permit, PermitFuture};
use simple_queue::{
    JobOptions, OnConflict,
    typed::{JobPayload, StoredArgument, TypedHandler},
};

mod mails {
    use simple_queue::prelude::*;

    pub const MAILS: JobTemplate = JobTemplate::new(
        JobOptions::new().retries(5).backoff(Backoff::FIXED).tags(&["mail"]).priority(7),
    )
    .queue("emails");

    pub const PLAIN: JobTemplate = JobTemplate::new(JobOptions::new().retries(0));
}

/// Lets every job start.
struct Always(#[expect(dead_code)] u8);

impl JobStrategy for Always {
    fn acquire(&self, _job: &Job) -> PermitFuture<'_> {
        Box::pin(std::future::ready(Ok(Permit::new(()))))
    }
}

static ALWAYS: Always = Always(7);

#[job(
    template = mails::MAILS, retries = 2, tags("welcome", "new"), concurrency = 4, retain = "7d",
    unique(key = "user:{user}", on_conflict = "replace"), version = 3, upgrade = upgrade,
    strategy = ALWAYS, on_exhausted = apologize
)]
async fn send(
    #[job(rename = "userId", alias = "user_id", alias = "id")] user: i64,
    #[job(default)] copies: Option<std::vec::Vec<u8>>,
    text: String,
) {
    let _ = (user, copies, text);
}

fn upgrade(version: i32, mut stored: Value) -> Result<Value, String> {
    stored["text"] = json!(format!("of version {version}"));
    if version > 0 { Ok(stored) } else { Err("there was none".to_owned()) }
}

async fn apologize(job: Send, context: &JobContext, error: &str) -> Result<(), std::fmt::Error> {
    let _ = (job.user, context.attempt(), error);
    Ok(())
}

#[job(template = mails::PLAIN, backoff = "none", spool = false, version = 2, upgrade = none, on_exhausted = shrug)]
async fn tidy() {}

async fn shrug(_: Tidy, _: &JobContext, _: &str) {}

#[job(template = mails::MAILS, queue = "others", unique(on_conflict = "error"))]
async fn count() {}

#[job(unique(by = [], on_conflict = "reschedule", for = "1h", while = "pending"), retain = "0s")]
async fn sweep() {}

#[test]
fn is_accepted() {
    const OPTIONS: JobOptions = JobOptions::new()
        .retries(2)
        .backoff(Backoff::FIXED)
        .tags(&["welcome", "new"])
        .priority(7)
        .concurrency(4)
        .retain(Duration::from_secs(7 * 86_400))
        .on_conflict(OnConflict::Replace);
    assert_eq!(Send::QUEUE, "emails");
    assert_eq!(Send::OPTIONS, OPTIONS);
    assert_eq!(Send::VERSION, 3);
    let argument = |name, ty, has_default, aliases| {
        let argument = StoredArgument::new(name, ty).with_aliases(aliases);
        if has_default { argument.with_default() } else { argument }
    };
    let arguments = [
        argument("userId", "i64", false, &["user_id", "id"]),
        argument("copies", "Option<std::vec::Vec<u8>>", true, &[]),
        argument("text", "String", false, &[]),
    ];
    assert_eq!(Send::ARGUMENTS, arguments);
    let upgraded = Send::upgrade(1, json!({ "userId": 7 })).unwrap();
    assert_eq!(serde_json::from_value::<Send>(upgraded).unwrap().text, "of version 1");
    assert_eq!(Send::upgrade(0, json!({})).unwrap_err().to_string(), "there was none");
    assert!(<Send as TypedHandler<()>>::STRATEGY.is_some());

    assert_eq!(Tidy::QUEUE, "default");
    assert_eq!(Tidy::OPTIONS, JobOptions::new().retries(0).backoff(Backoff::NONE).spool(false));
    assert_eq!(Tidy::VERSION, 2);
    assert_eq!(Tidy::upgrade(1, json!(7)).unwrap(), json!(7));
    assert!(Tidy::ARGUMENTS.is_empty());
    assert!(<Tidy as TypedHandler<()>>::STRATEGY.is_none());

    assert_eq!(Count::QUEUE, "others");
    let mails = mails::MAILS.options();
    assert_eq!(Count::OPTIONS, mails.on_conflict(OnConflict::Error));
    assert!(JobPayload::unique_key(&Count).is_some());
    let reschedule = JobOptions::new()
        .retain(Duration::ZERO)
        .on_conflict(OnConflict::Reschedule)
        .unique_for(Duration::from_secs(3600))
        .unique_while(simple_queue::UniqueWhile::Pending);
    assert_eq!(Sweep::OPTIONS, reschedule);
    assert_eq!(Sweep::VERSION, 1);
    let _ = |queue: SimpleQueue| queue.register(jobs![Send, Tidy, Count, Sweep], ()).is_ok();
}
