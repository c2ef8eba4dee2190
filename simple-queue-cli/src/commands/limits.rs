//! Limits that hold for all machines.

use anyhow::Result;
use simple_queue::LimitState;

use super::now;
use crate::{
    args::{Connection, Format, Limits},
    exit::Exit,
    output::{Cell, List, shown},
};

const COLUMNS: &[&str] =
    &["limit", "at once", "declared", "in use", "tokens", "next start", "paused", "used by"];

pub(super) async fn run(connection: &Connection, format: Format, limits: Limits) -> Result<Exit> {
    let admin = connection.for_act(words(&limits)).await?;
    let all = admin.limits();
    match limits {
        Limits::List => {
            let mut list = List::new(COLUMNS);
            for state in all.list().await? {
                list.push(row(&state));
            }
            list.write(format, now(), "no worker has declared a limit");
            return Ok(if list.is_empty() { Exit::Nothing } else { Exit::Done });
        }
        Limits::Set { name, concurrency } => {
            all.set(&name, concurrency).await?;
            anstream::eprintln!("`{}`: {concurrency} at once, until `reset`", shown(&name));
        }
        Limits::Reset { name } => {
            all.reset(&name).await?;
            anstream::eprintln!("`{}` is as the code declares it", shown(&name));
        }
        Limits::Pause { name } => {
            all.pause(&name).await?;
            anstream::eprintln!("no more jobs start under `{}`", shown(&name));
        }
        Limits::Resume { name } => {
            all.resume(&name).await?;
            anstream::eprintln!("jobs start under `{}` again", shown(&name));
        }
    }
    Ok(Exit::Done)
}

/// What an act does, in words; `None`: it only looks.
fn words(limits: &Limits) -> Option<String> {
    Some(match limits {
        Limits::List => return None,
        Limits::Set { name, concurrency } => {
            format!("let {concurrency} jobs run at once under the limit `{}`", shown(name))
        }
        Limits::Reset { name } => format!("reset the limit `{}`", shown(name)),
        Limits::Pause { name } => format!("pause the limit `{}`", shown(name)),
        Limits::Resume { name } => format!("resume the limit `{}`", shown(name)),
    })
}

fn row(state: &LimitState) -> Vec<Cell> {
    let number = |number: Option<u32>| {
        Cell::Count(number.map_or_else(|| "any".to_owned(), |number| number.to_string()))
    };
    let holder = |holder: &simple_queue::LimitHolder| {
        format!("{} {}: {}", holder.host, holder.pid, holder.held)
    };
    vec![
        Cell::text(&state.name),
        number(state.concurrency()),
        number(state.declared),
        Cell::number(state.lent),
        Cell::Count(state.rate.as_ref().map(|rate| rate.tokens.to_string()).unwrap_or_default()),
        Cell::Time(state.rate.as_ref().map(|rate| rate.next_at)),
        Cell::Time(state.paused_at),
        Cell::text(state.holders.iter().map(holder).collect::<Vec<_>>().join(", ")),
    ]
}
