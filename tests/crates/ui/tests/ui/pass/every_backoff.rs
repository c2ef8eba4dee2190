use std::time::Duration;

use simple_queue::prelude::*;
use simple_queue::{Backoff, JobOptions, typed::JobPayload};

mod delays {
    use std::time::Duration;

    pub fn doubled(attempt: i32) -> Duration {
        Duration::from_secs(2 * u64::from(attempt.unsigned_abs()))
    }
}

#[job(backoff = "none")]
async fn named() {}

#[job(backoff = exponential())]
async fn all_left_out() {}

#[job(backoff = exponential(base = "1s", factor = 3, max = "1m", jitter = 0.5))]
async fn all_given() {}

#[job(backoff = exponential(max = "5m", factor = 1.5))]
async fn some_given() {}

#[job(backoff = linear("5s"))]
async fn in_steps() {}

#[job(backoff = linear("1m 30s", jitter = 0))]
async fn in_exact_steps() {}

#[job(backoff = fixed("10s"), retries = 3)]
async fn steady() {}

#[job(backoff = delays::doubled)]
async fn computed() {}

#[test]
fn is_accepted() {
    const SECOND: Duration = Duration::from_secs(1);
    for (declared, expected) in [
        (Named::OPTIONS, Backoff::NONE),
        (AllLeftOut::OPTIONS, Backoff::EXPONENTIAL),
        (AllGiven::OPTIONS, Backoff::exponential(SECOND, 3.0, 60 * SECOND).jitter(0.5)),
        (SomeGiven::OPTIONS, Backoff::exponential(2 * SECOND, 1.5, 300 * SECOND)),
        (InSteps::OPTIONS, Backoff::linear(5 * SECOND)),
        (InExactSteps::OPTIONS, Backoff::linear(90 * SECOND).jitter(0.0)),
        (Steady::OPTIONS.max_attempts(1), Backoff::fixed(10 * SECOND)),
    ] {
        let expected = JobOptions::new().backoff(expected);
        let matches = declared == expected || declared == expected.max_attempts(1);
        assert!(matches, "{declared:?}, {expected:?}");
    }
    // Two functions are never equal, so this one is only known by its name.
    assert!(format!("{:?}", Computed::OPTIONS).contains("Custom"));
    assert_eq!(Backoff::custom(delays::doubled).delay(3), 6 * SECOND);
}
