//! Enqueues that outlive the database: the server stops, jobs wait in a file, the server comes back.
//!
//! Run with: `cargo run --example spool`

use std::time::Duration;

use simple_queue::{Spool, embedded::EmbeddedPostgres, prelude::*};

/// Counts an order.
#[job(queue = "orders")]
async fn count_order(number: u32) {
    println!("  → order {number} is counted");
}

/// Must not wait: its caller is told when it cannot be stored.
#[job(queue = "orders", spool = false)]
async fn reserve_seat(seat: u32) {
    println!("  → seat {seat} is reserved");
}

/// 30 s, the longest wait for a job's end.
const PATIENCE: Duration = Duration::from_secs(30);

#[tokio::main]
async fn main() -> Result<(), BoxDynError> {
    tracing_subscriber::fmt().with_env_filter("warn,simple_queue::spool=info").init();
    println!("Starting a database …");
    let directory = std::env::temp_dir().join(format!("spool-example-{}", std::process::id()));
    let server = EmbeddedPostgres::start_in(directory.join("postgres")).await?;
    let spool = Spool::at(directory.join("spool")).patience(Duration::from_millis(200));
    let queue = SimpleQueue::builder(server.url()).spool(spool).connect().await?;
    queue.migrate().await?;
    queue.register(jobs![CountOrder, ReserveSeat], ())?;
    let worker = queue.start().await;

    println!("\nThe database is there:");
    let first = CountOrder::new(1).enqueue(&queue).await?;
    first.wait(&queue, PATIENCE).await?;

    println!("\nThe database stops. Enqueues go on:");
    server.stop().await?;
    let mut last = None;
    for number in 2..=5 {
        let order = CountOrder::new(number).enqueue(&queue).await?;
        println!("  order {number} is spooled: {}", order.is_spooled());
        last = Some(order);
    }
    if let Err(error) = ReserveSeat::new(7).enqueue(&queue).await {
        println!("  a seat is not: {error}");
    }
    println!("  {:?}", queue.spool().status());

    println!("\nThe database is back:");
    let server = EmbeddedPostgres::start_in(directory.join("postgres")).await?;
    while queue.spool().status().jobs > 0 {
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    if let Some(last) = last {
        last.wait(&queue, PATIENCE).await?;
    }

    worker.shutdown(Duration::from_secs(5)).await;
    server.stop().await?;
    std::fs::remove_dir_all(directory)?;
    Ok(())
}
