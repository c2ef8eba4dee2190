//! What can be typed about the dashboard.

use std::{net::SocketAddr, path::PathBuf};

use clap::Args as ClapArgs;

use crate::network::Network;

const EXAMPLES: &str = "\
Examples:
  simple-queue serve                                       on this machine, for who opens the printed URL
  simple-queue serve --listen 0.0.0.0:8321 --host queue.example.com --password-file /etc/queue.pw
  simple-queue serve --listen 10.0.0.5:8321 --host queue.example.com \\
      --trust-user-header X-Forwarded-User --from 10.0.0.0/8";

/// Who may see the dashboard, and where.
#[derive(Debug, ClapArgs)]
#[command(after_help = EXAMPLES)]
pub(crate) struct Serve {
    /// Where it listens. Another machine's address needs a password, or a proxy that says who it is.
    #[arg(long, default_value = "127.0.0.1:8321", value_name = "ADDRESS")]
    pub(crate) listen: SocketAddr,
    /// A name by which it may be asked, beside those of this machine for itself.
    #[arg(long = "host", value_name = "NAME")]
    pub(crate) hosts: Vec<String>,
    /// A file with the password in its first line. The name that is typed with it is the actor.
    #[arg(long, value_name = "FILE", conflicts_with = "trust_user_header")]
    pub(crate) password_file: Option<PathBuf>,
    /// The header in which a proxy says who it is.
    #[arg(long, value_name = "NAME", requires = "from")]
    pub(crate) trust_user_header: Option<String>,
    /// The addresses of that proxy; no other is believed.
    #[arg(long, value_name = "ADDRESSES", requires = "trust_user_header")]
    pub(crate) from: Vec<Network>,
    /// Offers no acts.
    #[arg(long)]
    pub(crate) read_only: bool,
    /// What the page says it is of; the name of the context by default.
    #[arg(long, value_name = "NAME")]
    pub(crate) name: Option<String>,
}
