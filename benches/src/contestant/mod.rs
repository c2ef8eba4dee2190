//! What a job queue must be able to do to take part.

mod probe;

use std::{borrow::Cow, time::Duration};

use serde::{Deserialize, Serialize};

pub use self::probe::Probe;
pub(crate) use self::probe::{HandlerKind, Times};

/// Any error, with what went wrong in words.
pub type BoxError = Box<dyn std::error::Error + Send + Sync>;
/// What everything here returns.
pub type Result<T, E = BoxError> = std::result::Result<T, E>;

/// What every job of every contestant carries: 28 bytes of data, a number and a time.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Payload {
    /// Its number in the trial.
    pub id: u64,
    /// When it should start, in nanoseconds of the machine's monotonic clock.
    pub due: u64,
    /// Ballast.
    pub data: String,
}

impl Payload {
    /// The payload of a job that is due at a time.
    pub fn new(id: u64, due: u64) -> Self {
        Self { id, due, data: "benchmark-payload-0123456789".to_owned() }
    }
}

/// A job to be enqueued.
#[derive(Debug, Clone)]
pub struct NewJob {
    /// What its handler gets.
    pub payload: Payload,
    /// Where and when it waits.
    pub placement: Placement,
}

/// Where and when a job waits.
#[derive(Debug, Clone, Copy, Default, Serialize, Deserialize)]
pub struct Placement {
    /// Due this long after it is stored, in milliseconds.
    pub delay_ms: u64,
    /// More or less urgent than others.
    pub urgency: Urgency,
    /// The number of its queue, below [`Duty::queues`].
    pub queue: usize,
    /// What limits how many of such jobs run at once.
    pub limit: Limit,
}

/// What limits how many jobs run at once in all processes together.
#[derive(Debug, Clone, Copy, Default, Serialize, Deserialize)]
pub enum Limit {
    /// Nothing.
    #[default]
    Nothing,
    /// One limit for all, which is never reached.
    All,
    /// One of each key. Jobs have this many keys in turn; 0: each has its own.
    OnePerKey(u64),
    /// Ten of each key.
    TenPerKey(u64),
    /// One of each key after another.
    InOrder(u64),
}

impl Placement {
    /// Due this long after it is stored.
    pub fn delay(&self) -> Duration {
        Duration::from_millis(self.delay_ms)
    }
}

/// Three priorities; each contestant has numbers of its own for them.
#[derive(Debug, Clone, Copy, Default, Serialize, Deserialize)]
pub enum Urgency {
    /// Before the others.
    Urgent,
    /// What a job has where nothing is said.
    #[default]
    Usual,
    /// After the others.
    Low,
}

/// How a contestant reaches its database.
#[derive(Debug, Clone)]
pub struct Setup {
    /// The database of the trial.
    pub url: String,
    /// The size of the pool.
    pub connections: u32,
}

/// What a worker is to do.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Duty {
    /// How many queues it serves.
    pub queues: usize,
    /// How many jobs it runs at once; `None`: what the contestant's best settings say.
    pub concurrency: Option<usize>,
    /// Whether it runs jobs under limits too.
    pub limits: bool,
}

/// A job queue that is measured.
pub trait Contestant: Sized + Send + Sync + 'static {
    /// What the bench has to know of it.
    const ABOUT: About;

    /// A worker at work.
    type Worker: Send;

    /// Connects a client.
    fn connect(setup: Setup) -> impl Future<Output = Result<Self>> + Send;

    /// Makes its tables.
    fn migrate(&self) -> impl Future<Output = Result<()>> + Send;

    /// Stores one job; returns when it is committed.
    fn enqueue(&self, job: NewJob) -> impl Future<Output = Result<()>> + Send;

    /// Stores many jobs by the fastest documented way; returns when they are committed.
    fn enqueue_all(&self, jobs: Vec<NewJob>) -> impl Future<Output = Result<()>> + Send;

    /// Stores one job in a transaction that stays open for a while; returns when the commit begins, and
    /// the answer to it.
    fn enqueue_and_hold(
        &self,
        _job: NewJob,
        _hold: Duration,
    ) -> impl Future<Output = Result<()>> + Send {
        async {
            Err(format!("{} was not taught to enqueue in a transaction", Self::ABOUT.name).into())
        }
    }

    /// Starts a worker whose handler decodes the [`Payload`] and then awaits [`Probe::run`].
    fn start(&self, duty: Duty, probe: Probe) -> impl Future<Output = Result<Self::Worker>> + Send;

    /// Stops it and returns when all that it did is written.
    fn stop(worker: Self::Worker) -> impl Future<Output = Result<()>> + Send;
}

/// What the bench has to know of a contestant.
#[expect(
    clippy::struct_excessive_bools,
    reason = "each is a fact of its own, and selects for one workload"
)]
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct About {
    /// Its name in tables and after `--only`.
    pub name: Cow<'static, str>,
    /// Its release.
    pub version: Cow<'static, str>,
    /// The settings it runs with, and where they are from.
    pub settings: Cow<'static, str>,
    /// Against what the others are compared.
    pub role: Role,
    /// Whether finished jobs stay in the database.
    pub history: bool,
    /// The contestant of which this one is what remains without the history; it is measured only where that
    /// makes a difference.
    pub without_history_of: Option<Cow<'static, str>>,
    /// What these settings are made for.
    pub suits: Suits,
    /// Whether one worker can serve a thousand queues.
    pub many_queues: bool,
    /// Whether it limits how many jobs run at once in all processes together, also for each key.
    pub limits: bool,
    /// Whether it can enqueue in a transaction that stays open.
    pub transactions: bool,
    /// Whether it notices within half a minute that a process was killed.
    pub recovers: bool,
    /// Selects how many jobs are not finished.
    pub count_left: Cow<'static, str>,
    /// Selects how many finished jobs are kept; `None` where there is no table of them.
    pub count_kept: Option<Cow<'static, str>>,
    /// Claims every job that waits for a worker that does not exist; `None` where the bench does not know how.
    pub claim_all: Option<Cow<'static, str>>,
    /// A part of the text of the statement that claims jobs.
    pub fetch: Cow<'static, str>,
}

/// What a contestant is to the others.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Role {
    /// This library.
    Ours,
    /// The limit: the same rows, and no framework.
    Bare,
    /// Another library.
    Peer,
}

/// What settings are made for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Suits {
    /// Many jobs a second.
    Throughput,
    /// Jobs that start soon.
    Latency,
    /// All, with the same settings.
    Everything,
}

impl About {
    /// Whether it is measured where many jobs a second count, and whether they leave a trace.
    pub fn is_for_history(&self) -> bool {
        self.suits != Suits::Latency
    }

    /// Whether it is measured where many jobs a second count.
    pub fn is_for_throughput(&self) -> bool {
        self.is_for_history() && self.without_history_of.is_none()
    }

    /// Whether it is measured where it counts how soon a job starts.
    pub fn is_for_latency(&self) -> bool {
        self.suits != Suits::Throughput && self.without_history_of.is_none()
    }

    /// Whether the report divides its figures by the other's: ours by those of all others, but the limit is
    /// the one that keeps as much history.
    pub fn is_compared_with(&self, other: &Self) -> bool {
        self.role == Role::Ours
            && match other.role {
                Role::Ours => false,
                Role::Bare => other.history == self.history,
                Role::Peer => true,
            }
    }
}
