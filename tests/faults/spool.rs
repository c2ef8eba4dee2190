//! Jobs that wait in files while the database is away, and processes that die over them.

use std::{
    io::{BufRead as _, BufReader},
    path::Path,
    process::{Child, Command, Stdio},
    sync::{Arc, Mutex},
    thread,
    time::Duration,
};

use simple_queue::Spool;
use test_support::{Case, Place, case, other_process, signal_process};
use uuid::Uuid;

use crate::support::{
    CountRun, Fault, Field, Proxy, Worker, eventually, full, queue_builder_at, rounds,
};

pub(crate) fn cases() -> Vec<Case> {
    vec![
        case!(writers_see_no_error_through_an_outage_and_every_job_runs_once),
        case!(a_process_that_is_killed_while_it_spools_loses_no_job_that_it_acknowledged),
        case!(a_process_that_is_killed_while_it_flushes_loses_and_doubles_nothing),
        case!(a_disk_that_is_full_gives_the_callers_the_error_of_the_database),
    ]
}

const URL: &str = "FAULTS_SPOOL_URL";
const DIRECTORY: &str = "FAULTS_SPOOL_DIRECTORY";
/// The number of the first job, so that no two processes have one number.
const FIRST: &str = "FAULTS_SPOOL_FIRST";

/// The number of the tasks that enqueue in one process.
const WRITERS: i64 = 8;

/// A process that enqueues until it is told to stop, and says of each job what became of it.
struct Spooling {
    child: Child,
    said: Arc<Mutex<Said>>,
}

#[derive(Default)]
struct Said {
    acknowledged: Vec<(Uuid, i64)>,
    spooled: usize,
    errors: Vec<String>,
}

impl Spooling {
    fn start(url: &str, place: &Path, first: i64) -> Self {
        Self::start_as(other_process("spool::the_spooling_process"), url, place, first)
    }

    fn start_as(mut command: Command, url: &str, place: &Path, first: i64) -> Self {
        command.env(URL, url).env(DIRECTORY, place).env(FIRST, first.to_string());
        let mut child = command.stdout(Stdio::piped()).spawn().unwrap();
        let output = BufReader::new(child.stdout.take().unwrap());
        let said = Arc::<Mutex<Said>>::default();
        let heard = Arc::clone(&said);
        thread::spawn(move || {
            // The last line of a process that was killed may be cut.
            for line in output.lines().map_while(Result::ok) {
                heard.lock().unwrap().hear(&line);
            }
        });
        Self { child, said }
    }

    fn said<T>(&self, what: impl FnOnce(&Said) -> T) -> T {
        what(&self.said.lock().unwrap())
    }

    async fn has_acknowledged(&self, jobs: usize) {
        let until = self.said(|said| said.acknowledged.len()) + jobs;
        eventually("more jobs are acknowledged", async || {
            self.said(|said| said.acknowledged.len()) >= until
        })
        .await;
    }

    async fn has_spooled(&self, jobs: usize) {
        let until = self.said(|said| said.spooled) + jobs;
        eventually("more jobs are spooled", async || self.said(|said| said.spooled) >= until).await;
    }

    /// Ends it as a power cut does, and returns what it acknowledged.
    async fn kill(mut self) -> Vec<(Uuid, i64)> {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
        self.heard_all().await
    }

    /// Has it stop enqueuing and flush what it has spooled.
    async fn finish(mut self) -> Vec<(Uuid, i64)> {
        signal_process("TERM", self.child.id());
        eventually("it has flushed", async || self.child.try_wait().unwrap().is_some()).await;
        let status = self.child.wait().unwrap();
        assert!(status.success(), "it ended with {status}");
        self.heard_all().await
    }

    async fn heard_all(&self) -> Vec<(Uuid, i64)> {
        // The thread that listens drops its part at the end of the output.
        eventually("its output is read", async || Arc::strong_count(&self.said) == 1).await;
        self.said(|said| said.acknowledged.clone())
    }
}

impl Said {
    fn hear(&mut self, line: &str) {
        let words: Vec<&str> = line.split(' ').collect();
        match words.as_slice() {
            [how @ ("stored" | "spooled"), id, number, "."] => {
                self.acknowledged.push((id.parse().unwrap(), number.parse().unwrap()));
                self.spooled += usize::from(*how == "spooled");
            }
            ["error", ..] => self.errors.push(line.to_owned()),
            _ => {}
        }
    }
}

/// What another process is started for.
pub(crate) fn spooling_process() -> Case {
    case!(the_spooling_process)
}

async fn the_spooling_process() {
    let variable = |name| std::env::var(name).expect("the tests set it");
    let first: i64 = variable(FIRST).parse().unwrap();
    let spool = Spool::at(variable(DIRECTORY)).patience(Duration::from_millis(300));
    let queue = queue_builder_at(&variable(URL)).spool(spool).build().unwrap();
    let stop = tokio_util::sync::CancellationToken::new();
    let writers: Vec<_> = (0..WRITERS)
        .map(|writer| {
            let (queue, stop) = (queue.clone(), stop.clone());
            tokio::spawn(async move {
                let mut number = first + writer;
                while !stop.is_cancelled() {
                    match CountRun::new(number, 0_u64).enqueue(&queue).await {
                        Ok(job) if job.is_spooled() => println!("spooled {} {number} .", job.id()),
                        Ok(job) => println!("stored {} {number} .", job.id()),
                        Err(error) => println!("error {error}"),
                    }
                    number += WRITERS;
                    tokio::time::sleep(Duration::from_millis(5)).await;
                }
            })
        })
        .collect();
    simple_queue::shutdown_signal().await;
    stop.cancel();
    for writer in writers {
        writer.await.unwrap();
    }
    // Also what others left, if it was not taken over yet.
    eventually("all is flushed", async || queue.spool().flush().await.is_ok()).await;
}

/// Waits until no file has jobs, and all jobs have run.
async fn settle(field: &Field, place: &Place, acknowledged: &[(Uuid, i64)]) {
    eventually("no job waits in a file", async || place.files("spool").is_empty()).await;
    field.ledger.settle(acknowledged).await;
    assert_eq!(field.ledger.count("simple_queue.dead_letters").await, 0);
    assert_eq!(place.files("rejected").len(), 0);
    let twice = "(select from ledger.runs group by job_id having count(*) > 1) twice";
    assert_eq!(field.ledger.count(twice).await, 0, "a job ran twice");
}

async fn writers_see_no_error_through_an_outage_and_every_job_runs_once() {
    let field = Field::shared().await;
    let (proxy, place) = (Proxy::start(&field.url).await, Place::new());
    let _worker = Worker::start(&field.url).await;
    let url = proxy.url(&field.url);
    let writers = [0, 1_000_000_000].map(|first| Spooling::start(&url, place.path(), first));
    for _ in 0..rounds(1, 20) {
        for process in &writers {
            process.has_acknowledged(100).await;
        }
        proxy.set(Fault::Cut);
        // The outage itself is what is tried.
        tokio::time::sleep(Duration::from_secs(if full() { 30 } else { 10 })).await;
        for process in &writers {
            process.has_spooled(100).await;
        }
        proxy.set(Fault::None);
        for process in &writers {
            process.has_acknowledged(100).await;
        }
    }
    let mut acknowledged = Vec::new();
    for process in writers {
        assert_eq!(process.said(|said| said.errors.clone()), [""; 0]);
        println!("{} jobs were spooled", process.said(|said| said.spooled));
        acknowledged.extend(process.finish().await);
    }
    settle(&field, &place, &acknowledged).await;
    let ended = i64::try_from(acknowledged.len()).unwrap();
    assert_eq!(field.ledger.ended().await, ended);
}

async fn a_process_that_is_killed_while_it_spools_loses_no_job_that_it_acknowledged() {
    let field = Field::shared().await;
    let (proxy, place) = (Proxy::start(&field.url).await, Place::new());
    let _worker = Worker::start(&field.url).await;
    let url = proxy.url(&field.url);
    let mut acknowledged = Vec::new();
    for round in 0..rounds(4, 200) {
        proxy.set(Fault::Cut);
        let first = i64::try_from(round).unwrap() * 1_000_000_000;
        let process = Spooling::start(&url, place.path(), first);
        process.has_spooled(50 + fastrand::usize(..100)).await;
        acknowledged.extend(process.kill().await);
        proxy.set(Fault::None);
    }
    // The next process takes over what the others left.
    let next = Spooling::start(&url, place.path(), -1_000_000_000);
    next.has_acknowledged(10).await;
    acknowledged.extend(next.finish().await);
    settle(&field, &place, &acknowledged).await;
}

async fn a_process_that_is_killed_while_it_flushes_loses_and_doubles_nothing() {
    let field = Field::shared().await;
    let (proxy, place) = (Proxy::start(&field.url).await, Place::new());
    let _worker = Worker::start(&field.url).await;
    let url = proxy.url(&field.url);
    let mut acknowledged = Vec::new();
    for round in 0..rounds(4, 200) {
        proxy.set(Fault::Cut);
        let first = i64::try_from(round).unwrap() * 1_000_000_000;
        let process = Spooling::start(&url, place.path(), first);
        process.has_spooled(1500).await;
        // The server gets the batch, and its answer is late.
        proxy.set(Fault::Late(Duration::from_millis(40)));
        let before = field.ledger.ended().await;
        eventually("the first jobs are flushed", async || field.ledger.ended().await > before)
            .await;
        acknowledged.extend(process.kill().await);
    }
    proxy.set(Fault::None);
    let next = Spooling::start(&url, place.path(), -1_000_000_000);
    next.has_acknowledged(10).await;
    acknowledged.extend(next.finish().await);
    settle(&field, &place, &acknowledged).await;
}

async fn a_disk_that_is_full_gives_the_callers_the_error_of_the_database() {
    let field = Field::shared().await;
    let (proxy, place) = (Proxy::start(&field.url).await, Place::new());
    let _worker = Worker::start(&field.url).await;
    let url = proxy.url(&field.url);
    let itself = other_process("spool::the_spooling_process");
    let mut limited = Command::new("sh");
    // No file of it may have more than 16 blocks of 512 bytes, and a write beyond that fails.
    limited.arg("-c").arg("trap '' XFSZ; ulimit -f 16; exec \"$@\"").arg("sh");
    limited.arg(itself.get_program()).args(itself.get_args());
    for (name, value) in itself.get_envs() {
        if let Some(value) = value {
            limited.env(name, value);
        }
    }
    // Its log would go to a file, and have the same limit.
    limited.stderr(Stdio::null());
    proxy.set(Fault::Cut);
    let process = Spooling::start_as(limited, &url, place.path(), 0);
    eventually("a job is refused", async || process.said(|said| said.errors.len()) >= 20).await;
    let (spooled, error) = process.said(|said| (said.spooled, said.errors[0].clone()));
    assert!(spooled > 5, "{spooled} jobs were spooled before");
    assert!(error.contains("the database failed to enqueue"), "{error}");
    proxy.set(Fault::None);
    let acknowledged = process.finish().await;
    settle(&field, &place, &acknowledged).await;
}
