//! Tells of jobs that wait and that are not run here: a job that is in no `jobs![…]` list or was renamed, and a queue
//! that no process serves.

use std::{
    collections::{HashMap, hash_map::Entry},
    time::{Duration, Instant},
};

use sqlx::PgConnection;

use crate::{
    database::{Dedicated, Servers},
    store::{Store, UnservedKind},
    worker::Worker,
};

/// What has been said, and when there is another look.
#[derive(Debug)]
pub(super) struct Unserved {
    next_look: Instant,
    connection: Dedicated,
    said: HashMap<(String, String), Instant>,
}

/// 20 s after the start: other processes of a deploy may come later than this one.
const FIRST_LOOK: Duration = Duration::from_secs(20);

/// 1 minute between two looks.
const LOOK: Duration = Duration::from_mins(1);

/// 1 hour, after which the same is said again.
const SAY_AGAIN: Duration = Duration::from_hours(1);

impl Unserved {
    pub(super) fn new(servers: &Servers) -> Self {
        let connection = Dedicated::new(servers);
        Self { next_look: Instant::now() + FIRST_LOOK, connection, said: HashMap::new() }
    }

    pub(super) fn is_due(&self) -> bool {
        Instant::now() >= self.next_look
    }

    pub(super) fn due(&self) -> Instant {
        self.next_look
    }

    /// One look; says what is found and was not said before.
    pub(super) async fn run_once(&mut self, worker: &Worker) {
        // A hundred processes must not look in the same moment.
        self.next_look = Instant::now() + LOOK.mul_f64(0.9 + 0.1 * fastrand::f64());
        let served = worker.queue.served();
        let asked: Vec<(&str, Vec<&str>)> =
            served.iter().filter_map(|served| Some((&*served.queue, served.kinds()?))).collect();
        let found = self
            .connection
            .ask(async |connection| look(&worker.store, connection, &asked).await)
            .await;
        let (kinds, queues) = match found {
            Ok(found) => found,
            Err(error) => {
                tracing::debug!(%error, "jobs that no process runs could not be looked for; looking again in a minute");
                return;
            }
        };
        self.said.retain(|_, said| said.elapsed() < SAY_AGAIN);
        for UnservedKind { queue, kind, since } in kinds {
            if self.is_news(&queue, &kind) {
                tracing::warn!(
                    queue,
                    kind,
                    %since,
                    "jobs of a kind that this process does not run have been due for a while; list it in `jobs![…]`, or ignore this if another process runs it"
                );
            }
        }
        for (queue, since) in queues {
            if self.is_news(&queue, "") {
                tracing::warn!(
                    queue,
                    %since,
                    "jobs have been due for a while in a queue that no worker serves; register their handler in some process"
                );
            }
        }
    }

    fn is_news(&mut self, queue: &str, kind: &str) -> bool {
        match self.said.entry((queue.to_owned(), kind.to_owned())) {
            Entry::Occupied(_) => false,
            Entry::Vacant(unsaid) => {
                unsaid.insert(Instant::now());
                true
            }
        }
    }
}

type Found = (Vec<UnservedKind>, Vec<(String, chrono::DateTime<chrono::Utc>)>);

async fn look(
    store: &Store,
    connection: &mut PgConnection,
    asked: &[(&str, Vec<&str>)],
) -> sqlx::Result<Found> {
    let kinds = match asked {
        [] => Vec::new(),
        asked => store.list_unserved_kinds(connection, asked).await?,
    };
    Ok((kinds, store.list_unserved_queues(connection).await?))
}
