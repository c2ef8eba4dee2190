//! What a module says of its jobs, and what they say themselves.
use std::time::Duration;

use simple_queue::prelude::*;
use simple_queue::sync::{JobStrategy, Permit, PermitFuture};
use simple_queue::{
    JobOptions,
    typed::{JobPayload, TypedHandler},
};

const MAILS: JobTemplate = JobTemplate::new(JobOptions::new().priority(7)).queue("template");
const OTHERS: JobTemplate = JobTemplate::new(JobOptions::new().priority(9)).queue("others");

struct Always(#[expect(dead_code)] u8);

impl JobStrategy for Always {
    fn acquire(&self, _job: &Job) -> PermitFuture<'_> {
        Box::pin(std::future::ready(Ok(Permit::new(()))))
    }
}

static ALWAYS: Always = Always(7);

async fn tell<J>(_: J, _: &JobContext, _: &str) {}

/// Mails.
#[job_defaults(
    template = crate::pass::job_defaults::MAILS, retries = 5, backoff = fixed("10s"), timeout = "30s",
    strategy = crate::pass::job_defaults::ALWAYS, on_exhausted = crate::pass::job_defaults::tell::<_>, crate = ::simple_queue,
)]
pub(crate) mod mails {
    #![allow(unused_variables)]
    #![allow(clippy::used_underscore_binding, reason = "an attribute of the module's own")]

    use simple_queue::prelude::*;

    const LIMIT: fn(usize) -> usize = |more| more + 1;

    #[job]
    pub async fn plain() {}

    #[job()]
    #[allow(clippy::no_effect)]
    pub async fn with_parentheses() {}

    /// Says otherwise.
    #[simple_queue::job(max_attempts = 3, timeout = "1h", queue = "own", tags("a"))]
    pub async fn own(
        #[job(default)] text: String,
        #[cfg(any())] never: Never,
        #[cfg(all())] limit: [u8; 3],
    ) -> Result<[u8; 2], BoxDynError> {
        Err(format!("{text} {}", LIMIT(limit.len())).into())
    }

    #[job(retries = 0)]
    pub async fn once() {}

    #[job(template = crate::pass::job_defaults::OTHERS)]
    pub async fn other_template() {}

    pub mod deeper {
        use simple_queue::prelude::*;

        #[job(backoff = "none")]
        pub async fn deep() {}

        #[job_defaults(timeout = "1m", queue = "deepest")]
        pub mod deepest {
            use simple_queue::prelude::*;

            #[job]
            pub async fn deepest() {}
        }
    }

    #[derive(Job)]
    pub struct Bare;

    #[derive(Debug, Job)]
    #[job(name = "told")]
    #[job(retries = 1)]
    pub struct Told {
        #[job(default)]
        pub user_id: i64,
    }

    #[handler]
    pub async fn bare(job: Bare) {}

    #[job]
    pub async fn told(job: Told) {}
}

#[test]
fn is_accepted() {
    use mails::deeper::{Deep, deepest::Deepest};
    use mails::{Bare, BareHandler, Once, OtherTemplate, Own, Plain, Told, WithParentheses};

    let template = JobOptions::new().priority(7);
    let fixed = Backoff::fixed(Duration::from_secs(10));
    let timeout = Duration::from_secs(30);
    let common = template.retries(5).backoff(fixed).timeout(timeout);
    for (queue, options) in [
        (Plain::QUEUE, Plain::OPTIONS),
        (WithParentheses::QUEUE, WithParentheses::OPTIONS),
        (Bare::QUEUE, Bare::OPTIONS),
    ] {
        assert_eq!((queue, options), ("template", common));
    }
    let own = common.retries(2).timeout(Duration::from_secs(3_600)).tags(&["a"]);
    assert_eq!((Own::QUEUE, Own::OPTIONS), ("own", own));
    assert_eq!(Once::OPTIONS, template.retries(0).timeout(timeout));
    let other = JobOptions::new().priority(9).retries(5).backoff(fixed).timeout(timeout);
    assert_eq!((OtherTemplate::QUEUE, OtherTemplate::OPTIONS), ("others", other));
    assert_eq!((Told::KIND, Told::OPTIONS), ("told", common.retries(1)));
    assert_eq!((Deep::QUEUE, Deep::OPTIONS), ("template", common.backoff(Backoff::NONE)));
    let deepest = common.timeout(Duration::from_secs(60));
    assert_eq!((Deepest::QUEUE, Deepest::OPTIONS), ("deepest", deepest));

    assert!(<Plain as TypedHandler<()>>::STRATEGY.is_some());
    assert!(<BareHandler as TypedHandler<()>>::STRATEGY.is_some());
    assert!(<Told as TypedHandler<()>>::STRATEGY.is_some());
    let jobs =
        jobs![Plain, WithParentheses, Own, Once, OtherTemplate, BareHandler, Told, Deep, Deepest];
    let _ = |queue: SimpleQueue| queue.register(jobs, ()).is_ok();
}
