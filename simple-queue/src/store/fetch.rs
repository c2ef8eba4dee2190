//! Statements that claim jobs, and the answer of a claim.

use std::{
    borrow::Cow,
    collections::{BTreeMap, HashMap},
    time::{Duration, Instant},
};

use chrono::{DateTime, Utc};
use serde::Serialize;
use sqlx::{PgConnection, Row, postgres::PgRow, types::Json};
use uuid::Uuid;

use super::{
    Completed, Store,
    claimed::{Claimed, FetchSummary, FetchedJob, KeyToken, read_summary},
    decode::{interval, seconds},
    finish::bind_completed,
    statements::Bound,
    visit_summary::VisitSummary,
};
use crate::row::RuleId;

/// What a process can start now, of one queue.
#[derive(Debug, Clone, Serialize)]
pub(crate) struct Demand {
    pub(crate) queue: String,
    pub(crate) permits: usize,
    /// The priorities that are known to be in use.
    pub(crate) priorities: Vec<i16>,
    /// Unknown priorities are searched from the one after this.
    pub(crate) probe_after: i32,
    /// Upper bound of unknown priorities to find.
    pub(crate) probes: usize,
    pub(crate) shares: Vec<DemandedShare>,
}

/// Kinds of a queue that share a limit, and how many of them can start.
#[derive(Debug, Clone, Serialize)]
pub(crate) struct DemandedShare {
    pub(crate) permits: usize,
    /// `None`: all kinds of the queue except `excluded`.
    pub(crate) kinds: Option<Vec<&'static str>>,
    pub(crate) excluded: Vec<Cow<'static, str>>,
    /// Where reading of each priority starts; a priority without an entry is read from its beginning.
    pub(crate) floors: Vec<LaneFloor>,
}

impl DemandedShare {
    /// Whether jobs of this kind are among them.
    pub(crate) fn takes(&self, kind: &str) -> bool {
        match &self.kinds {
            Some(kinds) => kinds.contains(&kind),
            None => !self.excluded.iter().any(|excluded| excluded == kind),
        }
    }
}

/// A place in a lane: as far as its process knows, no due job lies before it.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub(crate) struct LaneFloor {
    pub(crate) priority: i16,
    /// `None`: [`MARGIN`] before now.
    #[serde(flatten)]
    pub(crate) at: Option<Position>,
}

/// A place in the order in which the jobs of a lane are due.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub(crate) struct Position {
    pub(crate) run_at: DateTime<Utc>,
    pub(crate) id: Uuid,
}

/// 0.6 s: longer than most transactions that enqueue take, half a second included. A floor stays this far behind the
/// present. In a backlog, where reading past claimed rows is expensive, that costs nothing.
pub(crate) const MARGIN: Duration = Duration::from_millis(600);

/// How far a fetch may go.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Reach<'d> {
    pub(crate) demands: &'d [Demand],
    /// Upper bound of jobs of all demands together.
    pub(crate) limit: usize,
    /// Rows that another transaction has touched are tried too.
    pub(crate) include_touched: bool,
    /// The seconds that a step of priority is worth, of each queue whose jobs gain on more urgent ones as they wait.
    pub(crate) ages: &'d HashMap<String, f64>,
}

/// The result of a fetch.
#[derive(Debug)]
pub(crate) struct Fetched {
    /// The claimed jobs, the most urgent first.
    #[expect(
        clippy::vec_box,
        reason = "each is some hundred bytes and changes hands several times"
    )]
    pub(crate) jobs: Vec<Box<FetchedJob>>,
    /// Time until the next job of the served queues is due; known only if permits were left.
    pub(crate) next_due_in: Option<Duration>,
    /// The database's time of the claim.
    pub(crate) now: DateTime<Utc>,
    /// Upper bound of the claim.
    limit: usize,
    /// The priorities that it read of each queue; known only if permits were left.
    lanes: HashMap<String, Vec<i16>>,
    /// The indexes in `jobs` of each queue's jobs.
    by_queue: HashMap<String, Vec<usize>>,
}

impl Fetched {
    /// Whether more jobs of this queue may be due than were claimed, because permits were used up.
    pub(crate) fn stopped_by_limit(&self, demand: &Demand) -> bool {
        let full = |share: &DemandedShare| {
            let of_share = |fetched: &&FetchedJob| share.takes(fetched.job.kind());
            self.of_queue(&demand.queue).filter(of_share).count() >= share.permits
        };
        self.is_full() || self.used_up(demand) || demand.shares.iter().any(full)
    }

    /// Whether the queue could have used more permits; `None`: unknown, because the fetch may not have come to it.
    pub(crate) fn left_more(&self, demand: &Demand) -> Option<bool> {
        let used_up = self.used_up(demand);
        (used_up || !self.is_full()).then_some(used_up)
    }

    /// The shares of a demand, by their places in it, that were read to the end of a priority before the permits were
    /// used up in a later share of that priority.
    pub(crate) fn passed_over(&self, demand: &Demand) -> Vec<(usize, i16)> {
        let shares = &demand.shares;
        let mut claimed: BTreeMap<i16, Vec<usize>> = BTreeMap::new();
        // A share alone is never passed over.
        for fetched in self.of_queue(&demand.queue).filter(|_| shares.len() > 1) {
            let place = shares.iter().position(|share| share.takes(fetched.job.kind()));
            let of_priority =
                claimed.entry(fetched.priority).or_insert_with(|| vec![0; shares.len()]);
            if let Some(jobs) = place.and_then(|place| of_priority.get_mut(place)) {
                *jobs += 1;
            }
        }
        let passed = claimed.iter().flat_map(|(&priority, jobs)| {
            let last = jobs.iter().rposition(|&jobs| jobs > 0).unwrap_or_default();
            let before = jobs.iter().zip(shares).take(last).enumerate();
            let passed = before.filter(|(_, (jobs, share))| **jobs < share.permits);
            passed.map(move |(place, _)| (place, priority))
        });
        passed.collect()
    }

    /// The claim has as many jobs as it may have in all.
    fn is_full(&self) -> bool {
        self.jobs.len() >= self.limit
    }

    /// The permits of the queue were used up.
    fn used_up(&self, demand: &Demand) -> bool {
        self.of_queue(&demand.queue).count() >= demand.permits
    }

    /// Counts the time of tokens from this moment, when the claim was sent.
    pub(crate) fn note_sent(&mut self, sent: Instant) {
        for token in self.jobs.iter_mut().filter_map(|fetched| fetched.token.as_mut()) {
            token.start_by = Some(sent + token.start_within);
        }
    }

    /// The claimed jobs of a queue, the most urgent first.
    pub(crate) fn of_queue(&self, queue: &str) -> impl Iterator<Item = &FetchedJob> {
        let places = self.by_queue.get(queue).map(Vec::as_slice).unwrap_or_default();
        places.iter().filter_map(|&place| self.jobs.get(place).map(AsRef::as_ref))
    }

    pub(crate) fn lanes_of(&self, queue: &str) -> &[i16] {
        self.lanes.get(queue).map(Vec::as_slice).unwrap_or_default()
    }
}

impl Store {
    /// The payload of a job as it is stored, and its length; without the text if it is longer than `most`. `None`: the
    /// job is gone.
    pub(crate) async fn read_payload(
        &self,
        connection: &mut PgConnection,
        id: Uuid,
        most: i32,
    ) -> sqlx::Result<Option<(Option<String>, i32)>> {
        let read = self.statements.read_payload.query().bind("id", id).bind("longest", most);
        let row = read.fetch_optional(connection).await?;
        row.map(|row| Ok((row.try_get("text")?, row.try_get("length")?))).transpose()
    }

    /// Completes runs and claims due jobs, in one statement and one commit: at most `limit` jobs, and of each queue at
    /// most what is demanded. Returns the ids of the runs that it completed.
    pub(crate) async fn fetch_jobs(
        &self,
        connection: &mut PgConnection,
        worker_id: Uuid,
        completed: Completed<'_>,
        reach: Reach<'_>,
    ) -> sqlx::Result<(Fetched, Vec<Uuid>)> {
        let has_age = |demand: &Demand| reach.ages.contains_key(&demand.queue);
        let query = if reach.demands.iter().any(has_age) {
            self.statements.fetch_jobs_by_age.query().bind("ages", Json(reach.ages))
        } else {
            self.statements.fetch_jobs.query()
        };
        let query = bind_completed(query, worker_id, completed, reach.include_touched);
        let rows = bind_reach(query, reach).fetch_all(connection).await?;
        Fetched::decode(&rows, worker_id, reach.limit)
    }
}

fn bind_reach<'r>(query: Bound<'r>, reach: Reach<'r>) -> Bound<'r> {
    query
        .bind("demand", Json(reach.demands))
        .bind("margin", interval(MARGIN))
        .bind("limit", i64::try_from(reach.limit).unwrap_or(i64::MAX))
}

impl Fetched {
    /// One row is the summary of the claim; each of the others is a claimed job. Returns the runs that were completed,
    /// too.
    pub(super) fn decode(
        rows: &[PgRow],
        worker_id: Uuid,
        limit: usize,
    ) -> sqlx::Result<(Self, Vec<Uuid>)> {
        let claimed = Claimed::read(rows)?;
        let jobs = claimed.jobs(worker_id, None)?;
        Ok(Self::of(jobs, claimed.summary, limit))
    }

    /// As above, for jobs that a visit claimed under a limit for each key.
    pub(super) fn decode_visit(
        rows: &[PgRow],
        worker_id: Uuid,
        limit: usize,
        rule: Option<RuleId>,
    ) -> sqlx::Result<(Self, Vec<Uuid>, VisitSummary)> {
        let claimed = Claimed::read(rows)?;
        let visit: VisitSummary = read_summary(claimed.text)?;
        let mut jobs = claimed.jobs(worker_id, rule)?;
        if let Some(times) = &visit.start_within {
            for fetched in &mut jobs {
                let token = |&within| KeyToken { start_within: seconds(within), start_by: None };
                fetched.token = times.get(&fetched.job.id).map(token);
            }
        }
        let (fetched, completed) = Self::of(jobs, claimed.summary, limit);
        Ok((fetched, completed, visit))
    }

    #[expect(clippy::vec_box, reason = "the jobs are moved on one by one")]
    fn of(
        mut jobs: Vec<Box<FetchedJob>>,
        summary: FetchSummary,
        limit: usize,
    ) -> (Self, Vec<Uuid>) {
        // An update returns its rows in table order.
        jobs.sort_unstable_by_key(|fetched| (fetched.priority, fetched.job.run_at, fetched.job.id));
        let mut by_queue: HashMap<String, Vec<usize>> = HashMap::new();
        let mut places = 0..jobs.len();
        for of_queue in jobs.chunk_by(|a, b| a.job.queue == b.job.queue) {
            let Some(first) = of_queue.first() else { continue };
            let of_queue = places.by_ref().take(of_queue.len());
            by_queue.entry(first.job.queue.clone()).or_default().extend(of_queue);
        }
        let FetchSummary { now, completed, wait, lanes } = summary;
        let (next_due_in, lanes) = (wait.map(seconds), lanes.unwrap_or_default());
        (Self { jobs, next_due_in, now, limit, lanes, by_queue }, completed)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn share(permits: usize, kinds: Option<Vec<&'static str>>) -> DemandedShare {
        DemandedShare { permits, kinds, excluded: Vec::new(), floors: Vec::new() }
    }

    /// A claim of this many jobs of each kind and priority.
    fn claim(shares: &[DemandedShare], jobs: &[(&str, i16, usize)]) -> (Demand, Fetched) {
        let demand = Demand {
            queue: "q".to_owned(),
            permits: 9,
            priorities: vec![0, 1],
            probe_after: 0,
            probes: 0,
            shares: shares.to_vec(),
        };
        let claimed = jobs.iter().flat_map(|&(kind, priority, jobs)| {
            (0..jobs).map(move |_| {
                let mut fetched =
                    FetchedJob::claimed_at(priority, DateTime::UNIX_EPOCH, Uuid::now_v7());
                fetched.job.kind = kind.to_owned();
                Box::new(fetched)
            })
        });
        let (now, completed) = (DateTime::UNIX_EPOCH, Vec::new());
        let summary = FetchSummary { now, completed, wait: None, lanes: None };
        let (fetched, _) = Fetched::of(claimed.collect(), summary, 9);
        (demand, fetched)
    }

    #[test]
    fn a_share_that_left_permits_was_read_to_its_end_if_a_later_one_has_jobs() {
        let shares =
            [share(2, Some(vec!["a"])), share(9, Some(vec!["b"])), share(2, Some(vec!["c"]))];
        let passed = |jobs: &[(&str, i16, usize)]| {
            let (demand, fetched) = claim(&shares, jobs);
            fetched.passed_over(&demand)
        };
        assert_eq!(passed(&[("b", 0, 9)]), [(0, 0)], "but not the share after it");
        assert_eq!(passed(&[("a", 0, 1), ("b", 0, 8)]), [(0, 0)]);
        assert_eq!(passed(&[("a", 0, 2), ("b", 0, 7)]), [], "it may have more");
        assert_eq!(passed(&[("a", 0, 9)]), []);
        assert_eq!(passed(&[("b", 0, 1), ("c", 1, 1)]), [(0, 0), (0, 1), (1, 1)]);
        assert_eq!(passed(&[]), []);
    }
}
