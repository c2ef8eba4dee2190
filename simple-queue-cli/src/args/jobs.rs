//! What can be typed about jobs.

use chrono::{DateTime, Utc};
use clap::{Args as ClapArgs, Subcommand};
use uuid::Uuid;

/// Which jobs are meant.
#[derive(Debug, Clone, ClapArgs)]
pub(crate) struct Selection {
    /// Terms such as `state:dead`, `queue:emails`, `kind:send_mail`, `error:refused`, `args.user_id:42`,
    /// `created:-1h..`; a job matches if it meets all of them. An id by itself is `id:…`.
    #[arg(value_name = "FILTER")]
    pub(crate) terms: Vec<String>,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Jobs {
    /// Lists jobs.
    #[command(
        after_help = "Example:\n  simple-queue jobs list state:dead kind:send_mail finished:-1d.."
    )]
    List {
        #[command(flatten)]
        selection: Selection,
        /// How many at most.
        #[arg(long, default_value_t = 50)]
        limit: usize,
        /// Shows the payload and the last error too.
        #[arg(long)]
        contents: bool,
    },
    /// Counts jobs.
    Count {
        #[command(flatten)]
        selection: Selection,
    },
    /// Shows all of one job.
    Show {
        /// The job.
        id: Uuid,
    },
    /// Puts dead letters back, due now, with all their attempts.
    Retry(Acting),
    /// Cancels jobs that wait or run.
    Cancel(Acting),
    /// Deletes jobs that wait or are dead.
    Delete(Acting),
    /// Makes jobs due now that are delayed or wait for their retry.
    RunNow(Acting),
    /// Moves waiting jobs to another queue.
    Move {
        /// The other queue.
        #[arg(long, value_name = "QUEUE")]
        to: String,
        #[command(flatten)]
        acting: Acting,
    },
    /// Sets the priority of waiting jobs; smaller is first.
    Priority {
        /// The priority.
        #[arg(long, value_name = "NUMBER", allow_negative_numbers = true)]
        to: i16,
        #[command(flatten)]
        acting: Acting,
    },
    /// Runs a completed job once more, under a new id.
    RunAgain {
        /// The job.
        id: Uuid,
    },
    /// Changes a job that waits. It is left as it is if it was changed or started meanwhile.
    #[command(
        after_help = "Example:\n  simple-queue jobs edit 0199… --args '{\"user_id\": 43}' --priority -5"
    )]
    Edit {
        /// The job.
        id: Uuid,
        #[command(flatten)]
        change: Change,
    },
    /// Follows the jobs that match, until Ctrl-C: each is told when it comes to match, and when its status changes.
    Tail {
        #[command(flatten)]
        selection: Selection,
        /// How many are told at first.
        #[arg(long, default_value_t = 10)]
        last: usize,
        /// How often it is looked.
        #[arg(long, default_value = "1s", value_parser = crate::output::parse_duration, value_name = "TIME")]
        every: std::time::Duration,
    },
    /// Enqueues a job.
    #[command(
        after_help = "Examples:\n  simple-queue jobs new send_mail --arg user_id=42 --arg text=hello\n  simple-queue jobs new send_mail --queue slow --args '{\"user_id\": 42}'"
    )]
    New {
        /// The kind: the name of its `#[job]`.
        kind: String,
        /// The queue; the declared one by default.
        #[arg(long)]
        queue: Option<String>,
        /// An argument. The value is JSON, or else a text: `--arg id=7`, `--arg name=Ann`.
        #[arg(long = "arg", value_name = "NAME=VALUE", conflicts_with = "args")]
        arg: Vec<String>,
        /// All arguments, as JSON.
        #[arg(long, value_name = "JSON")]
        args: Option<String>,
        /// When it is due, for example 2026-12-24T18:00:00Z; now by default.
        #[arg(long, value_name = "TIME")]
        at: Option<DateTime<Utc>>,
        /// The priority; smaller is first.
        #[arg(long, allow_negative_numbers = true)]
        priority: Option<i16>,
    },
}

/// What is changed of a job; what is not named stays.
#[derive(Debug, Clone, ClapArgs)]
pub(crate) struct Change {
    /// The arguments, as JSON.
    #[arg(long, value_name = "JSON")]
    pub(crate) args: Option<String>,
    /// The priority; smaller is first.
    #[arg(long, allow_negative_numbers = true, value_name = "NUMBER")]
    pub(crate) priority: Option<i16>,
    /// When it is due, for example 2026-12-24T18:00:00Z.
    #[arg(long, value_name = "TIME")]
    pub(crate) at: Option<DateTime<Utc>>,
}

/// An act on the jobs that are meant.
#[derive(Debug, Clone, ClapArgs)]
pub(crate) struct Acting {
    #[command(flatten)]
    pub(crate) selection: Selection,
    /// Only says to how many jobs it would be done.
    #[arg(long)]
    pub(crate) dry_run: bool,
    /// Means all jobs, without a term.
    #[arg(long, conflicts_with = "terms")]
    pub(crate) all: bool,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Dlq {
    /// Groups dead letters by kind and error, the largest group first.
    #[command(after_help = "Example:\n  simple-queue dlq groups finished:-1d..")]
    Groups {
        #[command(flatten)]
        selection: Selection,
    },
    /// Lists dead letters with their last errors, the last first.
    List {
        #[command(flatten)]
        selection: Selection,
        /// How many at most.
        #[arg(long, default_value_t = 50)]
        limit: usize,
    },
    /// Puts dead letters back, due now, with all their attempts.
    Retry(Acting),
    /// Deletes dead letters.
    Delete(Acting),
}
