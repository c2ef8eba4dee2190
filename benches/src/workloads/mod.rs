//! What is measured, a file for each.

mod backlog;
mod decay;
mod drain;
mod enqueue;
mod kill;
mod latency;
mod limits;
mod processes;
mod queues;
mod sustained;

use crate::{
    arguments::Workload,
    bench::Bench,
    contestant::{Duty, Result},
    report::number,
};

pub(crate) async fn run(workload: Workload, bench: &mut Bench) -> Result<()> {
    match workload {
        Workload::Drain => drain::run(bench).await,
        Workload::Enqueue => enqueue::run(bench).await,
        Workload::Latency => latency::run(bench).await,
        Workload::Sustained => sustained::run(bench).await,
        Workload::Decay => decay::run(bench).await,
        Workload::Backlog => backlog::run(bench).await,
        Workload::Processes => processes::run(bench).await,
        Workload::Queues => queues::run(bench).await,
        Workload::Kill => kill::run(bench).await,
        Workload::Limits => limits::run(bench).await,
    }
}

/// A worker of one queue that runs as many jobs at once as its best settings say.
const ONE_QUEUE: Duty = Duty { queues: 1, concurrency: None, limits: false };

/// By what contestants are compared where many jobs a second count.
const COSTS: &[&str] = &["jobs/s", "server µs/job", "client µs/job", "WAL B/job"];

/// The size of a case.
fn jobs(jobs: u64) -> String {
    if jobs == 0 { "no jobs".to_owned() } else { format!("{} jobs", number(jobs as f64)) }
}

fn seconds(seconds: u64) -> String {
    format!("{seconds} s")
}
