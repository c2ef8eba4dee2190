//! Tells of jobs that wait and that nobody here runs: a job that is in no `jobs![…]` list, or was renamed.

use std::{
    collections::{HashMap, hash_map::Entry},
    time::{Duration, Instant},
};

use crate::{
    store::{Dedicated, Store, UnservedKind},
    worker::registry::Served,
};

/// What has been said, and when there is another look.
#[derive(Debug)]
pub(in crate::worker) struct Unserved {
    next_look: Instant,
    said: HashMap<(String, String), Instant>,
}

/// Other processes of a deploy may come later than this one.
const FIRST_LOOK: Duration = Duration::from_mins(1);

/// Between two looks of a process that has nothing else to do.
const LOOK: Duration = Duration::from_mins(5);

/// The same is said once an hour.
const SAY_AGAIN: Duration = Duration::from_hours(1);

impl Unserved {
    pub(in crate::worker) fn new() -> Self {
        Self { next_look: Instant::now() + FIRST_LOOK, said: HashMap::new() }
    }

    pub(in crate::worker) fn is_due(&self) -> bool {
        Instant::now() >= self.next_look
    }

    /// One look; says what is found and was not said before.
    pub(in crate::worker) async fn run_once(
        &mut self,
        store: &Store,
        connection: &mut Dedicated,
        served: &[Served],
    ) -> sqlx::Result<()> {
        self.next_look = Instant::now() + LOOK;
        let asked: Vec<(&str, Vec<&str>)> =
            served.iter().filter_map(|served| Some((&*served.queue, served.kinds()?))).collect();
        if asked.is_empty() {
            return Ok(());
        }
        let unserved = connection
            .ask(async |connection| store.list_unserved_kinds(connection, &asked).await)
            .await?;
        let now = Instant::now();
        self.said.retain(|_, said| now.duration_since(*said) < SAY_AGAIN);
        for UnservedKind { queue, kind, since } in unserved {
            if let Entry::Vacant(unsaid) = self.said.entry((queue.clone(), kind.clone())) {
                unsaid.insert(now);
                tracing::warn!(
                    queue,
                    kind,
                    %since,
                    "jobs of a kind that this process does not run have been due for a while; list it in `jobs![…]`, or ignore this if another process runs it"
                );
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use sqlx::{PgPool, postgres::PgConnectOptions};

    use super::*;
    use crate::store::{Schema, Servers};

    #[tokio::test]
    async fn the_first_look_is_a_minute_away_and_the_next_are_rare() {
        let servers = Servers::of(PgPool::connect_lazy_with(PgConnectOptions::new()));
        let store = Store::new(Schema::default(), servers.pooled());
        let (mut unserved, mut connection) = (Unserved::new(), Dedicated::new(&servers));
        assert!(unserved.next_look <= Instant::now() + FIRST_LOOK);
        // Where nothing is served by kind there is nothing to ask.
        unserved.run_once(&store, &mut connection, &[]).await.unwrap();
        assert!(unserved.next_look > Instant::now() + FIRST_LOOK * 4);
    }
}
