//! Kinds of jobs.

use anyhow::Result;
use simple_queue::{KindArgument, KindState};

use super::now;
use crate::{
    args::{Connection, Format},
    exit::Exit,
    output::{Cell, List},
};

const COLUMNS: &[&str] =
    &["kind", "queue", "workers", "version", "arguments", "declared in", "declared"];

pub(super) async fn run(connection: &Connection, format: Format) -> Result<Exit> {
    let mut list = List::new(COLUMNS);
    for kind in connection.queue().await?.kinds().await? {
        list.push(row(&kind));
    }
    list.write(format, now(), "no worker has declared a kind");
    Ok(if list.is_empty() { Exit::Nothing } else { Exit::Done })
}

fn row(kind: &KindState) -> Vec<Cell> {
    let arguments: Vec<String> = kind.arguments.iter().map(argument).collect();
    vec![
        Cell::text(&kind.kind),
        Cell::text(&kind.queue),
        Cell::number(kind.workers),
        Cell::Count(kind.version.to_string()),
        Cell::text(arguments.join(", ")),
        Cell::text(&kind.declared_in),
        Cell::Time(Some(kind.declared_at)),
    ]
}

/// `user_id: i64`, with `= …` if it may be left out.
fn argument(argument: &KindArgument) -> String {
    let default = if argument.has_default { " = …" } else { "" };
    format!("{}: {}{default}", argument.name, argument.ty)
}
