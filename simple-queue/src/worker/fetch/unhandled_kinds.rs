//! Tells of jobs that wait and that are not run here: a job that is in no `jobs![…]` list or was renamed, and a queue
//! that no process serves.

use std::{
    collections::{HashMap, hash_map::Entry},
    sync::Arc,
    time::{Duration, Instant},
};

use sqlx::PgConnection;

use crate::{
    database::{Dedicated, Servers},
    retry_pause::Pauses,
    store::{Store, UnhandledKind},
    upkeep::role::{Next, Role},
    worker::Worker,
};

/// The role that looks for them, and what it has said.
pub(in crate::worker) struct UnhandledKinds {
    worker: Arc<Worker>,
    connection: Dedicated,
    warned_at: HashMap<(String, String), Instant>,
}

/// 20 s after the start: other processes of a deploy may come later than this one.
const FIRST_LOOK: Duration = Duration::from_secs(20);

/// About 1 minute between two looks.
const LOOK: Duration = Duration::from_mins(1);

/// 1 hour, after which the same is said again.
const WARN_AGAIN: Duration = Duration::from_hours(1);

impl Role for UnhandledKinds {
    const NAME: &'static str = "unhandled kinds";

    fn first_in(&self) -> Duration {
        FIRST_LOOK
    }

    /// One look; says what is found and was not said before.
    async fn run_once(&mut self) -> sqlx::Result<Next> {
        let worker = &self.worker;
        let served = worker.client.served();
        let asked: Vec<(&str, Vec<&str>)> =
            served.iter().filter_map(|served| Some((&*served.queue, served.kinds()?))).collect();
        let (kinds, queues) = self
            .connection
            .ask(async |connection| find(&worker.store, connection, &asked).await)
            .await?;
        self.warned_at.retain(|_, at| at.elapsed() < WARN_AGAIN);
        for UnhandledKind { queue, kind, since } in kinds {
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
        Ok(Next::About(LOOK))
    }

    fn failed(error: &sqlx::Error) {
        tracing::debug!(%error, "jobs that no process runs could not be looked for; looking again in a minute");
    }

    fn retries_after(&self) -> Pauses {
        Pauses { first: LOOK, longest: LOOK, jitter: 0.2 }
    }
}

impl UnhandledKinds {
    pub(in crate::worker) fn new(worker: Arc<Worker>, servers: &Servers) -> Self {
        Self { worker, connection: Dedicated::new(servers), warned_at: HashMap::new() }
    }

    fn is_news(&mut self, queue: &str, kind: &str) -> bool {
        match self.warned_at.entry((queue.to_owned(), kind.to_owned())) {
            Entry::Occupied(_) => false,
            Entry::Vacant(entry) => {
                entry.insert(Instant::now());
                true
            }
        }
    }
}

type Found = (Vec<UnhandledKind>, Vec<(String, chrono::DateTime<chrono::Utc>)>);

async fn find(
    store: &Store,
    connection: &mut PgConnection,
    asked: &[(&str, Vec<&str>)],
) -> sqlx::Result<Found> {
    let kinds = match asked {
        [] => Vec::new(),
        asked => store.list_unhandled_kinds(connection, asked).await?,
    };
    Ok((kinds, store.list_unhandled_queues(connection).await?))
}
