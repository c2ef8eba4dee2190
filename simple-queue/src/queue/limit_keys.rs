//! Operator's calls on single keys of a limit that holds for each key.

use chrono::{DateTime, Utc};
use serde_json::{Value, json};
use uuid::Uuid;

use super::{
    caller::{Change, control},
    limits::{Limits, RateState, concurrency_of, count},
};
use crate::{
    Error, LimitError,
    database::again,
    job::Rate,
    store::{GateOf, KeyChange, KeyRow},
};

/// 1,000, upper bound of a weight: a round goes through all keys.
const MOST_OF_A_WEIGHT: u32 = 1000;

/// A key of a limit that holds for each key, with jobs that wait or run.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct LimitKey {
    /// The key, as the declaration's template renders it.
    pub key: String,
    /// How many of its jobs may run at once, as the code declares it; `None`: any number.
    pub declared: Option<u32>,
    /// How many may run at once instead, as [`Limits::set_key`] or [`Limits::set`] has set it.
    pub set_to: Option<u32>,
    /// How many of its jobs may start in a time, and what is left of that; `None`: any number.
    pub rate: Option<RateState>,
    /// How many of its jobs start in a round, as [`Limits::set_weight`] has set it; `None`: one, where
    /// keys share fairly.
    pub weight: Option<u32>,
    /// When the key, or the whole limit, was paused.
    pub paused_at: Option<DateTime<Utc>>,
    /// How many of its jobs run; at most 1,000 are counted.
    pub running: u32,
    /// How many of its jobs wait; at most 1,000 are counted.
    pub waiting: u32,
    /// The earliest due time of those.
    pub waiting_since: Option<DateTime<Utc>>,
    /// The dead job that halts the sequence, until it is retried or [skipped](Limits::skip).
    pub halted_by: Option<Uuid>,
    /// When the first job of the sequence runs again, for which the others wait.
    pub retry_at: Option<DateTime<Utc>>,
}

impl Limits<'_> {
    /// Lists keys with jobs that wait or run, in the order of the keys: at most `most`, those after
    /// the key `after`.
    ///
    /// `name` is that of a limit for each key: `key:QUEUE/KIND` or `order:QUEUE/KIND`.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn keys(
        self,
        name: &str,
        after: Option<&str>,
        most: u32,
    ) -> Result<Vec<LimitKey>, Error> {
        self.caller.demand_contents()?;
        let gate = after.map(|key| gate(name, key));
        let rows = again!(tries => self.queue.ask(async |connection| {
            let store = self.queue.store();
            store.list_limit_keys(connection, name, gate.as_deref(), most.into()).await
        }));
        let rows = rows.map_err(Error::database("list the keys of a limit"))?;
        Ok(rows.into_iter().map(LimitKey::of).collect())
    }

    /// Sets how many jobs of one key may run at once instead of the limit's number. It survives
    /// restarts and deploys, until [`Limits::reset_key`]. A sequence has no number.
    ///
    /// # Errors
    /// As [`Limits::set`].
    pub async fn set_key(self, name: &str, key: &str, concurrency: u32) -> Result<(), Error> {
        if name.starts_with("order:") && concurrency != 1 {
            let problem =
                format!("{concurrency} for `{name}`: the jobs of a key run one after another");
            return Err(Error::InvalidOption { option: "limit", problem });
        }
        let concurrency = concurrency_of(name, concurrency)?;
        self.change_key(
            name,
            key,
            KeyChange { concurrency: Some(concurrency), ..KeyChange::default() },
        )
        .await
    }

    /// Sets how many jobs of one key may start in a time instead of the limit's rate. It survives
    /// restarts and deploys, until [`Limits::reset_key`]. What was started under the old rate still
    /// counts.
    ///
    /// # Errors
    /// As [`Limits::set_rate`].
    pub async fn set_key_rate(self, name: &str, key: &str, rate: Rate) -> Result<(), Error> {
        self.change_key(name, key, KeyChange { rate: Some(rate), ..KeyChange::default() }).await
    }

    /// Sets how many jobs of one key start in a round, where the keys of a kind share fairly; 1 by
    /// default. It survives restarts and deploys, until [`Limits::reset_key`]. The name of such a
    /// limit is `fair:QUEUE/KIND`.
    ///
    /// # Errors
    /// [`Error::InvalidOption`] for 0 and for more than 1,000; [`LimitError::Unknown`] when the
    /// database knows no such limit, or its keys do not share; or when the database fails.
    pub async fn set_weight(self, name: &str, key: &str, weight: u32) -> Result<(), Error> {
        if weight == 0 || weight > MOST_OF_A_WEIGHT {
            let problem = format!(
                "{weight} for `{key}` of `{name}`: it is from 1 to {MOST_OF_A_WEIGHT}; pause the key to stop its jobs"
            );
            return Err(Error::InvalidOption { option: "weight", problem });
        }
        self.change_key(
            name,
            key,
            KeyChange { weight: Some(weight.cast_signed()), ..KeyChange::default() },
        )
        .await
    }

    /// Takes tokens of the rate of one key, as [`Limits::charge`] does of a limit.
    ///
    /// # Errors
    /// As [`Limits::charge`].
    pub async fn charge_key(self, name: &str, key: &str, tokens: u32) -> Result<(), Error> {
        let gate = gate(name, key);
        self.charge_gate(GateOf::Key(&gate), name.to_owned(), tokens).await
    }

    /// Goes back to the limit's number and rate for this key, and resumes it if it is paused.
    ///
    /// # Errors
    /// [`LimitError::Unknown`] when the database knows no such limit; or when the database fails.
    pub async fn reset_key(self, name: &str, key: &str) -> Result<(), Error> {
        self.change_key(name, key, KeyChange::default()).await
    }

    /// Pauses a key: none of its jobs starts until it is resumed. Running jobs go on to their end.
    ///
    /// # Errors
    /// As [`Limits::reset_key`].
    pub async fn pause_key(self, name: &str, key: &str) -> Result<(), Error> {
        self.change_key(name, key, KeyChange { paused: Some(true), ..KeyChange::default() }).await
    }

    /// Resumes a paused key.
    ///
    /// # Errors
    /// As [`Limits::reset_key`].
    pub async fn resume_key(self, name: &str, key: &str) -> Result<(), Error> {
        self.change_key(name, key, KeyChange { paused: Some(false), ..KeyChange::default() }).await
    }

    /// Lets the sequence of a key go on past the dead job that halts it. The dead job stays a dead
    /// letter. Returns whether the sequence was halted.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn skip(self, name: &str, key: &str) -> Result<bool, Error> {
        let gate = gate(name, key);
        let target = format!("limit:{gate}");
        let what = "skip a job of a sequence";
        let change = Change { action: "skip", target: &target, arguments: None, what };
        control!(self.queue, self.caller, change => async |connection| {
            let skipped = self.queue.store().skip_in_sequence(connection, &gate).await?;
            Ok((skipped, skipped))
        })
    }

    pub(super) async fn charge_gate(
        self,
        of: GateOf<'_>,
        name: String,
        tokens: u32,
    ) -> Result<(), Error> {
        let target = match of {
            GateOf::Key(gate) => format!("limit:{gate}"),
            GateOf::Job(id) => format!("id:{id}"),
        };
        let arguments = Some(json!({ "tokens": tokens }));
        let what = "charge the rate of a key";
        let change = Change { action: "charge", target: &target, arguments, what };
        let charged = control!(self.queue, self.caller, change => async |connection| {
            let charged = self.queue.store().charge_gate(connection, of, tokens).await?;
            Ok((charged, charged))
        });
        let charged = charged?;
        charged.then_some(()).ok_or(Error::Limit(LimitError::Unknown { name }))
    }

    async fn change_key(self, name: &str, key: &str, of_key: KeyChange) -> Result<(), Error> {
        let gate = gate(name, key);
        let target = format!("limit:{gate}");
        let (action, arguments) = written(&of_key);
        let what = "change the limit of a key";
        let change = Change { action, target: &target, arguments, what };
        let is_known = control!(self.queue, self.caller, change => async |connection| {
            let store = self.queue.store();
            let is_known = store.set_limit_of_key(connection, &gate, of_key).await?;
            Ok((is_known, is_known))
        });
        let unknown = || Error::Limit(LimitError::Unknown { name: name.to_owned() });
        is_known?.then_some(()).ok_or_else(unknown)
    }
}

/// A change of a key, as the audit has it.
fn written(change: &KeyChange) -> (&'static str, Option<Value>) {
    match *change {
        KeyChange { concurrency: Some(concurrency), .. } => {
            ("set", Some(json!({ "concurrency": concurrency })))
        }
        KeyChange { rate: Some(rate), .. } => ("set", Some(json!({ "rate": rate.to_string() }))),
        KeyChange { weight: Some(weight), .. } => ("set", Some(json!({ "weight": weight }))),
        KeyChange { paused: Some(true), .. } => ("pause", None),
        KeyChange { paused: Some(false), .. } => ("resume", None),
        KeyChange { .. } => ("reset", None),
    }
}

/// The stored form of a key.
fn gate(name: &str, key: &str) -> String {
    format!("{name}#{key}")
}

impl LimitKey {
    fn of(row: KeyRow) -> Self {
        let KeyRow { gate, concurrency, concurrency_set, paused_at, .. } = row;
        let key = gate.split_once('#').map_or("", |(_, key)| key);
        Self {
            key: key.to_owned(),
            declared: concurrency.map(count),
            set_to: concurrency_set.map(count),
            rate: row.rate.map(RateState::of),
            weight: row.weight.map(count),
            paused_at,
            running: count(row.running),
            waiting: u32::try_from(row.waiting).unwrap_or(u32::MAX),
            waiting_since: row.waiting_since,
            halted_by: row.halted_by,
            retry_at: row.retry_at,
        }
    }
}
