//! Statements about limits that hold for each key: their declaration, and what operators see and change. Their jobs are
//! claimed by [`visits`](super::visits).

use std::time::Duration;

use chrono::{DateTime, Utc};
use sqlx::{PgConnection, Row, types::Json};
use uuid::Uuid;

use super::{
    Store,
    decode::{Columns, columns, interval},
    rate_row::RateRow,
};
use crate::job::{KeyLimit, Rate, StoredRate};

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
