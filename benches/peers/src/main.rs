//! Other job queues as contestants of `simple-queue-benches`, which starts this program; by itself it does nothing.

mod apalis_postgres;
mod awa;
mod graphile_worker;
mod riverqueue;

use std::process::ExitCode;

use simple_queue_benches::agent::{self, Agent};

fn main() -> ExitCode {
    let agents = [
        Agent::of::<graphile_worker::GraphileWorker<true>>(),
        Agent::of::<graphile_worker::GraphileWorker<false>>(),
        Agent::of::<riverqueue::River>(),
        Agent::of::<awa::Awa>(),
        Agent::of::<apalis_postgres::Apalis<true>>(),
        Agent::of::<apalis_postgres::Apalis<false>>(),
    ];
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    match agent::main(&agents, &arguments) {
        Some(Ok(())) => ExitCode::SUCCESS,
        Some(Err(error)) => {
            eprintln!("error: {error}");
            ExitCode::FAILURE
        }
        None => {
            eprintln!(
                "this is started by: cargo run --release -p simple-queue-benches --features peers"
            );
            ExitCode::FAILURE
        }
    }
}

/// The name of a queue, where a contestant has names.
fn name_of(queue: usize) -> String {
    if queue == 0 { "bench".to_owned() } else { format!("bench-{queue}") }
}
