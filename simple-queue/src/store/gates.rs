//! Statements about limits that hold for each key.
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

use chrono::{DateTime, Utc};
use sqlx::{PgConnection, Row, types::Json};
use uuid::Uuid;

use super::{
    Completed, Fetched, Store,
    decode::{Columns, columns, interval, seconds},
    finish::bind_completed,
    rate_row::RateRow,
    statements::Bound,
    visit_summary::{Begun, VisitSummary},
};
use crate::{
    job::{KeyLimit, Rate, StoredRate},
    row::RuleId,
};

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

/// A key of a limit, as operators see it.
#[derive(Debug)]
pub(crate) struct KeyRow {
    pub(crate) gate: String,
    pub(crate) concurrency: Option<i32>,
    pub(crate) concurrency_set: Option<i32>,
    pub(crate) paused_at: Option<DateTime<Utc>>,
    pub(crate) running: i32,
    pub(crate) waiting: i64,
    pub(crate) waiting_since: Option<DateTime<Utc>>,
    /// The job of a sequence on which the others wait, and when it goes on; `None`: when an operator says so.
    pub(crate) halted_by: Option<Uuid>,
    pub(crate) retry_at: Option<DateTime<Utc>>,
    pub(crate) rate: Option<RateRow>,
    pub(crate) weight: Option<i32>,
}

/// What an operator sets for a key; nothing: what the limit says holds again.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct KeyChange {
    pub(crate) concurrency: Option<i32>,
    pub(crate) rate: Option<Rate>,
    pub(crate) weight: Option<i32>,
    pub(crate) paused: Option<bool>,
}

/// Which key is meant.
#[derive(Debug, Clone, Copy)]
pub(crate) enum GateOf<'g> {
    Key(&'g str),
    /// The key of this job.
    Job(Uuid),
}

columns! {
    KeyColumns {
        gate, concurrency, concurrency_set, paused_at, running, waiting, waiting_since, halted_by, retry_at,
        weight
    }
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
        let query = match visit.limit.rate {
            Some(_) => self.visit_of_rate(worker_id, completed, visit),
            None => self.visit_of_number(worker_id, completed, visit),
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
        let (statements, in_order) = (&self.statements, visit.limit.order.is_some());
        let statement = match (visit.places, in_order) {
            (Places::Only, false) => &statements.hand_over,
            (Places::Only, true) => &statements.hand_over_in_order,
            (_, false) => &statements.visit_gates,
            (_, true) => &statements.visit_sequences,
        };
        // A hand-over holds no gate, so it may wait for a job as a fetch may.
        let include_touched = visit.places != Places::Only;
        let query = bind_completed(statement.query(), worker_id, completed, include_touched);
        let query = query.bind("hands_over", visit.places != Places::Released);
        let query = bind_limit(query, visit, self.schema.channel());
        if visit.places == Places::Only { query } else { query.bind("after", visit.after) }
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
        bind_limit(query, visit, self.schema.channel()).bind("after", visit.after)
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
        let query = query.bind("begun", begun).bind("after", visit.after);
        let query = bind_limit(query, visit, self.schema.channel());
        let rows = query.fetch_all(connection).await?;
        let (fetched, _, summary) = Fetched::decode_visit(&rows, worker_id, visit.permits, None)?;
        Ok(Visited { fetched, completed: Vec::new(), summary })
    }

    /// Records a limit for each key that a process declares.
    pub(crate) async fn declare_key_limits(
        &self,
        connection: &mut PgConnection,
        limits: &[(&str, KeyLimit)],
    ) -> sqlx::Result<()> {
        let most =
            |limit: &KeyLimit| limit.most().map(|most| i32::try_from(most).unwrap_or(i32::MAX));
        let names: Vec<&str> = limits.iter().map(|(name, _)| *name).collect();
        let concurrencies: Vec<Option<i32>> = limits.iter().map(|(_, limit)| most(limit)).collect();
        let rates: Vec<Option<Json<StoredRate>>> = limits
            .iter()
            .map(|(_, limit)| {
                limit.rate.map(|rate| {
                    let rate = StoredRate::from(rate).with_costs(limit.has_costs);
                    Json(rate)
                })
            })
            .collect();
        let after_failures: Vec<Option<&str>> =
            limits.iter().map(|(_, limit)| limit.after_failure()).collect();
        self.statements
            .declare_key_limits
            .query()
            .bind("names", names)
            .bind("concurrencies", concurrencies)
            .bind("rates", rates)
            .bind("after_failures", after_failures)
            .execute(connection)
            .await?;
        Ok(())
    }

    /// Writes the turns that a limit owes since it was raised or resumed, if no other process does so.
    pub(crate) async fn write_owed_turns(
        &self,
        connection: &mut PgConnection,
        name: &str,
    ) -> sqlx::Result<()> {
        let write = self.statements.write_owed_turns.query().bind("rule", name);
        write.bind("channel", self.schema.channel()).execute(connection).await?;
        Ok(())
    }

    /// Cancels jobs that wait behind a failed one of their sequence, where those are dropped. Returns how many, and
    /// whether more may be left.
    pub(crate) async fn drop_sequences(
        &self,
        connection: &mut PgConnection,
        name: &str,
    ) -> sqlx::Result<(i64, bool)> {
        let drop = self.statements.drop_sequences.query().bind("rule", name);
        let row = drop.bind("channel", self.schema.channel()).fetch_one(connection).await?;
        Ok((row.try_get("dropped")?, row.try_get("is_left")?))
    }

    /// Sets a number or a rate for one key, or pauses it. Nothing: what the limit says holds. Returns whether there is
    /// such a limit, with a number or a rate if one is set.
    pub(crate) async fn set_limit_of_key(
        &self,
        connection: &mut PgConnection,
        gate: &str,
        change: KeyChange,
    ) -> sqlx::Result<bool> {
        let KeyChange { concurrency, rate, weight, paused } = change;
        let rate = rate.map(|rate| Json(StoredRate::from(rate)));
        let set = self.statements.set_limit_of_key.query().bind("gate", gate);
        let set = set.bind("concurrency", concurrency).bind("rate", rate);
        let set = set.bind("weight", weight).bind("paused", paused);
        let set = set.bind("channel", self.schema.channel());
        Ok(set.fetch_optional(connection).await?.is_some())
    }

    /// The keys of a limit whose jobs run or wait, at most `most`: those after this gate, or this one alone.
    pub(crate) async fn list_limit_keys(
        &self,
        connection: &mut PgConnection,
        name: &str,
        gate: Option<&str>,
        most: i64,
    ) -> sqlx::Result<Vec<KeyRow>> {
        let list = self.statements.list_limit_keys.query().bind("rule", name);
        let rows = list.bind("gate", gate).bind("limit", most).fetch_all(connection).await?;
        KeyColumns::read(&rows, |row, columns| {
            Ok(KeyRow {
                gate: row.try_get(columns.gate)?,
                concurrency: row.try_get(columns.concurrency)?,
                concurrency_set: row.try_get(columns.concurrency_set)?,
                paused_at: row.try_get(columns.paused_at)?,
                running: row.try_get(columns.running)?,
                waiting: row.try_get(columns.waiting)?,
                waiting_since: row.try_get(columns.waiting_since)?,
                halted_by: row.try_get(columns.halted_by)?,
                retry_at: row.try_get(columns.retry_at)?,
                rate: RateRow::of(row)?,
                weight: row.try_get(columns.weight)?,
            })
        })
    }

    /// Lets no job of the key of this running job start for this time.
    pub(crate) async fn hold_gate(
        &self,
        connection: &mut PgConnection,
        job_id: Uuid,
        after: Duration,
    ) -> sqlx::Result<()> {
        let hold = self.statements.hold_gate.query().bind("job_id", job_id);
        hold.bind("after", interval(after)).execute(connection).await?;
        Ok(())
    }

    /// Takes tokens of the rate of a key whether they are there or not. Returns whether there is such a rate.
    pub(crate) async fn charge_gate(
        &self,
        connection: &mut PgConnection,
        of: GateOf<'_>,
        tokens: u32,
    ) -> sqlx::Result<bool> {
        let (gate, job_id) = match of {
            GateOf::Key(gate) => (Some(gate), None),
            GateOf::Job(id) => (None, Some(id)),
        };
        let tokens = i32::try_from(tokens).unwrap_or(i32::MAX);
        let charge = self.statements.charge_gate.query().bind("gate", gate);
        let charge = charge.bind("job_id", job_id).bind("tokens", tokens);
        Ok(charge.fetch_optional(connection).await?.is_some())
    }

    /// Deletes the gates of keys of which nothing is to be remembered.
    pub(crate) async fn delete_idle_gates(
        &self,
        connection: &mut PgConnection,
    ) -> sqlx::Result<()> {
        self.statements.delete_idle_gates.query().execute(connection).await?;
        Ok(())
    }

    /// Lets a sequence go on past the dead job that halts it. Returns whether it was halted.
    pub(crate) async fn skip_in_sequence(
        &self,
        connection: &mut PgConnection,
        gate: &str,
    ) -> sqlx::Result<bool> {
        let skip = self.statements.skip_in_sequence.query().bind("gate", gate);
        let skipped = skip.bind("channel", self.schema.channel());
        Ok(skipped.fetch_optional(connection).await?.is_some())
    }
}

/// A visit holds gates, so it must never wait for a job: rows are locked, or left out.
const LOCKED: bool = true;

fn bind_limit<'v>(query: Bound<'v>, visit: Visit<'v>, channel: String) -> Bound<'v> {
    query
        .bind("rule", visit.name)
        .bind("queue", visit.queue)
        .bind("permits", i64::try_from(visit.permits).unwrap_or(i64::MAX))
        .bind("channel", channel)
}
