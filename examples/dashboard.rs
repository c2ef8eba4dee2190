//! The dashboard of a queue with jobs that move by themselves: six kinds, some of which fail, one with a limit for each
//! customer, one in sequence, one on a schedule.
//!
//! Run with: `cargo run --example dashboard`, and open what it prints.

use std::time::Duration;

use simple_queue::{embedded::EmbeddedPostgres, prelude::*};
use simple_queue_dashboard::Dashboard;
use tokio::{net::TcpListener, time::sleep};

/// Greets a new user. One in ten has no mailbox.
#[job(queue = "emails", retries = 2, backoff = exponential(base = "3s", factor = 2), unique = "{user_id}", tags("mail"))]
async fn send_welcome(user_id: i64, language: String) -> Result<(), BoxDynError> {
    sleep(Duration::from_millis(fastrand::u64(20..200))).await;
    if user_id % 10 == 7 {
        let port = 2500 + user_id % 90;
        return Err(format!("connection to smtp-{language}:{port} refused").into());
    }
    Ok(())
}

/// Charges a card, at most one at a time for each customer.
#[job(queue = "payments", retries = 1, concurrency(limit = 1, key = "{customer}"))]
async fn charge_card(
    customer: String,
    cents: i64,
    #[job(redact)] card: String,
) -> Result<(), JobError> {
    sleep(Duration::from_millis(fastrand::u64(200..900))).await;
    if card.ends_with('0') {
        return Err(JobError::fail(format!("the card of {customer} for {cents} was declined")));
    }
    Ok(())
}

/// Moves a parcel on; the steps of a parcel are in sequence.
#[job(queue = "parcels", order(key = "{parcel}"), retries = 3, backoff = fixed("2s"))]
async fn move_parcel(parcel: u32, step: String) -> Result<String, BoxDynError> {
    sleep(Duration::from_millis(fastrand::u64(100..600))).await;
    if fastrand::u8(0..30) == 0 {
        return Err(format!("no van for parcel {parcel}").into());
    }
    Ok(format!("{step} done"))
}

/// Reads a file, which takes a while.
#[job(queue = "imports", timeout = "5m", tags("slow", "nightly"))]
async fn import_file(context: &JobContext, path: String, rows: Rows) -> Result<u32, BoxDynError> {
    for row in 0..rows.count {
        context.progress(f64::from(row) / f64::from(rows.count));
        context.note(&format!("row {row} of {path}"));
        sleep(Duration::from_millis(250)).await;
    }
    Ok(rows.count)
}

/// How much there is to read.
#[derive(serde::Serialize, serde::Deserialize)]
struct Rows {
    count: u32,
    columns: Vec<String>,
    checksum: u128,
}

/// Makes a picture small.
#[job(queue = "media", priority = 5)]
async fn resize_picture(picture: u64, width: u16) {
    sleep(Duration::from_millis(u64::from(width) / 2 + picture % 50)).await;
}

/// Writes the report of the minute.
#[job(queue = "reports", cron = "* * * * *")]
async fn write_report() {
    sleep(Duration::from_millis(700)).await;
}

/// Enqueues what a small shop does.
async fn shop(queue: &SimpleQueue) -> Result<(), simple_queue::Error> {
    let mut user = 0;
    loop {
        let languages = ["sk", "de", "en"];
        for _ in 0..fastrand::u8(1..4) {
            user += 1;
            let language = languages[fastrand::usize(0..languages.len())].to_owned();
            let mail = SendWelcome::new(user, language);
            let delay = Duration::from_secs(fastrand::u64(0..30));
            if user % 3 == 0 {
                mail.delay(delay).enqueue(queue).await?
            } else {
                mail.enqueue(queue).await?
            };
        }
        let customer = ["acme", "globex", "initech"][fastrand::usize(0..3)].to_owned();
        let card = format!("4111 {:04}", fastrand::u16(0..1000));
        ChargeCard::new(customer, fastrand::i64(100..90_000), card).enqueue(queue).await?;
        let parcel = fastrand::u32(1..8);
        for step in ["pack", "ship", "deliver"] {
            MoveParcel::new(parcel, step.to_owned()).enqueue(queue).await?;
        }
        ResizePicture::new(fastrand::u64(..), [120, 640, 1600][fastrand::usize(0..3)])
            .enqueue(queue)
            .await?;
        if user % 9 < 2 {
            let columns = ["id", "name", "city"].map(str::to_owned).to_vec();
            let rows = Rows { count: fastrand::u32(40..200), columns, checksum: u128::MAX / 7 };
            ImportFile::new(format!("/data/{user}.csv"), rows).enqueue(queue).await?;
        }
        sleep(Duration::from_millis(1500)).await;
    }
}

#[tokio::main]
async fn main() -> Result<(), BoxDynError> {
    let postgres = EmbeddedPostgres::start().await?;
    let queue = SimpleQueue::builder(postgres.url()).queue_permits("imports", 2).connect().await?;
    queue.migrate().await?;
    let jobs = jobs![SendWelcome, ChargeCard, MoveParcel, ImportFile, ResizePicture, WriteReport];
    queue.register(jobs, ())?;

    // On this machine only, by the names of this machine only: so it may be open.
    let dashboard = Dashboard::new(queue.clone())
        .at("/admin/queue")
        .open()
        .hosts(["localhost", "127.0.0.1"])
        .name("example");
    let app = axum::Router::new().nest_service("/admin/queue", dashboard);
    let port = std::env::var("PORT").unwrap_or_else(|_| "3000".to_owned());
    let listener = TcpListener::bind(format!("127.0.0.1:{port}")).await?;
    println!("http://{}/admin/queue", listener.local_addr()?);

    tokio::select! {
        served = async { axum::serve(listener, app).await } => served?,
        enqueued = shop(&queue) => enqueued?,
        worked = queue.run_until(simple_queue::shutdown_signal()) => worked?,
    }
    postgres.stop().await?;
    Ok(())
}
