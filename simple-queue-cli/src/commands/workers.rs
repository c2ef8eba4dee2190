//! The processes that run jobs, and what they run.

use anyhow::Result;
use simple_queue::WorkerState;

use super::now;
use crate::{
    args::{Connection, Format},
    exit::Exit,
    output::{Cell, List},
};

const COLUMNS: &[&str] =
    &["worker", "host", "pid", "queues", "started", "heartbeat", "jobs", "permits", "state"];

pub(super) async fn list(connection: &Connection, format: Format) -> Result<Exit> {
    let workers = connection.queue().await?.workers().await?;
    let mut list = List::new(COLUMNS);
    for worker in workers {
        list.push([
            Cell::text(worker.id.to_string()),
            Cell::text(&worker.host),
            Cell::number(worker.pid),
            Cell::text(worker.queues.join(",")),
            Cell::Time(Some(worker.started_at)),
            Cell::Time(Some(worker.heartbeat_at)),
            Cell::number(worker.claimed),
            Cell::Count(worker.permits.map(|permits| permits.to_string()).unwrap_or_default()),
            Cell::text(state(&worker)),
        ]);
    }
    list.write(format, now(), "no worker runs");
    Ok(if list.is_empty() { Exit::Nothing } else { Exit::Done })
}

fn state(worker: &WorkerState) -> &'static str {
    match worker {
        worker if worker.is_silent => "silent",
        WorkerState { full_since: Some(_), .. } => "full",
        _ => "alive",
    }
}

pub(super) async fn running(connection: &Connection, format: Format) -> Result<Exit> {
    let running = connection.queue().await?.running().await?;
    let mut list = List::new(&[
        "job",
        "queue",
        "kind",
        "attempt",
        "started",
        "done",
        "note",
        "host",
        "pid",
        "cancelled",
    ]);
    for job in running {
        let done = job.progress.map(|done| format!("{:.0} %", done * 100.0));
        list.push([
            Cell::text(job.job_id.to_string()),
            Cell::text(&job.queue),
            Cell::text(&job.kind),
            Cell::number(job.attempt),
            Cell::Time(Some(job.started_at)),
            Cell::Count(done.unwrap_or_default()),
            Cell::text(job.note.unwrap_or_default()),
            Cell::text(&job.host),
            Cell::number(job.pid),
            Cell::text(if job.is_cancelled { "asked" } else { "" }),
        ]);
    }
    list.write(format, now(), "no job has been running for more than a few seconds");
    Ok(if list.is_empty() { Exit::Nothing } else { Exit::Done })
}
