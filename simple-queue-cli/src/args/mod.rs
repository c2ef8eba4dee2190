//! What can be typed.

mod jobs;
mod limits;
mod serve;

pub(crate) use jobs::{Acting, Change, Dlq, Jobs, Selection};
pub(crate) use limits::Limits;
pub(crate) use serve::Serve;

use std::path::PathBuf;

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
  simple-queue doctor                                 what is wrong, and what repairs it
  simple-queue top                                    what happens now
  simple-queue serve                                  all of that in a browser

The exit code is 0 if it was done, 1 if it failed, 2 if it was typed wrong, 3 if something is wrong
with the queue, 4 if nothing matched.";

/// Where the database is, and who acts.
#[derive(Debug, ClapArgs)]
pub(crate) struct Connection {
    /// Where the database is. Otherwise the context says it, then `SIMPLE_QUEUE_DATABASE_URL`, then
    /// `DATABASE_URL`, then the variables of libpq, as `PGHOST`.
    #[arg(long, global = true, value_name = "URL")]
    pub(crate) database_url: Option<String>,
    /// A database by its name in `~/.config/simple-queue/config.toml`; also `SIMPLE_QUEUE_CONTEXT`.
    #[arg(long, global = true, value_name = "NAME")]
    pub(crate) context: Option<String>,
    /// The schema of the tables, if it is not `simple_queue`; also `SIMPLE_QUEUE_SCHEMA`.
    #[arg(long, global = true, value_name = "NAME")]
    pub(crate) schema: Option<String>,
    /// Does not ask before an act.
    #[arg(long, short, global = true)]
    pub(crate) yes: bool,
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
    /// Dead letters: groups them by error, lists them, runs them again, deletes them.
    #[command(subcommand)]
    Dlq(Dlq),
    /// What is wrong with the server, the tables, the processes, and what to type. The exit code is 3 if
    /// something is wrong.
    Doctor(Doctor),
    /// Shows what happens now, every second; `q` ends it.
    Top(Top),
    /// Serves the dashboard to browsers, on this machine unless it is told otherwise; Ctrl-C ends it.
    Serve(Serve),
    /// Creates or upgrades the tables.
    Migrate(Migrate),
    /// The tables beside those of this release.
    #[command(subcommand)]
    Schema(Schema),
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

/// What is wrong.
#[derive(Debug, ClapArgs)]
pub(crate) struct Doctor {
    /// Lets warnings count for the exit code too.
    #[arg(long)]
    pub(crate) strict: bool,
    /// How long a transaction may be open, or statistics be late, before that is a trouble; a job may be due for a
    /// fifth of it.
    #[arg(long, default_value = "5m", value_parser = crate::output::parse_duration, value_name = "TIME")]
    pub(crate) patience: std::time::Duration,
}

/// What happens now.
#[derive(Debug, ClapArgs)]
pub(crate) struct Top {
    /// Writes one picture as text, and ends.
    #[arg(long)]
    pub(crate) once: bool,
    /// How often it is looked.
    #[arg(long, default_value = "1s", value_parser = crate::output::parse_duration, value_name = "TIME")]
    pub(crate) every: std::time::Duration,
}

/// How the tables are made.
#[derive(Debug, ClapArgs)]
pub(crate) struct Migrate {
    /// Writes the statements that would run, for `psql -1` or migrations of one's own. Without a database, all.
    #[arg(long)]
    pub(crate) sql: bool,
    /// Lists what would run.
    #[arg(long, conflicts_with = "sql")]
    pub(crate) dry_run: bool,
    /// Writes all statements, as for an empty database, whatever is there.
    #[arg(long, requires = "sql")]
    pub(crate) all: bool,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Schema {
    /// What differs in the tables, indexes and functions, and the statements that repair it. The exit code is 3 if
    /// something does.
    Diff,
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
