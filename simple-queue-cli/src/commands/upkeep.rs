//! The tables, the health, and files for the shell.

use std::path::Path;

use anyhow::{Context, Result};
use clap::CommandFactory;
use clap_complete::Shell;

use crate::{
    args::{Args, Connection},
    exit::Exit,
    output::line,
};

pub(super) async fn migrate(connection: &Connection) -> Result<Exit> {
    connection.queue().await?.migrate().await?;
    anstream::eprintln!("the tables are those of this release");
    Ok(Exit::Done)
}

pub(super) async fn health(connection: &Connection) -> Result<Exit> {
    let health = connection.queue().await?.health().await;
    line(&health.to_string());
    Ok(if health.is_ready { Exit::Done } else { Exit::Wrong })
}

pub(super) fn completions(shell: Shell) -> Exit {
    let mut command = Args::command();
    let name = command.get_name().to_owned();
    clap_complete::generate(shell, &mut command, name, &mut std::io::stdout());
    Exit::Done
}

pub(super) fn man(directory: &Path) -> Result<Exit> {
    let written = clap_mangen::generate_to(Args::command(), directory);
    written.with_context(|| format!("the pages cannot be written to {}", directory.display()))?;
    Ok(Exit::Done)
}
