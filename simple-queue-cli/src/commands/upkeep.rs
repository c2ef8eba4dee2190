//! The tables, the health, and files for the shell.

use std::path::Path;

use anyhow::{Context, Result};
use clap::CommandFactory;
use clap_complete::Shell;
use simple_queue::PendingMigration;

use super::now;
use crate::{
    args::{Args, Connection, Format, Migrate},
    exit::Exit,
    output::{Cell, List, line},
};

pub(super) async fn migrate(
    connection: &Connection,
    format: Format,
    asked: &Migrate,
) -> Result<Exit> {
    if asked.sql {
        let parts = if asked.all || !connection.is_named() {
            connection.unconnected()?.all_migrations()
        } else {
            connection.queue().await?.pending_migrations().await?
        };
        for PendingMigration { name, sql, .. } in parts {
            line(&format!("-- {name}\n{sql}"));
        }
        return Ok(Exit::Done);
    }
    if asked.dry_run {
        let mut list = List::new(&["part", "replaces"]);
        for part in connection.queue().await?.pending_migrations().await? {
            list.push([Cell::text(part.name), Cell::text(part.replaces.unwrap_or_default())]);
        }
        list.write(format, now(), "nothing would run: the tables are those of this release");
        return Ok(Exit::Done);
    }
    connection.changing("create the tables or bring them up to date").await?.migrate().await?;
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
