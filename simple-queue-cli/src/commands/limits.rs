//! Limits that hold for all machines.

use anyhow::Result;
use simple_queue::{LimitHolder, LimitKey, LimitState};

use super::now;
use crate::{
    args::{Connection, Format, Limits},
    exit::Exit,
    output::{Cell, List, shown},
};

const COLUMNS: &[&str] =
    &["limit", "at once", "declared", "in use", "tokens", "next start", "paused", "used by"];

const COLUMNS_OF_KEYS: &[&str] =
    &["key", "at once", "running", "waiting", "since", "paused", "halted by", "retried"];

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
        Limits::Keys { name, after, limit } => {
            let mut list = List::new(COLUMNS_OF_KEYS);
            for key in all.keys(&name, after.as_deref(), limit).await? {
                list.push(row_of_key(&key));
            }
            list.write(format, now(), "no key of this limit has jobs");
            return Ok(if list.is_empty() { Exit::Nothing } else { Exit::Done });
        }
        Limits::Set { ref name, concurrency, ref key } => match key {
            Some(key) => all.set_key(name, key, concurrency).await?,
            None => all.set(name, concurrency).await?,
        },
        Limits::Reset { ref name, ref key } => match key {
            Some(key) => all.reset_key(name, key).await?,
            None => all.reset(name).await?,
        },
        Limits::Pause { ref name, ref key } => match key {
            Some(key) => all.pause_key(name, key).await?,
            None => all.pause(name).await?,
        },
        Limits::Resume { ref name, ref key } => match key {
            Some(key) => all.resume_key(name, key).await?,
            None => all.resume(name).await?,
        },
        Limits::Skip { ref name, ref key } => {
            if !all.skip(name, key).await? {
                anstream::eprintln!("no dead job halts {}", target(name, Some(key)));
                return Ok(Exit::Nothing);
            }
        }
    }
    anstream::eprintln!("{}", done(&limits));
    Ok(Exit::Done)
}

/// What an act does, in words; `None`: it only looks.
fn words(limits: &Limits) -> Option<String> {
    Some(match limits {
        Limits::List | Limits::Keys { .. } => return None,
        Limits::Set { name, concurrency, key } => {
            format!("let {concurrency} jobs run at once under {}", target(name, key.as_ref()))
        }
        Limits::Reset { name, key } => format!("reset {}", target(name, key.as_ref())),
        Limits::Pause { name, key } => format!("pause {}", target(name, key.as_ref())),
        Limits::Resume { name, key } => format!("resume {}", target(name, key.as_ref())),
        Limits::Skip { name, key } => {
            format!("skip the dead job that halts {}", target(name, Some(key)))
        }
    })
}

/// What an act has done, in words.
fn done(limits: &Limits) -> String {
    match limits {
        Limits::List | Limits::Keys { .. } => String::new(),
        Limits::Set { name, concurrency, key } => {
            format!("{}: {concurrency} at once, until `reset`", target(name, key.as_ref()))
        }
        Limits::Reset { name, key } => {
            format!("{} is as the code declares it", target(name, key.as_ref()))
        }
        Limits::Pause { name, key } => {
            format!("no more jobs start under {}", target(name, key.as_ref()))
        }
        Limits::Resume { name, key } => {
            format!("jobs start under {} again", target(name, key.as_ref()))
        }
        Limits::Skip { name, key } => format!("{} goes on", target(name, Some(key))),
    }
}

fn target(name: &str, key: Option<&String>) -> String {
    match key {
        Some(key) => format!("the key `{}` of the limit `{}`", shown(key), shown(name)),
        None => format!("the limit `{}`", shown(name)),
    }
}

fn number(number: Option<u32>) -> Cell {
    Cell::Count(number.map_or_else(|| "any".to_owned(), |number| number.to_string()))
}

fn row(state: &LimitState) -> Vec<Cell> {
    let holder = |holder: &LimitHolder| format!("{} {}: {}", holder.host, holder.pid, holder.held);
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

fn row_of_key(key: &LimitKey) -> Vec<Cell> {
    vec![
        Cell::text(&key.key),
        number(key.set_to.or(key.declared)),
        Cell::number(key.running),
        Cell::number(key.waiting),
        Cell::Time(key.waiting_since),
        Cell::Time(key.paused_at),
        Cell::text(key.halted_by.map(|id| id.to_string()).unwrap_or_default()),
        Cell::Time(key.retry_at),
    ]
}
