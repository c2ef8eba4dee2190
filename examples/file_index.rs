//! Indexes every file below a directory: one job a file. Each job writes its row in the transaction
//! that finishes the job, so the index is exact, whatever happens to the workers.
//!
//! Run with: `cargo run --release --example file_index -- DIR`
//!
//! With several worker processes, one of which is killed half-way:
//! `cargo run --release --example file_index -- DIR --processes 2 --kill-one`

use std::{
    fs::{self, File},
    io::{self, IsTerminal, Read},
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    time::{Duration, Instant},
};

use clap::Parser;
use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use sha2::{Digest, Sha256};
use simple_queue::{embedded::EmbeddedPostgres, prelude::*};
use sqlx::{PgPool, postgres::PgPoolOptions};

/// Indexes every file below a directory with durable jobs: SHA-256, size and number of lines.
#[derive(Parser)]
#[command(
    after_help = "Example:\n  file_index ~/.rustup --processes 2 --kill-one --keep /tmp/index"
)]
struct Arguments {
    /// The directory whose files are indexed
    directory: PathBuf,
    /// How many worker processes share the work
    #[arg(long, default_value_t = 1)]
    processes: usize,
    /// Kills one of the workers with SIGKILL when half of the work is done
    #[arg(long)]
    kill_one: bool,
    /// Keeps the database in this directory, to look at the tables afterwards
    #[arg(long, value_name = "DIR")]
    keep: Option<PathBuf>,
}

/// Set for the worker processes: the URL of their database. It may hold a password, and every user
/// of the machine could read it among the arguments of a process.
const WORK_ON: &str = "FILE_INDEX_WORK_ON";

/// Reads one file and writes its row, in the transaction that finishes the job.
#[job(queue = "file_index", retries = 3)]
async fn index_file(tx: &mut JobTx, run: i64, path: String) -> Result<(), BoxDynError> {
    let read = path.clone();
    let found = tokio::task::spawn_blocking(move || Found::read(Path::new(&read))).await??;
    sqlx::query(
        "insert into indexed_files (run, path, sha256, bytes, lines) values ($1, $2, $3, $4, $5)",
    )
    .bind(run)
    .bind(&path)
    .bind(found.sha256)
    .bind(found.bytes)
    .bind(found.lines)
    .execute(&mut **tx)
    .await?;
    Ok(())
}

struct Found {
    sha256: Vec<u8>,
    bytes: i64,
    lines: i64,
}

impl Found {
    fn read(path: &Path) -> io::Result<Self> {
        let (mut file, mut hash) = (File::open(path)?, Sha256::new());
        let (mut bytes, mut lines) = (0, 0);
        let mut buffer = vec![0; 64 * 1024];
        loop {
            let read = file.read(&mut buffer)?;
            if read == 0 {
                return Ok(Self { sha256: hash.finalize().to_vec(), bytes, lines });
            }
            hash.update(&buffer[..read]);
            bytes += i64::try_from(read).expect("a buffer of 64 kB");
            lines += buffer[..read].iter().map(|&byte| i64::from(byte == b'\n')).sum::<i64>();
        }
    }
}

#[tokio::main]
async fn main() -> Result<(), BoxDynError> {
    let arguments = Arguments::parse();
    if let Ok(url) = std::env::var(WORK_ON) {
        return work(&url).await;
    }
    let postgres = match &arguments.keep {
        Some(directory) => EmbeddedPostgres::start_in(directory).await?,
        None => EmbeddedPostgres::start().await?,
    };
    let queue = SimpleQueue::connect(postgres.url()).await?;
    queue.migrate().await?;
    create_tables(queue.pool()).await?;

    let (paths, skipped) = files_below(&fs::canonicalize(&arguments.directory)?)?;
    let start = Instant::now();
    let run = enqueue(&queue, &arguments.directory, &paths).await?;
    println!("Enqueued {} jobs in {:.1?}.", paths.len(), start.elapsed());
    if skipped > 0 {
        println!("Left out {skipped} files whose names are not UTF-8.");
    }
    let mut workers = start_workers(&arguments, postgres.url())?;
    let finished = watch(queue.pool(), run, paths.len(), &mut workers, arguments.kill_one).await;
    for worker in &mut workers {
        worker.kill()?;
        worker.wait()?;
    }
    finished?;
    summarise(queue.pool(), run, start.elapsed()).await?;
    postgres.stop().await?;
    Ok(())
}

/// Runs a worker process until it is killed.
async fn work(url: &str) -> Result<(), BoxDynError> {
    const AT_ONCE: usize = 16;
    let connections = u32::try_from(AT_ONCE)?;
    let pool = PgPoolOptions::new().max_connections(connections).connect(url).await?;
    // 1 s, so that a killed worker is noticed within seconds.
    let queue = SimpleQueue::new(pool).with_heartbeat_interval(Duration::from_secs(1));
    queue.with_queue_semaphore("file_index", AT_ONCE);
    queue.register(jobs![IndexFile], ())?;
    queue.run_until(std::future::pending::<()>()).await?;
    Ok(())
}

async fn create_tables(pool: &PgPool) -> Result<(), sqlx::Error> {
    let tables = "
        create table if not exists index_runs (
            id bigint generated always as identity primary key,
            directory text not null, files bigint not null, started_at timestamptz not null default now()
        );
        create table if not exists indexed_files (
            run bigint not null references index_runs, path text not null,
            sha256 bytea not null, bytes bigint not null, lines bigint not null
        );";
    sqlx::raw_sql(tables).execute(pool).await?;
    Ok(())
}

/// Returns every regular file below a directory, without following links, and the number of names
/// that are not UTF-8.
fn files_below(directory: &Path) -> io::Result<(Vec<String>, usize)> {
    let (mut files, mut skipped, mut open) = (Vec::new(), 0, vec![directory.to_owned()]);
    while let Some(directory) = open.pop() {
        for entry in fs::read_dir(directory)? {
            let entry = entry?;
            let kind = entry.file_type()?;
            if kind.is_dir() {
                open.push(entry.path());
            } else if kind.is_file() {
                match entry.path().into_os_string().into_string() {
                    Ok(path) => files.push(path),
                    Err(_) => skipped += 1,
                }
            }
        }
    }
    files.sort();
    Ok((files, skipped))
}

/// Stores the run's record and all its jobs together or not at all.
async fn enqueue(
    queue: &SimpleQueue,
    directory: &Path,
    paths: &[String],
) -> Result<i64, BoxDynError> {
    let mut tx = queue.pool().begin().await?;
    let run = "insert into index_runs (directory, files) values ($1, $2) returning id";
    let run: i64 = sqlx::query_scalar(run)
        .bind(directory.to_string_lossy())
        .bind(i64::try_from(paths.len())?)
        .fetch_one(&mut *tx)
        .await?;
    IndexFile::enqueue_all(paths.iter().map(|path| IndexFile::new(run, path)), &mut tx).await?;
    tx.commit().await?;
    Ok(run)
}

fn start_workers(arguments: &Arguments, url: &str) -> io::Result<Vec<Child>> {
    let program = std::env::current_exe()?;
    (0..std::cmp::max(arguments.processes, 1))
        .map(|_| {
            let mut command = Command::new(&program);
            command.arg(&arguments.directory).env(WORK_ON, url);
            command.stdin(Stdio::null()).spawn()
        })
        .collect()
}

/// Shows the progress of the index until every job has ended.
async fn watch(
    pool: &PgPool,
    run: i64,
    files: usize,
    workers: &mut [Child],
    kill_one: bool,
) -> Result<(), BoxDynError> {
    let bar = progress_bar(u64::try_from(files)?);
    let mut to_kill = kill_one;
    loop {
        let (indexed, live): (i64, i64) = sqlx::query_as(
            "select (select count(*) from indexed_files where run = $1),
                 (select count(*) from simple_queue.jobs where queue = 'file_index')",
        )
        .bind(run)
        .fetch_one(pool)
        .await?;
        bar.set_position(u64::try_from(indexed)?);
        if live == 0 {
            bar.finish();
            return Ok(());
        }
        if to_kill && usize::try_from(indexed)? * 2 >= files {
            to_kill = false;
            // The end of the function waits for it, with the others.
            workers[0].kill()?;
            bar.suspend(|| eprintln!("Killed worker {} at {indexed} files.", workers[0].id()));
        }
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
}

fn progress_bar(files: u64) -> ProgressBar {
    let colours = std::env::var_os("NO_COLOR").is_none();
    let template = if colours {
        "{bar:40.cyan/blue} {pos:>7} of {len} files, {per_sec}, {eta} left"
    } else {
        "{bar:40} {pos:>7} of {len} files, {per_sec}, {eta} left"
    };
    let target = if io::stderr().is_terminal() {
        ProgressDrawTarget::stderr()
    } else {
        ProgressDrawTarget::hidden()
    };
    let style = ProgressStyle::with_template(template).expect("a fixed template");
    ProgressBar::with_draw_target(Some(files), target).with_style(style)
}

async fn summarise(pool: &PgPool, run: i64, took: Duration) -> Result<(), sqlx::Error> {
    let (files, distinct, bytes, lines): (i64, i64, i64, i64) = sqlx::query_as(
        "select count(*), count(distinct path), coalesce(sum(bytes), 0)::bigint,
             coalesce(sum(lines), 0)::bigint
         from indexed_files where run = $1",
    )
    .bind(run)
    .fetch_one(pool)
    .await?;
    let crashed =
        "select count(*) from simple_queue.archive where queue = 'file_index' and crash_count > 0";
    let crashed: i64 = sqlx::query_scalar(crashed).fetch_one(pool).await?;
    let jobs = "select status, count(*) from simple_queue.all_jobs
                where queue = 'file_index' group by 1 order by 1";
    let jobs: Vec<(String, i64)> = sqlx::query_as(jobs).fetch_all(pool).await?;
    println!("\n  {:<22} {files:>14}", "files in the index");
    println!("  {:<22} {distinct:>14}", "of them distinct");
    println!("  {:<22} {bytes:>14}", "bytes");
    println!("  {:<22} {lines:>14}", "lines");
    for (status, jobs) in jobs {
        println!("  {:<22} {jobs:>14}", format!("jobs {status}"));
    }
    println!("  {:<22} {crashed:>14}", "of a killed worker");
    println!("  {:<22} {:>14}", "time", format!("{took:.1?}"));
    Ok(())
}
