//! Sees the runs of a test's workers.

use std::{collections::HashMap, sync::Arc, time::Duration};

use parking_lot::Mutex;
use tokio::time::{Instant, timeout_at};

use super::Run;
use crate::{job::JobPayload, queue::observed::RunLog};

/// Sees the runs of a [`TestQueue`](super::TestQueue), from when
/// [`spy`](super::TestQueue::spy) was called on.
#[derive(Debug)]
pub struct Spy {
    log: Arc<RunLog>,
    first: usize,
    /// How many runs of each kind were returned.
    returned: Mutex<HashMap<&'static str, usize>>,
}

impl Spy {
    pub(super) fn new(log: Arc<RunLog>) -> Self {
        let first = log.len();
        Self { log, first, returned: Mutex::default() }
    }

    /// Waits for the next run of this kind whose end is written, and returns it. One that has ended
    /// before the call counts too, so it makes no difference which is first. Each run is returned
    /// once.
    ///
    /// # Panics
    /// When there is none within this time; the message has the runs that there were.
    ///
    /// # Cancel safety
    /// Cancel safe.
    pub async fn next<J: JobPayload>(&self, within: Duration) -> Run {
        let until = Instant::now() + within;
        let mut changed = self.log.subscribe();
        loop {
            changed.mark_unchanged();
            if let Some(run) = self.take::<J>() {
                return run;
            }
            if timeout_at(until, changed.changed()).await.is_err() {
                let runs = self.runs();
                let runs: Vec<String> = runs.iter().map(|run| format!("\n  {run}")).collect();
                panic!(
                    "no run of `{}` within {within:?}; there were:{}",
                    J::KIND,
                    match &*runs {
                        [] => " none".to_owned(),
                        runs => runs.concat(),
                    }
                );
            }
        }
    }

    /// Returns all runs that it has seen.
    pub fn runs(&self) -> Vec<Run> {
        self.log.since(self.first).iter().map(|run| Run::of(run)).collect()
    }

    fn take<J: JobPayload>(&self) -> Option<Run> {
        let mut returned = self.returned.lock();
        let returned = returned.entry(J::KIND).or_default();
        let run = self.runs().into_iter().filter(Run::is_of::<J>).nth(*returned)?;
        *returned += 1;
        Some(run)
    }
}
