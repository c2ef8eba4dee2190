//! Operator's calls on single keys of a limit that holds for each key.

use chrono::{DateTime, Utc};
use uuid::Uuid;

use super::limits::{Limits, concurrency_of, count};
use crate::{Error, LimitError, database::again, store::KeyRow};

/// A key of a limit that holds for each key, with jobs that wait or run.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct LimitKey {
    /// The key, as the declaration's template renders it.
    pub key: String,
    /// How many of its jobs may run at once, as the code declares it.
    pub declared: u32,
    /// How many may run at once instead, as [`Limits::set_key`] or [`Limits::set`] has set it.
    pub set_to: Option<u32>,
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
        self.change_key(name, key, Some(concurrency), None).await
    }

    /// Goes back to the limit's number for this key, and resumes it if it is paused.
    ///
    /// # Errors
    /// [`LimitError::Unknown`] when the database knows no such limit; or when the database fails.
    pub async fn reset_key(self, name: &str, key: &str) -> Result<(), Error> {
        self.change_key(name, key, None, None).await
    }

    /// Pauses a key: none of its jobs starts until it is resumed. Running jobs go on to their end.
    ///
    /// # Errors
    /// As [`Limits::reset_key`].
    pub async fn pause_key(self, name: &str, key: &str) -> Result<(), Error> {
        self.change_key(name, key, None, Some(true)).await
    }

    /// Resumes a paused key.
    ///
    /// # Errors
    /// As [`Limits::reset_key`].
    pub async fn resume_key(self, name: &str, key: &str) -> Result<(), Error> {
        self.change_key(name, key, None, Some(false)).await
    }

    /// Lets the sequence of a key go on past the dead job that halts it. The dead job stays a dead
    /// letter. Returns whether the sequence was halted.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn skip(self, name: &str, key: &str) -> Result<bool, Error> {
        let gate = gate(name, key);
        let skipped = again!(tries => self.queue.ask(async |connection| {
            self.queue.store().skip_in_sequence(connection, &gate).await
        }));
        skipped.map_err(Error::database("skip a job of a sequence"))
    }

    async fn change_key(
        self,
        name: &str,
        key: &str,
        concurrency: Option<i32>,
        paused: Option<bool>,
    ) -> Result<(), Error> {
        let gate = gate(name, key);
        let is_known = again!(tries => self.queue.ask(async |connection| {
            self.queue.store().set_limit_of_key(connection, &gate, concurrency, paused).await
        }));
        let is_known = is_known.map_err(Error::database("change the limit of a key"))?;
        let unknown = || Error::Limit(LimitError::Unknown { name: name.to_owned() });
        is_known.then_some(()).ok_or_else(unknown)
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
            declared: count(concurrency),
            set_to: concurrency_set.map(count),
            paused_at,
            running: count(row.running),
            waiting: u32::try_from(row.waiting).unwrap_or(u32::MAX),
            waiting_since: row.waiting_since,
            halted_by: row.halted_by,
            retry_at: row.retry_at,
        }
    }
}
