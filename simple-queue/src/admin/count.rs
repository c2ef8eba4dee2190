//! Counts jobs.

use std::time::{Duration, Instant};

use super::{Admin, looking::Looker};
use crate::{Count, Error, JobFilter, database::again, filter::State};

impl Admin {
    /// Counts jobs: exactly where that is soon done, otherwise how many there are at least. It ends
    /// after 10,000 jobs, or after 100 ms.
    ///
    /// # Errors
    /// Those of [`Admin::find`].
    pub async fn count(&self, filter: &JobFilter) -> Result<Count, Error> {
        self.demand_look(filter, false).await?;
        let is_due = match filter.state {
            State::Waiting => true,
            State::Later => false,
            _ => return self.count_rows(filter).await,
        };
        if !(self.sees_contents() && filter.is_of_the_state()) {
            return self.count_rows(filter).await;
        }
        match self.count_due(is_due).await {
            // The role is a viewer's, which may not read the columns of these indexes.
            Err(Error::MissingGrant { .. }) => self.count_rows(filter).await,
            counted => counted,
        }
    }

    async fn count_due(&self, due: bool) -> Result<Count, Error> {
        let counted = again!(tries => self.queue.ask_for(1, async |connection| {
            self.queue.store().count_due(connection, due, MOST).await
        }));
        let (counted, is_all) = counted.map_err(Error::database("count jobs"))?;
        let counted = counted.unsigned_abs();
        Ok(if is_all { Count::Exact(counted) } else { Count::AtLeast(counted) })
    }

    async fn count_rows(&self, filter: &JobFilter) -> Result<Count, Error> {
        let until = Instant::now() + LONGEST;
        let mut all = 0;
        // One table after another: the merge of a list would look at rows twice.
        let states = match filter.state {
            State::Any => vec![State::Live, State::Done, State::Dead],
            state => vec![state],
        };
        for state in states {
            let filter = JobFilter { state, ..filter.clone() };
            let looker = Looker::new(self.queue.store(), &filter, self.sees_contents());
            let mut next = Some(looker.first());
            while let Some(place) = next.take() {
                let step = self.step(&looker, place, 0).await?;
                all += step.matched;
                if step.next.is_some() && (all >= MOST.unsigned_abs() || Instant::now() >= until) {
                    return Ok(Count::AtLeast(all));
                }
                next = step.next;
            }
        }
        Ok(Count::Exact(all))
    }
}

/// 10,000 jobs, where a count ends.
const MOST: i64 = 10_000;

/// 100 ms, after which a count ends with what it has.
const LONGEST: Duration = Duration::from_millis(100);
