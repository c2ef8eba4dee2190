//! The command line of simple-queue. It uses only what the library makes public.

mod args;
mod commands;
mod connect;
mod context;
mod exit;
mod guard;
mod network;
mod output;

use std::process::ExitCode;

use clap::Parser;

use args::Args;
use exit::Exit;

#[tokio::main]
async fn main() -> ExitCode {
    let args = Args::parse();
    args.colour.apply();
    // It answers what is under way, and then ends by itself.
    let ends_itself = matches!(args.command, args::Command::Serve(_));
    let done = tokio::select! {
        done = commands::run(args) => done,
        _ = tokio::signal::ctrl_c(), if !ends_itself => {
            anstream::eprintln!("stopped");
            return ExitCode::from(Exit::STOPPED);
        }
    };
    match done {
        Ok(exit) => exit.into(),
        Err(error) => exit::report(&error),
    }
}
