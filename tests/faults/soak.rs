//! One fault after another, for two turns or for an hour.

use std::{
    fs,
    process::Command,
    time::{Duration, Instant},
};

use test_support::{Case, case};

use crate::support::{Fault, Field, Load, Proxy, Server, Worker, full, queue_at};

pub(crate) fn cases() -> Vec<Case> {
    vec![case!(every_acknowledged_job_ends_once_under_one_fault_after_another)]
}

/// 1 hour, the length of the full form.
const HOUR: Duration = Duration::from_hours(1);

/// 2, the turns of the short form. Everything happens once in a turn.
const TURNS: usize = 2;

/// What happens in a turn.
#[derive(Clone, Copy)]
enum Happening {
    WorkerKilled,
    WorkerStopped,
    SessionsEnded,
    ServerCrashed,
    ConnectionsCut,
    ConnectionsHalfOpen,
}

impl Happening {
    const ALL: [Self; 6] = [
        Self::WorkerKilled,
        Self::WorkerStopped,
        Self::SessionsEnded,
        Self::ServerCrashed,
        Self::ConnectionsCut,
        Self::ConnectionsHalfOpen,
    ];
}

async fn every_acknowledged_job_ends_once_under_one_fault_after_another() {
    let mut server = Server::start(&[]).await;
    let field = Field::at(server.create_database().await).await;
    let proxy = Proxy::start(&field.url).await;
    let url = proxy.url(&field.url);
    // One worker stays for the whole time, two come and go.
    let (steady, mut workers) = (Worker::start(&url).await, field.workers(2).await);
    let (near, far) = (Load::start(&field.queue, 1), Load::start(&queue_at(&url), 1));
    field.ledger.progress(100).await;
    let (begun, before) = (Instant::now(), memory_of(&steady));
    let mut turns = 0;
    while if full() { begun.elapsed() < HOUR } else { turns < TURNS } {
        for happening in Happening::ALL {
            match happening {
                Happening::WorkerKilled => workers.remove(0).kill(),
                Happening::WorkerStopped => workers.remove(0).terminate().await,
                Happening::SessionsEnded => {
                    field.ledger.end_sessions().await;
                }
                Happening::ServerCrashed => server.crash_and_restart().await,
                Happening::ConnectionsCut => {
                    proxy.set(Fault::Cut);
                    field.ledger.progress(5).await;
                }
                Happening::ConnectionsHalfOpen => {
                    proxy.set(Fault::HalfOpen);
                    field.ledger.progress(5).await;
                }
            }
            // Connections that are half open stay so; only new ones work.
            proxy.set_for_new(Fault::None);
            while workers.len() < 2 {
                workers.push(field.worker().await);
            }
            field.ledger.progress(20).await;
        }
        turns += 1;
    }
    let mut acknowledged = near.stop().await.acknowledged;
    acknowledged.extend(far.stop().await.acknowledged);
    field.ledger.settle(&acknowledged).await;
    assert_eq!(field.ledger.count("simple_queue.dead_letters where status <> 'bad_job'").await, 0);
    let after = memory_of(&steady);
    println!("{turns} turns in {:?}; {before} kB of memory became {after} kB", begun.elapsed());
    assert!(after < before * 2 + 50_000, "{before} kB of memory became {after} kB");
    drop(workers);
}

/// The resident memory of a worker in kilobytes.
fn memory_of(worker: &Worker) -> u64 {
    let process = worker.id().to_string();
    // A small system has no `ps`.
    if cfg!(target_os = "linux") {
        let status = fs::read_to_string(format!("/proc/{process}/status")).unwrap();
        let resident = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).unwrap();
        return resident.trim().trim_end_matches(" kB").parse().unwrap();
    }
    let said = Command::new("ps").args(["-o", "rss=", "-p", &process]).output().unwrap();
    String::from_utf8(said.stdout).unwrap().trim().parse().unwrap()
}
