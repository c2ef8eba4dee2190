//! The whole run, one workload after the other.

use std::process::ExitCode;

use clap::Parser;

use crate::{
    agent,
    arguments::Arguments,
    bench::Bench,
    contestant::{Probe, Result},
    contestants, workloads,
};

/// The program, as the bench or as one of its agents.
pub fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let done = agent::main(&contestants::all(), &arguments).unwrap_or_else(|| {
        let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
        runtime.block_on(run(Arguments::parse()))
    });
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error}");
            ExitCode::FAILURE
        }
    }
}

async fn run(arguments: Arguments) -> Result<()> {
    let mut bench = Bench::start(arguments).await?;
    println!(
        "\nThe handler itself: {:.3} µs a job, {:.3} µs where its start is timed",
        Probe::cost_us(false).await?,
        Probe::cost_us(true).await?,
    );
    for workload in bench.arguments.workloads() {
        workloads::run(workload, &mut bench).await?;
    }
    bench.finish().await
}
