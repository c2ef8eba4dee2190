//! Queues: what waits in them, pause and resume.

use anyhow::Result;
use simple_queue::{Count, Depth, QueueState};

use super::now;
use crate::{
    args::{Connection, Format, Queues},
    exit::Exit,
    output::{Cell, List, short, shown},
};

const COLUMNS: &[&str] =
    &["queue", "workers", "waiting", "later", "oldest", "paused", "paused kinds", "counted"];

pub(super) async fn run(connection: &Connection, format: Format, queues: Queues) -> Result<Exit> {
    let words = words(&queues);
    match queues {
        Queues::List => {
            let list = list(&connection.queue().await?.queues().await?);
            list.write(format, now(), "no queue is known: no job waits, and no worker runs");
            Ok(if list.is_empty() { Exit::Nothing } else { Exit::Done })
        }
        Queues::Pause { queue, kind, lasting, because } => {
            let admin = connection.for_act(words).await?;
            let mut pausing = admin.pause(&queue);
            if let Some(kind) = &kind {
                pausing = pausing.kind(kind);
            }
            if let Some(time) = lasting {
                pausing = pausing.lasting(time);
            }
            if let Some(reason) = because {
                pausing = pausing.because(reason);
            }
            let paused = pausing.await?;
            let (what, command) = named(&queue, kind.as_deref());
            anstream::eprintln!(
                "{what} is paused; `simple-queue queues resume {command}` ends that"
            );
            if !paused.is_known() {
                anstream::eprintln!(
                    "no worker serves the queue and no job waits in it: is the name right?"
                );
            }
            Ok(Exit::Done)
        }
        Queues::Resume { queue, kind } => {
            let admin = connection.for_act(words).await?;
            let resuming = admin.resume(&queue);
            let was_paused = match &kind {
                Some(kind) => resuming.kind(kind).await?,
                None => resuming.await?,
            };
            let (what, _) = named(&queue, kind.as_deref());
            let not = if was_paused { "" } else { "was not paused, and " };
            anstream::eprintln!("{what} {not}goes on");
            Ok(if was_paused { Exit::Done } else { Exit::Nothing })
        }
    }
}

/// What was paused, in words and as arguments.
fn named(queue: &str, kind: Option<&str>) -> (String, String) {
    let queue = shown(queue);
    match kind.map(shown) {
        None => (format!("`{queue}`"), queue),
        Some(kind) => (format!("`{kind}` in `{queue}`"), format!("{queue} --kind {kind}")),
    }
}

/// What an act does, in words; `None`: it only looks.
fn words(queues: &Queues) -> Option<String> {
    Some(match queues {
        Queues::List => return None,
        Queues::Pause { queue, kind, .. } => format!("pause {}", named(queue, kind.as_deref()).0),
        Queues::Resume { queue, kind } => format!("resume {}", named(queue, kind.as_deref()).0),
    })
}

pub(super) fn list(queues: &[QueueState]) -> List {
    let mut list = List::new(COLUMNS);
    for QueueState { name, workers, pause, paused_kinds, depth, .. } in queues {
        let counted = |count: fn(Depth) -> Count| {
            Cell::Count(depth.map_or_else(|| "?".to_owned(), |depth| count(depth).to_string()))
        };
        let oldest = depth.and_then(|depth| depth.oldest).map(short);
        let kinds: Vec<&str> =
            paused_kinds.iter().filter_map(|pause| pause.kind.as_deref()).collect();
        list.push([
            Cell::text(name),
            Cell::number(*workers),
            counted(|depth| depth.waiting),
            counted(|depth| depth.later),
            Cell::Count(oldest.unwrap_or_default()),
            Cell::Time(pause.as_ref().map(|pause| pause.since)),
            Cell::text(kinds.join(", ")),
            Cell::Time(depth.map(|depth| depth.at)),
        ]);
    }
    list
}
