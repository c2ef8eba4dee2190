//! Finds the unique key that an open transaction holds.

use std::{collections::HashSet, time::Duration};

use uuid::Uuid;

use super::{Insertion, statements};
use crate::{database::Servers, enqueue::failure::Failure, row::NewJob};

/// Returns which of these jobs has a key that an open transaction holds; none if that transaction
/// has ended meanwhile.
///
/// No other session can read what a transaction has not committed. So half of the jobs are inserted
/// and rolled back. If that insert has to wait, the key is in this half, otherwise in the other.
pub(super) async fn find_held_key<'j>(
    servers: &Servers,
    insertion: Insertion<'_>,
    jobs: &'j [NewJob],
    among: &[Uuid],
) -> Option<&'j str> {
    const PATIENCE: Duration = Duration::from_millis(50);
    let is_held = async |jobs: &[&NewJob]| {
        let tried = servers.ask(statements(jobs), async |connection| {
            insertion.store.limit_lock_wait(connection, PATIENCE).await?;
            insertion.run(connection, jobs.iter().copied()).await?;
            Err::<(), _>(Failure::TakenBack)
        });
        matches!(tried.await, Err(Failure::Held { .. }))
    };
    let among: HashSet<&Uuid> = among.iter().collect();
    let mut suspects: Vec<&NewJob> = jobs.iter().filter(|job| among.contains(&job.id)).collect();
    suspects.sort_by(|a, b| a.unique_key.cmp(&b.unique_key));
    while suspects.len() > 1 {
        let others = suspects.split_off(suspects.len() / 2);
        if !is_held(&suspects).await {
            suspects = others;
        }
    }
    let [suspect] = suspects.as_slice() else { return None };
    let is_it = among.len() == 1 || is_held(&suspects).await;
    suspect.unique_key.as_deref().filter(|_| is_it)
}
