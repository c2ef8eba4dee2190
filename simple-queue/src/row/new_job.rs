//! A row that is not inserted yet.

use std::time::Duration;

use chrono::{DateTime, Utc};
use uuid::Uuid;

use super::Job;
use crate::{
    Error,
    job::{JobPayload, KeyLimit, KeyedBy, OnConflict, UniqueWhile, namespaced, to_json},
};

/// A row that is not inserted yet.
#[derive(Debug, Clone)]
pub(crate) struct NewJob {
    pub(crate) id: Uuid,
    /// The id was made for this row, so no other row has it.
    pub(crate) has_new_id: bool,
    pub(crate) queue: String,
    pub(crate) kind: String,
    pub(crate) priority: i16,
    /// The payload as JSON text, serialized once.
    pub(crate) job_data: String,
    /// Why the payload could not be serialized.
    pub(crate) unwritable: Option<String>,
    pub(crate) due: Due,
    /// `None`: the handler that runs the job decides.
    pub(crate) max_attempts: Option<i32>,
    pub(crate) unique_key: Option<String>,
    pub(crate) fingerprint: Option<String>,
    /// How long the job may wait to be started, counted from its due time.
    pub(crate) expires_after: Option<Duration>,
    pub(crate) tags: Vec<String>,
    pub(crate) version: i32,
    /// How long the job is kept after its end; `None`: the queue's setting decides.
    pub(crate) retain: Option<Duration>,
    pub(crate) on_conflict: OnConflict,
    /// How long an attempt may take; `None`: the handler that runs the job decides.
    pub(crate) timeout: Option<Duration>,
    /// What the caller attached: a JSON object as text.
    pub(crate) metadata: Option<String>,
    /// How long the key stays taken, whatever becomes of the job; `None`: while the job is live.
    pub(crate) unique_for: Option<Duration>,
    pub(crate) unique_while: UniqueWhile,
    /// The limit of its kind that holds for each key, and its key.
    pub(crate) limit_key: Option<(KeyedBy, String)>,
    /// How many tokens of the rate of its key it takes; `None`: one.
    pub(crate) cost: Option<i32>,
    /// Whether it may be spooled while the database is away; `None`: as the spool's settings say.
    pub(crate) spool: Option<bool>,
}

impl NewJob {
    /// What jobs of its key pass through, as it is stored.
    pub(crate) fn gate(&self) -> Option<String> {
        let (by, key) = self.limit_key.as_ref()?;
        Some(by.gate(&self.queue, &self.kind, key))
    }

    /// Whether the two differ only in id, keys, payload and conflict behaviour.
    pub(crate) fn is_like(&self, other: &Self) -> bool {
        self.queue == other.queue
            && self.kind == other.kind
            && self.priority == other.priority
            && self.due == other.due
            && self.max_attempts == other.max_attempts
            && self.expires_after == other.expires_after
            && self.tags == other.tags
            && self.version == other.version
            && self.retain == other.retain
            && self.timeout == other.timeout
            && self.metadata == other.metadata
    }

    /// Whether it has a value that few jobs have and the statement for alike jobs does not take.
    pub(crate) fn has_extras(&self) -> bool {
        self.timeout.is_some() || self.metadata.is_some() || self.limit_key.is_some()
    }

    /// Whether its key has rules that one insert cannot keep. The database's function keeps them.
    pub(crate) fn has_key_rules(&self) -> bool {
        self.unique_for.is_some() || self.unique_while != UniqueWhile::Running
    }
}

/// When a new job is due. A delay is added to the database's clock, so the caller's clock may be wrong.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) enum Due {
    Now,
    After(Duration),
    At(DateTime<Utc>),
}

impl NewJob {
    /// The row of a job of which nothing is known but these.
    pub(crate) fn of_kind(queue: &str, kind: &str, version: i32, job_data: String) -> Self {
        let row = Self::from(Job::new(queue, ()));
        Self { kind: kind.to_owned(), version, job_data, max_attempts: None, ..row }
    }

    /// The row of a declared job, with the options of its declaration.
    ///
    /// # Errors
    /// When serde cannot write the payload, or its key is empty.
    pub(crate) fn declared<J: JobPayload>(payload: &J) -> Result<Self, Error> {
        let job_data = to_json(payload).map_err(|problem| Error::InvalidPayload {
            queue: J::QUEUE.to_owned(),
            problem: problem.to_string(),
        })?;
        let unique_key = payload.unique_key().map(|key| declared_key::<J>(&key)).transpose()?;
        Ok(Self {
            id: Uuid::now_v7(),
            has_new_id: true,
            queue: J::QUEUE.to_owned(),
            kind: J::KIND.to_owned(),
            priority: J::OPTIONS.priority,
            job_data,
            unwritable: None,
            due: J::OPTIONS.delay.map_or(Due::Now, Due::After),
            max_attempts: None,
            unique_key,
            fingerprint: payload.fingerprint(),
            expires_after: J::OPTIONS.expires,
            tags: J::OPTIONS.tags.iter().map(|&tag| tag.to_owned()).collect(),
            version: J::VERSION,
            retain: J::OPTIONS.retain,
            on_conflict: J::OPTIONS.on_conflict,
            timeout: None,
            metadata: None,
            unique_for: J::OPTIONS.unique_for,
            unique_while: J::OPTIONS.unique_while,
            cost: declared_cost(payload)?,
            limit_key: J::OPTIONS.key_limit.map(KeyLimit::by).zip(payload.limit_key()),
            spool: J::OPTIONS.spool,
        })
    }
}

/// The stored form of a declared job's key. The prefix keeps two kinds from sharing a key by chance.
pub(crate) fn declared_key<J: JobPayload>(key: &str) -> Result<String, Error> {
    if key.is_empty() {
        return Err(Error::InvalidKey {
            what: "unique key",
            key: namespaced(J::KIND, ""),
            problem: "it came out empty, so it would hold for every such job",
        });
    }
    Ok(namespaced(J::KIND, key))
}

/// How many tokens the job takes of its rate: at most as many as there can ever be, or it would never start.
fn declared_cost<J: JobPayload>(payload: &J) -> Result<Option<i32>, Error> {
    let rate = J::OPTIONS.key_limit.and_then(|limit| limit.rate);
    let Some((cost, rate)) = payload.cost().zip(rate) else { return Ok(None) };
    if cost > rate.most_at_once().into() {
        return Err(Error::InvalidOption {
            option: "cost",
            problem: format!(
                "a `{}` of {cost} tokens would never start: its rate, declared at {}, has a burst of {}; \
                 raise the `burst` there, or enqueue the work in smaller jobs",
                J::KIND,
                J::DECLARED_AT,
                rate.most_at_once()
            ),
        });
    }
    Ok(i32::try_from(cost).ok().map(|cost| std::cmp::max(cost, 1)))
}

impl From<Job> for NewJob {
    fn from(job: Job) -> Self {
        // If the caller has replaced the payload since, that one counts.
        let unwritable = job.unwritable.filter(|_| job.job_data.is_null());
        Self {
            id: job.id,
            has_new_id: job.made_id.is_new(job.id),
            queue: job.queue,
            kind: job.kind,
            priority: 0,
            job_data: job.stored.unwrap_or_else(|| job.job_data.to_string()),
            unwritable,
            due: job.run_at.map_or(Due::Now, Due::At),
            max_attempts: Some(job.max_attempts),
            unique_key: job.unique_key,
            fingerprint: job.fingerprint,
            expires_after: None,
            tags: Vec::new(),
            version: job.version,
            retain: None,
            on_conflict: OnConflict::Ignore,
            timeout: None,
            metadata: None,
            unique_for: None,
            unique_while: UniqueWhile::Running,
            limit_key: None,
            cost: None,
            // Its caller cannot be told.
            spool: Some(false),
        }
    }
}
