//! What can be typed about limits.

use clap::Subcommand;

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
        /// Of this key only, where the limit holds for each key.
        #[arg(long)]
        key: Option<String>,
    },
    /// Goes back to what the code declares.
    Reset {
        /// The limit.
        name: String,
        /// Of this key only, where the limit holds for each key.
        #[arg(long)]
        key: Option<String>,
    },
    /// Starts no more jobs under a limit.
    Pause {
        /// The limit.
        name: String,
        /// Of this key only, where the limit holds for each key.
        #[arg(long)]
        key: Option<String>,
    },
    /// Starts jobs under a paused limit again.
    Resume {
        /// The limit.
        name: String,
        /// Of this key only, where the limit holds for each key.
        #[arg(long)]
        key: Option<String>,
    },
    /// Lists the keys of a limit that have jobs, and what holds them up.
    Keys {
        /// The limit, for example `key:emails/send_welcome` or `order:books/post_entry`.
        name: String,
        /// Those after this key.
        #[arg(long)]
        after: Option<String>,
        /// At most so many.
        #[arg(long, default_value_t = 100)]
        limit: u32,
    },
    /// Lets the sequence of a key go on past the dead job that halts it.
    Skip {
        /// The limit, for example `order:books/post_entry`.
        name: String,
        /// The key.
        key: String,
    },
}
