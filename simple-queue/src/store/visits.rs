//! Visits: the statements that claim jobs of keys.
//!
//! A job with a key is in no fetch index. What is scheduled is its *gate*: the limit and the key. `turns` is an
//! append-only letter box. Statements that enqueue, end or return a job only insert into it, so none of them waits for a
//! gate's row; and only a *visit*, which holds the gate's row, takes from it.
//!
//! Invariants, for each gate:
//! - In one snapshot, its running jobs and the `released` of its turns add up to `gates.running`.
//! - `gates.running` is at most the limit that was in force at the last claim.
//! - Where a job of it could start, a turn that is due leads to it, or a visit of it is under way.

use std::time::Duration;

use sqlx::{PgConnection, Row};
use uuid::Uuid;

use super::{
    Completed, Fetched, Store,
    decode::seconds,
    finish::bind_completed,
    statements::Bound,
    visit_summary::{Begun, VisitSummary},
};
use crate::{job::KeyLimit, row::RuleId};

/// What a visit asks for.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Visit<'v> {
    pub(crate) rule: RuleId,
    pub(crate) limit: KeyLimit,
    /// The name of the limit.
    pub(crate) name: &'v str,
    pub(crate) queue: &'v str,
    /// Upper bound of the jobs to claim.
    pub(crate) permits: usize,
    /// The gate after which it begins.
    pub(crate) after: &'v str,
    /// Where keys have shares: the one whose share of this round is not used up.
    pub(crate) begun: Option<&'v Begun>,
    pub(crate) places: Places,
    /// How long the jobs of this process take from their token to their start, where that is more than was thought.
    pub(crate) needs: Duration,
}

/// What becomes of the places of completed runs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Places {
    /// The next jobs of their keys take them over, and other keys get the permits that are left.
    First,
    /// The next jobs of their keys take them over, and no other key is visited.
    Only,
    /// They are released, so that other keys have their turn.
    Released,
}

/// The answer of a visit.
#[derive(Debug)]
pub(crate) struct Visited {
    pub(crate) fetched: Fetched,
    /// The runs that it completed.
    pub(crate) completed: Vec<Uuid>,
    pub(crate) summary: VisitSummary,
}

impl Store {
    /// Completes runs of one limit and claims the next jobs of its keys, in one statement and one commit.
    pub(crate) async fn visit_gates(
        &self,
        connection: &mut PgConnection,
        worker_id: Uuid,
        completed: Completed<'_>,
        visit: Visit<'_>,
    ) -> sqlx::Result<Visited> {
        if visit.limit.is_fair {
            return self.visit_keys(connection, worker_id, visit).await;
        }
        let query = match (visit.limit.rate, visit.places) {
            (Some(_), _) => self.visit_of_rate(worker_id, completed, visit),
            (None, Places::Only) => self.hand_over(worker_id, completed, visit),
            (None, _) => self.visit_of_number(worker_id, completed, visit),
        };
        let rows = query.fetch_all(connection).await?;
        let (fetched, completed, summary) =
            Fetched::decode_visit(&rows, worker_id, visit.permits, Some(visit.rule))?;
        Ok(Visited { fetched, completed, summary })
    }

    /// Returns the limits of which a visit has something to do, and the time until the next turn of the others.
    pub(crate) async fn look_for_turns(
        &self,
        connection: &mut PgConnection,
        names: &[&str],
    ) -> sqlx::Result<(Vec<String>, Option<Duration>)> {
        let look = self.statements.look_for_turns.query().bind("rules", names);
        let row = look.fetch_one(connection).await?;
        let wait: Option<f64> = row.try_get("wait")?;
        Ok((row.try_get("rules")?, wait.map(seconds)))
    }

    fn visit_of_number<'v>(
        &'v self,
        worker_id: Uuid,
        completed: Completed<'v>,
        visit: Visit<'v>,
    ) -> Bound<'v> {
        let statement = match visit.limit.order {
            Some(_) => &self.statements.visit_sequences,
            None => &self.statements.visit_gates,
        };
        let query = bind_completed(statement.query(), worker_id, completed, LOCKED);
        let query = bind_hand_over(bind_after(query, visit), visit);
        bind_limit(query, visit, self.schema.channel())
    }

    fn hand_over<'v>(
        &'v self,
        worker_id: Uuid,
        completed: Completed<'v>,
        visit: Visit<'v>,
    ) -> Bound<'v> {
        let statement = match visit.limit.order {
            Some(_) => &self.statements.hand_over_in_order,
            None => &self.statements.hand_over,
        };
        let query = bind_completed(statement.query(), worker_id, completed, UNTOUCHED);
        bind_limit(bind_hand_over(query, visit), visit, self.schema.channel())
    }

    fn visit_of_rate<'v>(
        &'v self,
        worker_id: Uuid,
        completed: Completed<'v>,
        visit: Visit<'v>,
    ) -> Bound<'v> {
        let query = self.statements.visit_rated_gates.query();
        let query = bind_completed(query, worker_id, completed, LOCKED);
        let query = query.bind("needs", visit.needs.as_secs_f64());
        bind_limit(bind_after(query, visit), visit, self.schema.channel())
    }

    /// Claims the next jobs of keys that share a queue. Their ends concern no other job, so nothing remembers by what
    /// they were claimed.
    async fn visit_keys(
        &self,
        connection: &mut PgConnection,
        worker_id: Uuid,
        visit: Visit<'_>,
    ) -> sqlx::Result<Visited> {
        let (begun_key, begun) = visit.begun.map_or(("", 0), |begun| (&begun.key, begun.jobs));
        let query = self.statements.visit_keys.query();
        let query = query.bind("worker_id", worker_id).bind("begun_key", begun_key);
        let query = bind_after(query.bind("begun", begun), visit);
        let query = bind_limit(query, visit, self.schema.channel());
        let rows = query.fetch_all(connection).await?;
        let (fetched, _, summary) = Fetched::decode_visit(&rows, worker_id, visit.permits, None)?;
        Ok(Visited { fetched, completed: Vec::new(), summary })
    }
}

/// A visit holds gates, so it must never wait for a job: rows are locked, or left out.
const LOCKED: bool = true;

/// A hand-over holds none, so it may wait for a job as a fetch may: for one that another transaction touches just now.
const UNTOUCHED: bool = false;

fn bind_hand_over<'v>(query: Bound<'v>, visit: Visit<'v>) -> Bound<'v> {
    query.bind("hands_over", visit.places != Places::Released)
}

fn bind_after<'v>(query: Bound<'v>, visit: Visit<'v>) -> Bound<'v> {
    query.bind("after", visit.after)
}

fn bind_limit<'v>(query: Bound<'v>, visit: Visit<'v>, channel: String) -> Bound<'v> {
    query
        .bind("rule", visit.name)
        .bind("queue", visit.queue)
        .bind("permits", i64::try_from(visit.permits).unwrap_or(i64::MAX))
        .bind("channel", channel)
}
