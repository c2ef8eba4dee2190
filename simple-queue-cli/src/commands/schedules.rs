//! Schedules.

use anyhow::Result;
use simple_queue::ScheduleState;

use super::now;
use crate::{
    args::{Connection, Format, Schedules},
    exit::Exit,
    output::{Cell, List, line, shown},
};

const COLUMNS: &[&str] =
    &["schedule", "when", "queue", "next", "last", "waiting", "paused", "declared"];

pub(super) async fn run(
    connection: &Connection,
    format: Format,
    schedules: Schedules,
) -> Result<Exit> {
    let admin = connection.for_act(words(&schedules)).await?;
    let all = admin.schedules();
    match schedules {
        Schedules::List => {
            let mut list = List::new(COLUMNS);
            for state in all.list().await? {
                list.push(row(&state));
            }
            list.write(format, now(), "there is no schedule");
            return Ok(if list.is_empty() { Exit::Nothing } else { Exit::Done });
        }
        Schedules::Pause { name } => {
            all.pause(&name).await?;
            anstream::eprintln!("`{}` is paused", shown(&name));
        }
        Schedules::Resume { name } => {
            let was_paused = all.resume(&name).await?;
            let not = if was_paused { "" } else { "was not paused, and " };
            anstream::eprintln!("`{}` {not}goes on with its next tick", shown(&name));
        }
        Schedules::RunNow { name } => line(&all.run_now(&name).await?.to_string()),
        Schedules::Remove { name } => {
            if !all.remove(&name).await? {
                anstream::eprintln!("there is no schedule `{}`", shown(&name));
                return Ok(Exit::Nothing);
            }
            anstream::eprintln!("`{}` is removed", shown(&name));
        }
    }
    Ok(Exit::Done)
}

/// What an act does, in words; `None`: it only looks.
fn words(schedules: &Schedules) -> Option<String> {
    Some(match schedules {
        Schedules::List => return None,
        Schedules::Pause { name } => format!("pause the schedule `{}`", shown(name)),
        Schedules::Resume { name } => format!("resume the schedule `{}`", shown(name)),
        Schedules::RunNow { name } => format!("enqueue a job of the schedule `{}`", shown(name)),
        Schedules::Remove { name } => format!("remove the schedule `{}`", shown(name)),
    })
}

fn row(state: &ScheduleState) -> Vec<Cell> {
    let when = match (&state.schedule, &state.problem) {
        (Some(schedule), _) => schedule.describe(),
        (None, problem) => problem.clone().unwrap_or_default(),
    };
    vec![
        Cell::text(&state.name),
        Cell::text(when),
        Cell::text(&state.queue),
        Cell::Time(state.next.first().map(|tick| tick.at)),
        Cell::Time(state.last_at),
        Cell::number(state.waiting),
        Cell::Time(state.paused_at),
        Cell::Time(state.declared_at),
    ]
}
