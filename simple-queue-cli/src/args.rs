//! What can be typed.

use std::path::PathBuf;

use chrono::{DateTime, Utc};
use clap::{Args as ClapArgs, Parser, Subcommand, ValueEnum};
use clap_complete::Shell;
use uuid::Uuid;

/// What runs, what waits, what failed and why, and what to do about it.
#[derive(Debug, Parser)]
#[command(name = "simple-queue", version, max_term_width = 100, after_help = EXAMPLES)]
pub(crate) struct Args {
    #[command(flatten)]
    pub(crate) connection: Connection,
    #[command(flatten)]
    pub(crate) format: Format,
    /// When to use colours; `NO_COLOR` and `CLICOLOR_FORCE` count too.
    #[arg(long = "color", visible_alias = "colour", value_enum, default_value_t, global = true)]
    pub(crate) colour: Colour,
    #[command(subcommand)]
    pub(crate) command: Command,
}

const EXAMPLES: &str = "\
Examples:
  simple-queue status                                 the lines worth knowing
  simple-queue why --queue emails                     why nothing of it runs, and what to type
  simple-queue jobs list state:dead error:refused     which jobs failed so
  simple-queue jobs retry state:dead kind:send_mail   run them again
  simple-queue queues pause emails                    start no more of its jobs

The exit code is 0 if it was done, 1 if it failed, 2 if it was typed wrong, 3 if something is wrong
with the queue, 4 if nothing matched.";

/// Where the database is, and who acts.
#[derive(Debug, ClapArgs)]
pub(crate) struct Connection {
    /// Where the database is.
    #[arg(long, env = "DATABASE_URL", hide_env_values = true, global = true, value_name = "URL")]
    pub(crate) database_url: Option<String>,
    /// The schema of the tables, if it is not `simple_queue`.
    #[arg(long, env = "SIMPLE_QUEUE_SCHEMA", global = true, value_name = "NAME")]
    pub(crate) schema: Option<String>,
    /// Who acts, for the audit; `user@host` by default.
    #[arg(long = "as", env = "SIMPLE_QUEUE_ACTOR", global = true, value_name = "NAME")]
    pub(crate) actor: Option<String>,
}

/// How lists are written.
#[derive(Debug, Clone, Copy, ClapArgs)]
pub(crate) struct Format {
    /// Writes one JSON object a line.
    #[arg(long, global = true)]
    pub(crate) json: bool,
}

#[derive(Debug, Clone, Copy, Default, ValueEnum)]
pub(crate) enum Colour {
    #[default]
    Auto,
    Always,
    Never,
}

impl Colour {
    pub(crate) fn apply(self) {
        match self {
            Self::Auto => {}
            Self::Always => anstream::ColorChoice::Always.write_global(),
            Self::Never => anstream::ColorChoice::Never.write_global(),
        }
    }
}

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// The lines worth knowing: queues, workers, what failed. The exit code is 3 if something is wrong.
    Status,
    /// Why a job does not run, or a queue does not go on, and what to type.
    Why(Why),
    /// Finds jobs and acts on them.
    #[command(subcommand)]
    Jobs(Jobs),
    /// Lists queues, and pauses and resumes them.
    #[command(subcommand)]
    Queues(Queues),
    /// Lists the kinds of jobs with their arguments, as workers have declared them.
    Kinds,
    /// Lists the processes that run jobs.
    Workers,
    /// Lists the jobs that have been running for more than a few seconds.
    Running,
    /// Lists schedules and acts on them.
    #[command(subcommand)]
    Schedules(Schedules),
    /// Lists limits and acts on them.
    #[command(subcommand)]
    Limits(Limits),
    /// How many jobs ran, how they ended, how long they waited and took.
    Stats(Stats),
    /// What operators did, and acts on many jobs that go on.
    #[command(subcommand)]
    Audit(Audit),
    /// Creates or upgrades the tables.
    Migrate,
    /// Whether the database answers and has the tables. The exit code is 3 if not.
    Health,
    /// Writes the completions of a shell.
    Completions {
        /// The shell.
        shell: Shell,
    },
    /// Writes the manual pages into a directory.
    Man {
        /// The directory, which must exist.
        directory: PathBuf,
    },
}

/// What does not run.
#[derive(Debug, ClapArgs)]
pub(crate) struct Why {
    /// The job.
    #[arg(value_name = "JOB", conflicts_with = "queue")]
    pub(crate) job: Option<Uuid>,
    /// The queue.
    #[arg(long, value_name = "NAME")]
    pub(crate) queue: Option<String>,
}

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

/// An act on the jobs that are meant.
#[derive(Debug, Clone, ClapArgs)]
pub(crate) struct Acting {
    #[command(flatten)]
    pub(crate) selection: Selection,
    /// Only says to how many jobs it would be done.
    #[arg(long)]
    pub(crate) dry_run: bool,
    /// Does not ask.
    #[arg(long, short)]
    pub(crate) yes: bool,
    /// Means all jobs, without a term.
    #[arg(long, conflicts_with = "terms")]
    pub(crate) all: bool,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Queues {
    /// Lists the queues with what waits in them.
    List,
    /// Starts no more jobs of a queue, or of a kind in it, on all machines.
    #[command(
        after_help = "Example:\n  simple-queue queues pause emails --kind send_mail --for 2h --because 'provider down'"
    )]
    Pause {
        /// The queue.
        queue: String,
        /// Only jobs of this kind.
        #[arg(long)]
        kind: Option<String>,
        /// When the pause ends by itself, for example 90m, 2h or 1d from now.
        #[arg(long = "for", value_parser = crate::output::parse_duration, value_name = "TIME")]
        lasting: Option<std::time::Duration>,
        /// Why, for those who ask why nothing runs.
        #[arg(long, value_name = "REASON")]
        because: Option<String>,
    },
    /// Starts jobs of a paused queue, or of a paused kind in it, again.
    Resume {
        /// The queue.
        queue: String,
        /// Only jobs of this kind.
        #[arg(long)]
        kind: Option<String>,
    },
}

#[derive(Debug, Subcommand)]
pub(crate) enum Schedules {
    /// Lists the schedules with their next ticks.
    List,
    /// Enqueues no more jobs of a schedule.
    Pause {
        /// The schedule.
        name: String,
    },
    /// Lets a paused schedule go on, with its next tick.
    Resume {
        /// The schedule.
        name: String,
    },
    /// Enqueues a job of a schedule now, beside its ticks.
    RunNow {
        /// The schedule.
        name: String,
    },
    /// Removes a schedule.
    Remove {
        /// The schedule.
        name: String,
    },
}

#[derive(Debug, Subcommand)]
pub(crate) enum Limits {
    /// Lists the limits that hold for all machines, and who uses them.
    List,
    /// Sets how many jobs may run at once, until `reset`.
    Set {
        /// The limit.
        name: String,
        /// How many.
        concurrency: u32,
    },
    /// Goes back to what the code declares.
    Reset {
        /// The limit.
        name: String,
    },
    /// Starts no more jobs under a limit.
    Pause {
        /// The limit.
        name: String,
    },
    /// Starts jobs under a paused limit again.
    Resume {
        /// The limit.
        name: String,
    },
}

#[derive(Debug, ClapArgs)]
pub(crate) struct Stats {
    /// How far back, for example 90m, 24h or 7d.
    #[arg(long, default_value = "1h", value_parser = crate::output::parse_duration, value_name = "TIME")]
    pub(crate) since: std::time::Duration,
    /// What is told apart.
    #[arg(long, value_enum, default_value_t)]
    pub(crate) by: StatsBy,
    /// Of this queue only.
    #[arg(long)]
    pub(crate) queue: Option<String>,
    /// Of this kind only.
    #[arg(long)]
    pub(crate) kind: Option<String>,
}

#[derive(Debug, Clone, Copy, Default, ValueEnum)]
pub(crate) enum StatsBy {
    /// A line for each kind.
    #[default]
    Kind,
    /// A line for each queue.
    Queue,
    /// A line for each interval of time.
    Time,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Audit {
    /// Lists acts, the last first.
    List {
        /// How many at most.
        #[arg(long, default_value_t = 50)]
        limit: usize,
    },
    /// Shows an act: what it did, and how far it is.
    Show {
        /// The act.
        id: Uuid,
    },
    /// Ends an act on many jobs after its present thousand.
    Stop {
        /// The act.
        id: Uuid,
    },
    /// Goes on with an act that was stopped, or whose process has died.
    Resume {
        /// The act.
        id: Uuid,
    },
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    use super::*;

    #[test]
    fn no_two_arguments_contradict_each_other() {
        Args::command().debug_assert();
    }
}
