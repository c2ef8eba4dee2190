//! Warns of due jobs that no handler takes: jobs that are in no `jobs![…]` list or were renamed, and queues that no
//! process serves.

use std::{
    collections::{HashMap, hash_map::Entry},
    sync::Arc,
    time::{Duration, Instant},
};

use sqlx::PgConnection;

use crate::{
    database::{Dedicated, Servers, failure::described},
    jitter,
    retry_pause::Pauses,
    store::{Store, UnhandledKind},
    telemetry,
    upkeep::role::{Next, Role},
    worker::Worker,
};

/// The role that searches for them, with its earlier warnings.
pub(in crate::worker) struct UnhandledKinds {
    worker: Arc<Worker>,
    connection: Dedicated,
    warned_at: HashMap<(String, String), Instant>,
}

/// About 20 s from the start to the first search: other processes of a deploy may start later than this one.
const FIRST_LOOK: Duration = Duration::from_secs(20);

/// About 1 minute between two searches.
const LOOK: Duration = Duration::from_mins(1);

/// 1 hour until a warning is repeated.
const WARN_AGAIN: Duration = Duration::from_hours(1);

impl Role for UnhandledKinds {
    const NAME: &'static str = "unhandled kinds";

    fn first_in(&self) -> Duration {
        jitter::around(FIRST_LOOK, 0.2)
    }

    /// One search; warns of what it finds and has not warned of before.
    async fn run_once(&mut self) -> sqlx::Result<Next> {
        let worker = &self.worker;
        let served = worker.client.served();
        let asked: Vec<(&str, Vec<&str>)> =
            served.iter().filter_map(|served| Some((&*served.queue, served.kinds()?))).collect();
        let (kinds, queues) = self
            .connection
            .ask(async |connection| find(&worker.store, connection, &asked).await)
            .await?;
        self.connection.close().await;
        self.warned_at.retain(|_, at| at.elapsed() < WARN_AGAIN);
        for UnhandledKind { queue, kind, since } in kinds {
            if self.is_news(&queue, &kind) {
                telemetry::fetch::kind_unhandled(&queue, &kind, &since);
            }
        }
        for (queue, since) in queues {
            if self.is_news(&queue, "") {
                telemetry::fetch::queue_unserved(&queue, &since);
            }
        }
        Ok(Next::About(LOOK))
    }

    fn failed(error: &sqlx::Error) {
        telemetry::fetch::unhandled_kinds_failed(&described(error));
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
