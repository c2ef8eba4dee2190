//! Measures how fast jobs are spooled while the database is away, beside a bare loop of `fdatasync`.
//!
//! `cargo run --release -p simple-queue-benches --example spool_speed -- DIRECTORY`, on the disk to measure.

use std::{
    fs::{self, File},
    io::Write as _,
    path::{Path, PathBuf},
    time::{Duration, Instant},
};

use simple_queue::{Spool, prelude::*};
use sqlx::postgres::PgPoolOptions;
use tokio::task::JoinSet;

/// About as large as a usual job.
#[job(queue = "measured")]
async fn measured(number: u64, text: String) {
    let _ = (number, text);
}

fn job(number: u64) -> Measured {
    Measured::new(number, "twenty-eight bytes of a text")
}

/// 300 bytes, about what a job has in a file.
const BYTES: [u8; 300] = [b'x'; 300];

/// 500 writes, one after another.
const SINGLE: u64 = 500;

#[tokio::main]
async fn main() -> Result<(), BoxDynError> {
    let directory = std::env::args().nth(1).map_or_else(std::env::temp_dir, PathBuf::from);
    let directory = directory.join(format!("spool-bench-{}", std::process::id()));
    fs::create_dir(&directory)?;
    show("bare write and fdatasync, 300 bytes", bare(&directory)?);

    // No server listens there.
    let pool = PgPoolOptions::new().connect_lazy("postgres://app@127.0.0.1:1/app")?;
    let spool = Spool::at(directory.join("spool")).patience(Duration::from_millis(50));
    let spool = spool.max_jobs(10_000_000).max_bytes(8 << 30);
    let queue = SimpleQueue::builder(pool).spool(spool).build()?;
    assert!(job(0).enqueue(&queue).await?.is_spooled());

    let mut times = Vec::new();
    for number in 0..SINGLE {
        let began = Instant::now();
        assert!(job(number).enqueue(&queue).await?.is_spooled());
        times.push(began.elapsed());
    }
    show("one spooled enqueue after another", times);
    for (callers, each) in [(16, 2000), (64, 1000), (256, 400), (1024, 200)] {
        let began = Instant::now();
        let mut tasks = JoinSet::new();
        for caller in 0..callers {
            let queue = queue.clone();
            tasks.spawn(async move {
                for number in 0..each {
                    job(caller * each + number).enqueue(&queue).await.expect("it is spooled");
                }
            });
        }
        tasks.join_all().await;
        rate(&format!("{callers} callers"), callers * each, began.elapsed());
    }
    let began = Instant::now();
    for call in 0..100 {
        Measured::enqueue_all((0..1000).map(|number| job(call * 1000 + number)), &queue).await?;
    }
    rate("calls of 1,000 jobs", 100_000, began.elapsed());
    println!("{:?}", queue.spool().status());
    drop(queue);
    fs::remove_dir_all(directory)?;
    Ok(())
}

fn bare(directory: &Path) -> Result<Vec<Duration>, std::io::Error> {
    let mut file = File::options().create_new(true).append(true).open(directory.join("bare"))?;
    let mut times = Vec::new();
    for _ in 0..SINGLE {
        let began = Instant::now();
        file.write_all(&BYTES)?;
        file.sync_data()?;
        times.push(began.elapsed());
    }
    Ok(times)
}

fn show(what: &str, mut times: Vec<Duration>) {
    times.sort();
    let at = |percent: usize| times[(times.len() - 1) * percent / 100];
    println!("{what}: median {:?}, 90 % {:?}, 99 % {:?}", at(50), at(90), at(99));
}

#[expect(clippy::cast_precision_loss, reason = "a rate, shown without its fraction")]
fn rate(what: &str, jobs: u64, took: Duration) {
    println!("{what}: {:.0} jobs/s", jobs as f64 / took.as_secs_f64());
}
