//! Queues: what waits in them, pause and resume.

use anyhow::Result;
use simple_queue::{Count, Depth, QueueState};

use super::now;
use crate::{
    args::{Connection, Format, Queues},
    exit::Exit,
    output::{Cell, List, short, shown},
};

const COLUMNS: &[&str] = &["queue", "workers", "waiting", "later", "oldest", "paused", "counted"];

pub(super) async fn run(connection: &Connection, format: Format, queues: Queues) -> Result<Exit> {
    let queue = connection.for_act(words(&queues)).await?;
    match queues {
        Queues::List => {
            let list = list(&queue.queues().await?);
            list.write(format, now(), "no queue is known: no job waits, and no worker runs");
            Ok(if list.is_empty() { Exit::Nothing } else { Exit::Done })
        }
        Queues::Pause { queue: name } => {
            let paused = queue.pause(&name).await?;
            let name = shown(&name);
            anstream::eprintln!(
                "`{name}` is paused; `simple-queue queues resume {name}` ends that"
            );
            if !paused.is_known() {
                anstream::eprintln!(
                    "no worker serves it and no job waits in it: is the name right?"
                );
            }
            Ok(Exit::Done)
        }
        Queues::Resume { queue: name } => {
            let was_paused = queue.resume(&name).await?;
            let (name, not) = (shown(&name), if was_paused { "" } else { "was not paused, and " });
            anstream::eprintln!("`{name}` {not}goes on");
            Ok(if was_paused { Exit::Done } else { Exit::Nothing })
        }
    }
}

/// What an act does, in words; `None`: it only looks.
fn words(queues: &Queues) -> Option<String> {
    Some(match queues {
        Queues::List => return None,
        Queues::Pause { queue } => format!("pause the queue `{}`", shown(queue)),
        Queues::Resume { queue } => format!("resume the queue `{}`", shown(queue)),
    })
}

pub(super) fn list(queues: &[QueueState]) -> List {
    let mut list = List::new(COLUMNS);
    for QueueState { name, workers, paused_at, depth, .. } in queues {
        let counted = |count: fn(Depth) -> Count| {
            Cell::Count(depth.map_or_else(|| "?".to_owned(), |depth| count(depth).to_string()))
        };
        let oldest = depth.and_then(|depth| depth.oldest).map(short);
        list.push([
            Cell::text(name),
            Cell::number(*workers),
            counted(|depth| depth.waiting),
            counted(|depth| depth.later),
            Cell::Count(oldest.unwrap_or_default()),
            Cell::Time(*paused_at),
            Cell::Time(depth.map(|depth| depth.at)),
        ]);
    }
    list
}
