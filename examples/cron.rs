//! Schedules: jobs that are enqueued by themselves, on a private database.
//!
//! Run with: `cargo run --example cron`

use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};
use simple_queue::{Overlap, Schedule, embedded::EmbeddedPostgres, prelude::*};

/// Runs on weekdays at nine in the morning of Berlin. If no worker ran then, it runs later, once, for all of the time
/// since the report before.
#[job(queue = "reports", cron = "0 9 * * mon-fri", tz = "Europe/Berlin")]
async fn daily_report(context: &JobContext) -> Result<(), BoxDynError> {
    if let Some((from, to)) = context.tick_interval().await? {
        println!("  → report from {from} to {to}");
    }
    Ok(())
}

/// Runs every second, and never twice at once. The region is stored with each of its jobs.
#[job(every = "1s", args(region = "eu"), overlap = "skip")]
async fn poll(context: &JobContext, region: String) -> Result<(), BoxDynError> {
    println!("  → poll of {region} for {:?}", context.tick().await?);
    Ok(())
}

/// A job that the code has no schedule for: each customer gets one of their own, below.
#[job(queue = "reports")]
async fn remind(customer: i64) {
    println!("  → customer {customer} is reminded");
}

#[tokio::main]
async fn main() -> Result<(), BoxDynError> {
    tracing_subscriber::fmt().init();
    println!("Starting a database …");
    let postgres = EmbeddedPostgres::start().await?;
    let queue = SimpleQueue::connect(postgres.url()).await?;
    queue.migrate().await?;
    queue.register(jobs![DailyReport, Poll, Remind], ())?;

    // In a transaction of yours, so that a customer and their reminder exist together.
    let mut tx = queue.pool().begin().await?;
    let often = Schedule::cron("*/2 * * * * *")?.overlap(Overlap::Queue);
    queue.schedules().put_in(&mut tx, "reminder of 7", Remind::new(7), often).await?;
    tx.commit().await?;

    let worker = queue.start().await;
    tokio::time::sleep(Duration::from_secs(4)).await;

    println!("\nThe schedules, each with its next five ticks:");
    for schedule in queue.schedules().list().await? {
        println!("{schedule}");
    }

    let now: DateTime<Utc> = sqlx::query_scalar("select now()").fetch_one(queue.pool()).await?;
    println!("\nThe report now, and those of the last two weeks:");
    let schedules = queue.schedules();
    schedules.pause("poll").await?;
    schedules.remove("reminder of 7").await?;
    let report = schedules.run_now("daily_report").await?;
    let weeks = now - TimeDelta::days(14)..now;
    let done = schedules.backfill("daily_report", weeks).await?;
    queue.wait(report, Duration::from_secs(30)).await?;
    tokio::time::sleep(Duration::from_secs(1)).await;
    println!("\n{} reports were backfilled.", done.enqueued);

    worker.shutdown(Duration::from_secs(5)).await;
    Ok(())
}
