//! Operator's calls on the limits that hold for all processes together.

use chrono::{DateTime, Utc};
use serde_json::{Value, json};
use uuid::Uuid;

use super::{
    SimpleQueue,
    caller::{Caller, Change, control},
};
use crate::{
    Error, LimitError,
    database::again,
    job::{MOST_OF_A_LIMIT, Rate},
    store::{LimitRow, QuotaRow, RateRow},
};

/// # Limits
impl SimpleQueue {
    /// Returns the limits that hold for all processes together: those of
    /// [`queue_limit`](crate::SimpleQueueBuilder::queue_limit),
    /// [`queue_rate`](crate::SimpleQueueBuilder::queue_rate), `concurrency(limit = …)`, `rate(…)` and
    /// `limits = […]`.
    ///
    /// The name of a limit is `queue:NAME`, `kind:NAME`, or the one that [`Limit::named`] gives it.
    /// The database knows it once a worker with such a job has looked for jobs.
    ///
    /// ```no_run
    /// # async fn example(queue: simple_queue::SimpleQueue) -> Result<(), simple_queue::Error> {
    /// for limit in queue.limits().list().await? {
    ///     println!("{}: {} of {:?} in use", limit.name, limit.lent, limit.concurrency());
    /// }
    /// // The provider has a bad day: fewer at once, on all machines.
    /// queue.limits().set("payments", 5).await?;
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// [`Limit::named`]: crate::Limit::named
    pub fn limits(&self) -> Limits<'_> {
        self.limits_by(Caller::Program)
    }

    pub(crate) fn limits_by<'q>(&'q self, caller: Caller<'q>) -> Limits<'q> {
        Limits { queue: self, caller }
    }
}

/// The limits of a queue; [`SimpleQueue::limits`] returns them. A change is effective on all
/// machines at once; where a worker cannot listen for notifications, within a second.
#[derive(Debug, Clone, Copy)]
pub struct Limits<'q> {
    pub(super) queue: &'q SimpleQueue,
    pub(super) caller: Caller<'q>,
}

/// A limit and who uses it.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct LimitState {
    /// Its name: `queue:NAME`, `kind:NAME`, or the name of a [`Limit`](crate::Limit). A limit for
    /// each key is `key:QUEUE/KIND`, a sequence `order:QUEUE/KIND`; [`Limits::keys`] lists their keys.
    pub name: String,
    /// How many jobs may run at once, as the code declares it; `None`: any number.
    pub declared: Option<u32>,
    /// How many may run at once instead, as [`Limits::set`] has set it.
    pub set_to: Option<u32>,
    /// How many jobs may start in a time; `None`: any number. Of a limit for each key it is the rate
    /// of a key that no job has used yet; [`Limits::keys`] has those of the others.
    pub rate: Option<RateState>,
    /// When it was paused. While it is, none of its jobs starts.
    pub paused_at: Option<DateTime<Utc>>,
    /// How many permits the processes hold together. A process holds a permit for each running job,
    /// and for a while without one. 0 for a limit for each key, of which nothing is lent.
    pub lent: u32,
    /// The processes that hold permits or want some, those with the most permits first.
    pub holders: Vec<LimitHolder>,
}

/// The rate of a limit, and what is left of it now.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct RateState {
    /// The rate, as the code declares it.
    pub declared: Rate,
    /// The rate that counts instead, as [`Limits::set_rate`] has set it.
    pub set_to: Option<Rate>,
    /// How many tokens there are: as many jobs may start at once.
    pub tokens: u32,
    /// When the next job may start; in the past if there are tokens.
    pub next_at: DateTime<Utc>,
    /// When there will be as many tokens as the burst, if no job starts before.
    pub full_at: DateTime<Utc>,
}

/// A process that holds permits of a limit or wants some.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct LimitHolder {
    /// The worker's id.
    pub worker_id: Uuid,
    /// Its machine.
    pub host: String,
    /// Its process id there.
    pub pid: i32,
    /// How many permits it holds.
    pub held: u32,
    /// How many permits more it wants.
    pub wanted: u32,
}

impl LimitState {
    /// Returns how many jobs may run at once now: 0 while it is paused. `None`: any number.
    pub fn concurrency(&self) -> Option<u32> {
        match self.paused_at {
            Some(_) => Some(0),
            None => self.set_to.or(self.declared),
        }
    }
}

impl Limits<'_> {
    /// Lists all limits, by name.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn list(self) -> Result<Vec<LimitState>, Error> {
        self.read(None).await
    }

    /// Finds a limit by its name.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn find(self, name: &str) -> Result<Option<LimitState>, Error> {
        Ok(self.read(Some(name)).await?.pop())
    }

    /// Sets how many jobs may run at once instead of the declared number. It survives restarts and
    /// deploys, until [`Limits::reset`].
    ///
    /// Where it is lowered, running jobs go on to their end.
    ///
    /// # Errors
    /// [`Error::InvalidOption`] for 0 and for more than 1,000,000; [`LimitError::Unknown`] when the
    /// database knows no such limit; or when the database fails.
    pub async fn set(self, name: &str, concurrency: u32) -> Result<(), Error> {
        let concurrency = concurrency_of(name, concurrency)?;
        self.change(name, LimitChange::Set(concurrency)).await
    }

    /// Sets how many jobs may start in a time instead of the declared rate. It survives restarts and
    /// deploys, until [`Limits::reset`]. What was started under the old rate still counts.
    ///
    /// # Errors
    /// [`LimitError::Unknown`] when the database knows no such limit, or it has no rate; or when the
    /// database fails.
    pub async fn set_rate(self, name: &str, rate: Rate) -> Result<(), Error> {
        self.change(name, LimitChange::SetRate(rate)).await
    }

    /// Goes back to the declared number and the declared rate.
    ///
    /// # Errors
    /// [`LimitError::Unknown`] when the database knows no such limit; or when the database fails.
    pub async fn reset(self, name: &str) -> Result<(), Error> {
        self.change(name, LimitChange::Reset).await
    }

    /// Takes tokens of a rate, whether there are any or not: for calls beyond the one that the start
    /// of a job stands for. What was not there is a debt, which comes before the next start.
    ///
    /// # Errors
    /// [`LimitError::Unknown`] when the database knows no such limit, or it has no rate; or when the
    /// database fails.
    pub async fn charge(self, name: &str, tokens: u32) -> Result<(), Error> {
        self.change(name, LimitChange::Charge(tokens)).await
    }

    /// Pauses a limit: none of its jobs starts until it is resumed. Running jobs go on to their end.
    ///
    /// # Errors
    /// [`LimitError::Unknown`] when the database knows no such limit; or when the database fails.
    pub async fn pause(self, name: &str) -> Result<(), Error> {
        self.change(name, LimitChange::Pause(true)).await
    }

    /// Resumes a paused limit.
    ///
    /// # Errors
    /// [`LimitError::Unknown`] when the database knows no such limit; or when the database fails.
    pub async fn resume(self, name: &str) -> Result<(), Error> {
        self.change(name, LimitChange::Pause(false)).await
    }

    async fn read(self, name: Option<&str>) -> Result<Vec<LimitState>, Error> {
        self.caller.demand_look()?;
        let rows = again!(tries => self.queue.ask(async |connection| {
            self.queue.store().list_limits(connection, name).await
        }));
        let rows = rows.map_err(Error::database("list the limits"))?;
        Ok(rows.into_iter().map(LimitState::of).collect())
    }

    async fn change(self, name: &str, limit: LimitChange) -> Result<(), Error> {
        let target = format!("limit:{name}");
        let (action, arguments) = limit.written();
        let change = Change { action, target: &target, arguments, what: "change a limit" };
        let is_known = control!(self.queue, self.caller, change => async |connection| {
            let store = self.queue.store();
            let is_known = match limit {
                LimitChange::Set(concurrency) => {
                    store.set_limit(connection, name, concurrency).await
                }
                LimitChange::SetRate(rate) => store.set_rate(connection, name, rate).await,
                LimitChange::Reset => store.reset_limit(connection, name).await,
                LimitChange::Charge(tokens) => store.charge_rate(connection, name, tokens).await,
                LimitChange::Pause(paused) => store.pause_limit(connection, name, paused).await,
            };
            is_known.map(|is_known| (is_known, is_known))
        });
        let unknown = || Error::Limit(LimitError::Unknown { name: name.to_owned() });
        is_known?.then_some(()).ok_or_else(unknown)
    }
}

impl LimitChange {
    /// As the audit has it.
    fn written(self) -> (&'static str, Option<Value>) {
        match self {
            Self::Set(concurrency) => ("set", Some(json!({ "concurrency": concurrency }))),
            Self::SetRate(rate) => ("set", Some(json!({ "rate": rate.to_string() }))),
            Self::Reset => ("reset", None),
            Self::Charge(tokens) => ("charge", Some(json!({ "tokens": tokens }))),
            Self::Pause(true) => ("pause", None),
            Self::Pause(false) => ("resume", None),
        }
    }
}

/// Checks a number that an operator sets.
pub(super) fn concurrency_of(name: &str, concurrency: u32) -> Result<i32, Error> {
    if concurrency == 0 || concurrency > MOST_OF_A_LIMIT {
        return Err(Error::InvalidOption {
            option: "limit",
            problem: format!(
                "{concurrency} for `{name}`: it is from 1 to {MOST_OF_A_LIMIT}; pause it to stop its jobs"
            ),
        });
    }
    Ok(i32::try_from(concurrency).unwrap_or(i32::MAX))
}

#[derive(Debug, Clone, Copy)]
enum LimitChange {
    Set(i32),
    SetRate(Rate),
    Reset,
    Charge(u32),
    Pause(bool),
}

impl LimitState {
    fn of(row: LimitRow) -> Self {
        Self {
            name: row.name,
            declared: row.concurrency.map(count),
            set_to: row.concurrency_set.map(count),
            rate: row.rate.map(RateState::of),
            paused_at: row.paused_at,
            lent: count(row.lent),
            holders: row.quotas.into_iter().map(LimitHolder::of).collect(),
        }
    }
}

impl RateState {
    pub(super) fn of(row: RateRow) -> Self {
        Self {
            declared: row.declared.into(),
            set_to: row.set_to.map(Into::into),
            tokens: count(row.tokens),
            next_at: row.next_at,
            full_at: row.full_at,
        }
    }
}

impl LimitHolder {
    fn of(row: QuotaRow) -> Self {
        let QuotaRow { worker_id, host, pid, held, wanted } = row;
        Self {
            worker_id,
            host: host.unwrap_or_default(),
            pid: pid.unwrap_or_default(),
            held: count(held),
            wanted: count(wanted),
        }
    }
}

pub(super) fn count(permits: i32) -> u32 {
    u32::try_from(permits).unwrap_or_default()
}
