//! Workers in processes of their own: this test binary, started once more.

use std::{
    env,
    io::{BufRead as _, BufReader},
    process::{self, Child, Command, ExitStatus, Stdio},
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    thread,
    time::Duration,
};

use simple_queue::{SimpleQueueBuilder, jobs, prelude::*};
use sqlx::postgres::{PgConnectOptions, PgPoolOptions};
use test_support::{Case, case, eventually, other_process, signal_process};

use super::jobs::{
    Aborts, CountEffect, CountRun, Follow, FollowSlowly, Hands, ShareAKey, ShareALimit, Stumbles,
    TakeAToken, TakeATokenOfAKey,
};

/// The environment variable with the database of the other process.
const URL: &str = "FAULTS_DATABASE_URL";

/// Other settings than those of [`queue_at`].
pub(crate) const HEARTBEAT_MS: &str = "FAULTS_HEARTBEAT_MS";
pub(crate) const STATEMENT_MS: &str = "FAULTS_STATEMENT_MS";

/// The direct URL of the database, where the other one leads through a pooler.
pub(crate) const LEDGER_URL: &str = "FAULTS_LEDGER_URL";

/// Under which the worker runs the jobs of a limit too, with a session for it.
pub(crate) const SHARES_A_LIMIT: &str = "FAULTS_SHARES_A_LIMIT";

/// Under which the worker runs the jobs with keys too.
pub(crate) const HAS_KEYS: &str = "FAULTS_HAS_KEYS";

/// Under which the worker runs the jobs under rates too.
pub(crate) const HAS_RATES: &str = "FAULTS_HAS_RATES";

/// The name of the worker's process in the harness.
const PROCESS: &str = "support::worker::the_worker_process";

/// The line that a worker writes when it works.
const READY: &str = "ready to work";

/// A worker in a process of its own; killed with this value.
pub(crate) struct Worker(Child);

impl Worker {
    /// Starts one and returns when it works.
    pub(crate) async fn start(url: &str) -> Self {
        Self::start_with(url, |_| ()).await
    }

    /// As [`Worker::start`], with something changed about the process.
    pub(crate) async fn start_with(url: &str, change: impl FnOnce(&mut Command)) -> Self {
        let mut command = other_process(PROCESS);
        command.env(URL, url).stdout(Stdio::piped());
        change(&mut command);
        let mut child = command.spawn().unwrap();
        let output = BufReader::new(child.stdout.take().unwrap());
        let worker = Self(child);
        let (ready, is_ready) = tokio::sync::oneshot::channel();
        // Reads to the end: a process whose output is not read blocks.
        thread::spawn(move || {
            let mut ready = Some(ready);
            for line in output.lines().map_while(Result::ok) {
                if line == READY
                    && let Some(ready) = ready.take()
                {
                    ready.send(()).expect("the test waits for it");
                }
            }
        });
        is_ready.await.expect("the worker works before it ends");
        worker
    }

    pub(crate) fn id(&self) -> u32 {
        self.0.id()
    }

    /// Ends it as a power cut does.
    pub(crate) fn kill(mut self) {
        self.0.kill().unwrap();
        self.0.wait().unwrap();
    }

    /// Asks it to stop and waits until it has.
    pub(crate) async fn terminate(mut self) {
        signal_process("TERM", self.id());
        eventually("the worker stops", async || self.0.try_wait().unwrap().is_some()).await;
        let status = self.0.wait().unwrap();
        assert!(status.success(), "the worker ended with {status}");
    }

    /// How it ended, if it has.
    pub(crate) fn ended(&mut self) -> Option<ExitStatus> {
        self.0.try_wait().unwrap()
    }
}

impl Drop for Worker {
    fn drop(&mut self) {
        self.0.kill().expect("the process is ours");
        self.0.wait().expect("the process is ours");
    }
}

/// What another process is started for.
pub(crate) fn worker_process() -> Case {
    case!(the_worker_process)
}

async fn the_worker_process() {
    let stop = tokio::spawn(simple_queue::shutdown_signal());
    let url = env::var(URL).expect("the tests set it");
    let milliseconds = |name| {
        let text = env::var(name).ok()?;
        Some(Duration::from_millis(text.parse().expect("a number of milliseconds")))
    };
    let mut queue = queue_at_any(&url);
    if let Some(interval) = milliseconds(HEARTBEAT_MS) {
        queue = queue.with_heartbeat_interval(interval);
    }
    if let Some(limit) = milliseconds(STATEMENT_MS) {
        queue = queue.with_statement_timeout(limit);
    }
    // The statements of handlers do not go through the pooler, which mixes up prepared statements.
    let pool = match env::var(LEDGER_URL) {
        Ok(url) => {
            let options: PgConnectOptions = url.parse().unwrap();
            let name = format!("handlers of process {}", process::id());
            PgPoolOptions::new().connect_lazy_with(options.application_name(&name))
        }
        Err(_) => queue.pool().clone(),
    };
    let hands = Arc::new(Hands { pool });
    queue.register(jobs![CountRun, CountEffect, Aborts, Stumbles], Arc::clone(&hands)).unwrap();
    if env::var_os(SHARES_A_LIMIT).is_some() {
        queue.register(jobs![ShareALimit], Arc::clone(&hands)).unwrap();
    }
    if env::var_os(HAS_KEYS).is_some() {
        queue.register(jobs![ShareAKey, Follow, FollowSlowly], Arc::clone(&hands)).unwrap();
    }
    if env::var_os(HAS_RATES).is_some() {
        queue.register(jobs![TakeAToken, TakeATokenOfAKey], hands).unwrap();
    }
    let worker = queue.start().await;
    println!("{READY}");
    stop.await.unwrap();
    worker.shutdown(Duration::from_secs(5)).await;
}

/// As [`queue_at`], on the writable one of the servers of this URL.
pub(crate) fn queue_at_any(url: &str) -> SimpleQueue {
    let (start, rest) = url.split_once('@').unwrap();
    let (hosts, database) = rest.split_once('/').unwrap();
    let urls: Vec<String> =
        hosts.split(',').map(|host| format!("{start}@{host}/{database}")).collect();
    let queue = queue_at(&urls[0]);
    match urls.len() {
        1 => queue,
        _ => queue.with_servers(urls.iter().map(|url| options_of(url))),
    }
}

/// A queue with short times, so that a dead process and a lost answer are noticed soon.
pub(crate) fn queue_at(url: &str) -> SimpleQueue {
    let pool = PgPoolOptions::new()
        .max_connections(8)
        .acquire_timeout(Duration::from_secs(5))
        .connect_lazy_with(options_of(url));
    SimpleQueue::new(pool)
        .with_heartbeat_interval(Duration::from_millis(200))
        .with_cancel_grace(Duration::from_millis(100))
        .with_statement_timeout(Duration::from_secs(1))
}

/// As [`queue_at`], with more to set.
pub(crate) fn queue_builder_at(url: &str) -> SimpleQueueBuilder {
    let pool = PgPoolOptions::new()
        .max_connections(8)
        .acquire_timeout(Duration::from_secs(5))
        .connect_lazy_with(options_of(url));
    SimpleQueue::builder(pool).statement_timeout(Duration::from_secs(1))
}

/// Sessions have the name of their queue, so that the watch can count them.
fn options_of(url: &str) -> PgConnectOptions {
    static QUEUES: AtomicUsize = AtomicUsize::new(0);
    let number = QUEUES.fetch_add(1, Ordering::Relaxed);
    let options: PgConnectOptions = url.parse().unwrap();
    options.application_name(&format!("queue {} of process {}", number, process::id()))
}
