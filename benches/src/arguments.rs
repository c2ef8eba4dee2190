//! What the program is told.

use std::path::PathBuf;

use clap::{Parser, ValueEnum};

/// Measures simple-queue beside bare Postgres, and beside its peers.
///
/// Without a name, all workloads are run. A table is printed after each; all figures go to a JSON file, and a
/// plot of them beside it.
#[derive(Debug, Clone, Parser)]
#[command(
    name = "simple-queue-benches",
    after_help = "Examples:\n  \
        cargo run --release -p simple-queue-benches -- drain enqueue --quick\n  \
        cargo run --release -p simple-queue-benches --features peers -- latency --json latency.json\n  \
        cargo run --release -p simple-queue-benches -- drain --only simple-queue,bare --jobs 50000 --rounds 9\n  \
        cargo run --release -p simple-queue-benches -- decay --set autovacuum_naptime=5s\n\n\
        It exits with 0 when every trial went well, whichever targets were met, and with 1 otherwise.\n\
        The server that is started is durable, so a TMPDIR in memory would flatter. NO_COLOR is respected."
)]
pub(crate) struct Arguments {
    /// What is measured
    #[arg(value_name = "WORKLOAD", value_enum)]
    pub(crate) workloads: Vec<Workload>,
    /// Fewer jobs and rounds: minutes instead of hours, and figures for a first look only
    #[arg(long)]
    pub(crate) quick: bool,
    /// Where all figures are written; the plot goes beside it as .svg
    #[arg(long, value_name = "FILE", default_value = "target/benches.json")]
    pub(crate) json: PathBuf,
    /// Measures on this server, as a superuser, instead of starting one
    #[arg(long, value_name = "URL")]
    pub(crate) url: Option<String>,
    /// A setting of the server that is started; may be given several times
    #[arg(long = "set", value_name = "NAME=VALUE", conflicts_with = "url", value_parser = setting)]
    pub(crate) settings: Vec<(String, String)>,
    /// Only these contestants, separated by commas
    #[arg(long, value_name = "NAME", value_delimiter = ',')]
    pub(crate) only: Vec<String>,
    /// How often everything is measured [default: 5, or 3 with --quick]
    #[arg(long, value_name = "NUMBER", value_parser = clap::value_parser!(u32).range(1..))]
    pub(crate) rounds: Option<u32>,
    /// The jobs of a drain, and of what resembles one [default: 200000, or 20000 with --quick]
    #[arg(long, value_name = "NUMBER", value_parser = clap::value_parser!(u64).range(1..))]
    pub(crate) jobs: Option<u64>,
    /// The size of the pool of each process, where the contestant leaves it to its user
    #[arg(long, value_name = "NUMBER", default_value_t = 20, value_parser = clap::value_parser!(u32).range(2..))]
    pub(crate) connections: u32,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Workload {
    /// Jobs that are there already
    Drain,
    /// One at a time, 16 and 64 concurrent calls, bulk
    Enqueue,
    /// From enqueue to the start of the handler
    Latency,
    /// Producers and workers together
    Sustained,
    /// A drain while a snapshot is held open
    Decay,
    /// Latency while millions wait
    Backlog,
    /// 1, 2, 4 and 8 worker processes
    Processes,
    /// 1,000 queues, idle and busy
    Queues,
    /// One of four processes is killed
    Kill,
    /// Limits for all processes, for each key, and sequences
    Limits,
}

fn setting(text: &str) -> Result<(String, String), String> {
    let (name, value) = text
        .split_once('=')
        .ok_or_else(|| format!("`{text}` is not of the form NAME=VALUE, as jit=off is"))?;
    Ok((name.to_owned(), value.to_owned()))
}

impl Arguments {
    pub(crate) fn rounds(&self) -> u32 {
        self.rounds.unwrap_or(if self.quick { 3 } else { 5 })
    }

    pub(crate) fn jobs(&self) -> u64 {
        self.jobs.unwrap_or(if self.quick { 20_000 } else { 200_000 })
    }

    pub(crate) fn workloads(&self) -> Vec<Workload> {
        if self.workloads.is_empty() {
            Workload::value_variants().to_vec()
        } else {
            self.workloads.clone()
        }
    }
}
