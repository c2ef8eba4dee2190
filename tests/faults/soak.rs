//! One fault after another, for as long as is asked for.

use std::{
    fs,
    process::Command,
    time::{Duration, Instant},
};

use test_support::{Case, case};

use crate::support::{Fault, Field, Load, Proxy, Server, Worker, full, queue_at};

pub(crate) fn cases() -> Vec<Case> {
    vec![case!(whatever_happens_in_whatever_order_all_that_was_acknowledged_ends_once)]
}

/// How long the full form lasts.
const HOUR: Duration = Duration::from_hours(1);

/// How often each fault happens in the short form.
const TURNS: usize = 2;

async fn whatever_happens_in_whatever_order_all_that_was_acknowledged_ends_once() {
    let mut server = Server::start(&[]).await;
    let field = Field::at(server.create_database().await).await;
    let proxy = Proxy::start(&field.url).await;
    let url = proxy.url(&field.url);
    // One stays for the whole time, two come and go.
    let (steady, mut workers) = (Worker::start(&url).await, field.workers(2).await);
    let (near, far) = (Load::start(&field.queue, 1), Load::start(&queue_at(&url), 1));
    field.ledger.progress(100).await;
    let (begun, before) = (Instant::now(), memory_of(&steady));
    let mut turns = 0;
    while if full() { begun.elapsed() < HOUR } else { turns < TURNS } {
        for fault in 0..6 {
            match fault {
                0 => workers.remove(0).kill(),
                1 => workers.remove(0).terminate().await,
                2 => {
                    let all = "select count(pg_terminate_backend(pid)) from pg_stat_activity
                         where datname = current_database() and pid <> pg_backend_pid()";
                    field.ledger.value::<i64>(all).await;
                }
                3 => server.crash_and_restart().await,
                4 => {
                    proxy.set(Fault::Cut);
                    field.ledger.progress(5).await;
                }
                _ => {
                    proxy.set(Fault::HalfOpen);
                    field.ledger.progress(5).await;
                }
            }
            // What is half open stays so; only new connections are well.
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

/// In kilobytes.
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
