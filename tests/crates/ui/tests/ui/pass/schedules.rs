use std::time::Duration;

use simple_queue::prelude::*;
use simple_queue::typed::{DeclaredSchedule, JobPayload};
use simple_queue::{Misfire, Overlap};

#[job(cron = "0 9 * * mon-fri", tz = "Europe/Berlin", misfire = "coalesce", overlap = "allow")]
async fn daily_report(context: &JobContext) -> Result<(), BoxDynError> {
    let _ = (context.tick().await?, context.tick_interval().await?);
    Ok(())
}

fn copies() -> u8 {
    2
}

#[job(every = "1h 30m", args(region = "eu", copies = copies(), path = "/tmp"), overlap = "queue", unique)]
async fn poll(
    region: String,
    #[job(default)] copies: u8,
    path: std::path::PathBuf,
    #[job(default = 7)] n: i64,
) {
    let _ = (region, copies, path, n);
}

/// A struct that another crate runs.
#[derive(Debug, PartialEq, Job)]
#[job(cron = "*/10 * * * * *", args(user_id = 7), misfire = "skip", overlap = "skip")]
pub struct Remind {
    pub user_id: i64,
    #[job(default)]
    pub language: String,
}

#[job(cron = "@daily", expires = "1h", timeout = "5m")]
async fn tidy() {}

#[test]
fn is_accepted() {
    let mornings = DeclaredSchedule::cron("0 9 * * mon-fri").tz("Europe/Berlin");
    assert_eq!(DailyReport::SCHEDULE, Some(mornings));
    assert!(DailyReport::scheduled().is_some());
    let often = DeclaredSchedule::every(Duration::from_mins(90)).overlap(Overlap::Queue);
    assert_eq!(Poll::SCHEDULE, Some(often));
    let poll = Poll::scheduled().unwrap();
    assert_eq!((poll.region.as_str(), poll.copies, poll.n), ("eu", 2, 7));
    let seconds =
        DeclaredSchedule::cron("*/10 * * * * *").misfire(Misfire::Skip).overlap(Overlap::Skip);
    assert_eq!(Remind::SCHEDULE, Some(seconds));
    assert_eq!(Remind::scheduled(), Some(Remind { user_id: 7, language: String::new() }));
    assert_eq!(Tidy::SCHEDULE, Some(DeclaredSchedule::cron("@daily")));
    let _ = |queue: SimpleQueue| queue.register(jobs![DailyReport, Poll, Tidy], ()).is_ok();
}
