//! The whole life of a job in a few seconds, on a private database.
//!
//! Run with: `cargo run --example quickstart`

use std::time::Duration;

use simple_queue::{embedded::EmbeddedPostgres, prelude::*};
use sqlx::PgPool;

/// State that the jobs below borrow; an application would keep its clients here.
#[derive(JobState)]
struct App {
    mailer: Mailer,
}

struct Mailer {
    from: &'static str,
}

impl Mailer {
    fn send(&self, user_id: i64, text: &str) {
        println!("  → mail from {} to user {user_id}: {text}", self.from);
    }
}

/// Greets a new user. `user_id` and `text` are stored with the job; the mailer is borrowed from the
/// state.
#[job(queue = "emails", unique = "welcome:{user_id}")]
async fn send_welcome(mailer: &Mailer, user_id: i64, text: String) {
    mailer.send(user_id, &text);
}

/// Fails twice, as if the other side were down for a moment, then returns a result, which is kept.
#[job(queue = "sync", retries = 5, backoff = "none")]
async fn sync_contacts(context: &JobContext, user_id: i64) -> Result<u32, BoxDynError> {
    println!("  → contacts of user {user_id}, attempt {}", context.attempt());
    match context.attempt() {
        1 | 2 => Err("the address book did not answer".into()),
        _ => Ok(37),
    }
}

/// Can never succeed, and returns that.
#[job(queue = "billing", retries = 3)]
async fn charge_card(user_id: i64, cents: u32) -> Result<(), JobError> {
    println!("  → charging user {user_id} {cents} cents");
    Err(JobError::fail("the card was reported stolen"))
}

/// 30 s, the longest wait for a job's end.
const PATIENCE: Duration = Duration::from_secs(30);

#[tokio::main]
async fn main() -> Result<(), BoxDynError> {
    // Without a subscriber a failed job is invisible.
    tracing_subscriber::fmt().init();
    println!("Starting a database …");
    let postgres = EmbeddedPostgres::start().await?;
    let queue = SimpleQueue::connect(postgres.url()).await?;
    queue.migrate().await?;
    queue.register(
        jobs![SendWelcome, SyncContacts, ChargeCard],
        App { mailer: Mailer { from: "us" } },
    )?;
    let worker = queue.start().await;

    println!("\nA job, enqueued and run:");
    let welcome = SendWelcome::new(1, "welcome!").enqueue(&queue).await?;
    welcome.wait(&queue, PATIENCE).await?;

    println!("\nA duplicate, refused while the first still waits:");
    let later = SendWelcome::new(2, "hello").delay(Duration::from_secs(2)).enqueue(&queue).await?;
    let again = SendWelcome::new(2, "hello again").enqueue(&queue).await?;
    println!(
        "  → new: {}, and it names the same job: {}",
        again.is_new(),
        again.id() == later.id()
    );

    println!("\nA job that is stored only if the transaction commits:");
    let mut tx = queue.pool().begin().await?;
    SendWelcome::new(3, "never sent").enqueue(&mut tx).await?;
    tx.rollback().await?;
    println!("  → rolled back, so there is none");

    println!("\nA job that fails twice, is retried, and returns something:");
    let sync = SyncContacts::new(4).enqueue(&queue).await?;
    let contacts = sync.wait(&queue, PATIENCE).await?;
    println!("  → {contacts} contacts");

    println!("\nA job that gives up, and is kept with its reason:");
    let charge = ChargeCard::new(5, 999).enqueue(&queue).await?;
    let ended = queue.wait(charge.id(), PATIENCE).await?;
    println!("  → {}: {}", ended.status, ended.reason.unwrap_or_default());

    println!("\nThe delayed one comes when it is due:");
    later.wait(&queue, PATIENCE).await?;

    worker.shutdown(Duration::from_secs(5)).await;
    print_counts(queue.pool()).await?;
    postgres.stop().await?;
    Ok(())
}

async fn print_counts(pool: &PgPool) -> Result<(), sqlx::Error> {
    let counts = "select queue, kind, status, count(*) from simple_queue.all_jobs
                  group by 1, 2, 3 order by 1, 2, 3";
    let counts: Vec<(String, String, String, i64)> = sqlx::query_as(counts).fetch_all(pool).await?;
    println!("\nWhat the tables hold:\n");
    println!("  {:<10} {:<15} {:<18} {:>5}", "queue", "kind", "status", "jobs");
    for (queue, kind, status, jobs) in counts {
        println!("  {queue:<10} {kind:<15} {status:<18} {jobs:>5}");
    }
    Ok(())
}
