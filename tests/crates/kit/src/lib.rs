//! A program that sends mails, with jobs of many sorts.

#![expect(
    clippy::missing_errors_doc,
    clippy::missing_panics_doc,
    reason = "a program, not a library"
)]

use std::{sync::Mutex, time::Duration};

use simple_queue::prelude::*;
use sqlx::PgPool;

/// What has been sent.
#[derive(Debug, Default)]
pub struct Mailer {
    sent: Mutex<Vec<String>>,
}

impl Mailer {
    /// Notes a mail.
    pub fn send(&self, to: i64, text: &str) {
        self.sent.lock().expect("no test panics meanwhile").push(format!("{to}: {text}"));
    }

    /// Returns what has been sent.
    pub fn sent(&self) -> Vec<String> {
        self.sent.lock().expect("no test panics meanwhile").clone()
    }
}

/// The state of the worker.
#[derive(Debug, Default, JobState)]
pub struct App {
    /// Sends mails.
    pub mailer: Mailer,
}

impl App {
    /// The state of a test.
    #[must_use]
    pub fn fake() -> Self {
        Self::default()
    }
}

/// Greets a new user.
#[job(queue = "emails", retries = 5, backoff = fixed("10s", jitter = 0), derive(Debug, Clone, PartialEq))]
pub async fn send_welcome(
    context: &JobContext,
    mailer: &Mailer,
    user_id: i64,
    text: String,
) -> Result<(), BoxDynError> {
    if context.is_cancelled() {
        return Ok(());
    }
    mailer.send(user_id, &text);
    if user_id == 1 {
        // The first user gets a reminder too.
        Remind::new(user_id).enqueue(context).await?;
    }
    Ok(())
}

/// Reminds a user a day later.
#[job(queue = "emails", delay = "1d", priority = 3)]
pub async fn remind(mailer: &Mailer, user_id: i64) {
    mailer.send(user_id, "still there?");
}

/// Fails each time, with an hour in between.
#[job(retries = 4, backoff = fixed("1h", jitter = 0))]
pub async fn hopeless(how: String) -> Result<(), BoxDynError> {
    match how.as_str() {
        "panic" => panic!("at the worst moment"),
        "snooze" => Err(JobError::snooze(Duration::from_mins(5)).into()),
        "cancel" => Err(JobError::cancel("it is not wanted").into()),
        "ok" => Ok(()),
        _ => Err("there is no hope".into()),
    }
}

/// Takes its time.
#[job(timeout = "1h")]
pub async fn slow(millis: u64) -> Result<u64, BoxDynError> {
    tokio::time::sleep(Duration::from_millis(millis)).await;
    Ok(millis)
}

/// Runs each night in Berlin.
#[job(queue = "reports", cron = "30 2 * * *", tz = "Europe/Berlin")]
pub async fn nightly(context: &JobContext, mailer: &Mailer) -> Result<(), BoxDynError> {
    let tick = context.tick().await?.ok_or("no schedule enqueued it")?;
    mailer.send(0, &tick.to_string());
    Ok(())
}

/// One call an hour.
#[job(queue = "calls", rate(limit = 1, per = "1h", burst = 1))]
pub async fn call(number: u32) {
    let _ = number;
}

/// One at a time for each account, an hour apart if it fails.
#[job(queue = "accounts", order(key = "{account}"), retries = 1, backoff = fixed("1h", jitter = 0))]
pub async fn book(mailer: &Mailer, account: i64, step: i64) -> Result<(), BoxDynError> {
    mailer.send(account, &format!("step {step}"));
    if step == 13 { Err("an unlucky number".into()) } else { Ok(()) }
}

/// Hides its account.
#[job(derive(Clone))]
pub async fn pay(amount: i64, #[job(redact)] iban: String) {
    let _ = (amount, iban);
}

/// Adds to the revenue in its own transaction.
#[job(queue = "orders")]
pub async fn book_order(tx: &mut JobTx, amount: i64) -> Result<(), BoxDynError> {
    sqlx::query("update revenue set total = total + $1").bind(amount).execute(&mut **tx).await?;
    if amount == 13 { Err("an unlucky number".into()) } else { Ok(()) }
}

/// Enrolls a user: what the program does outside of its jobs.
///
/// # Errors
/// When the database fails.
pub async fn sign_up(pool: &PgPool, user_id: i64) -> Result<(), BoxDynError> {
    let mut tx = pool.begin().await?;
    SendWelcome::new(user_id, "hello").enqueue(&mut tx).await?;
    tx.commit().await?;
    Ok(())
}
