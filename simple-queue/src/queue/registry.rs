//! Registry: which handler runs which jobs.

use std::{
    borrow::Cow,
    collections::{BTreeSet, HashMap},
    fmt,
    sync::Arc,
};

use tokio::sync::{OwnedSemaphorePermit, Semaphore, TryAcquireError};

#[cfg(feature = "cron")]
use super::schedules::ScheduledJob;
use super::{
    config::MOST_PERMITS,
    declared::DeclaredKind,
    handler::{DynHandler, Handler, StatefulHandler, TypedHandler},
    served::{Served, Share},
    shared_limit::SharedLimit,
};
use crate::{
    Error, LimitError,
    job::{JobOptions, JobPayload, KeyLimit, KeyedBy, Limit},
    row::{NewKind, RuleId},
};

/// The handlers of a process, by queue and kind. Clones share the handlers.
#[derive(Clone, Default)]
pub(crate) struct Registry {
    queues: HashMap<String, QueueHandlers>,
    /// The declarations, by kind.
    kinds: HashMap<&'static str, DeclaredKind>,
    /// Each limit that several jobs share.
    limits: HashMap<&'static str, Limit>,
    /// Limits that hold for each key. A claimed job has its limit's place in here, so none is ever removed.
    key_rules: Vec<Arc<KeyRule>>,
    /// The jobs that are declared with a schedule.
    #[cfg(feature = "cron")]
    pub(super) scheduled: Vec<ScheduledJob>,
    /// Connections of the pool, for jobs that run in a transaction; `None`: no limit.
    connections: Option<usize>,
}

/// 2 jobs for each connection: one runs, and one waits for the connection. Another process could
/// run more of them meanwhile.
const JOBS_PER_CONNECTION: usize = 2;

#[derive(Clone, Default)]
struct QueueHandlers {
    by_kind: HashMap<&'static str, Arc<Registered>>,
    /// The handler of every kind that has no handler of its own.
    any_kind: Option<Arc<Registered>>,
    /// The default priority, and those that are declared.
    priorities: BTreeSet<i16>,
}

/// A handler, and its own limit on how many of its jobs this process runs at once.
pub(crate) struct Registered {
    pub(crate) handler: Arc<dyn DynHandler>,
    pub(crate) options: JobOptions,
    concurrency: Option<Arc<Semaphore>>,
    /// Its limits in all processes together.
    pub(crate) limits: Vec<SharedLimit>,
}

/// A limit that holds for each key of the jobs of one kind in one queue.
pub(crate) struct KeyRule {
    pub(crate) id: RuleId,
    /// Its name in the database.
    pub(crate) name: String,
    pub(crate) queue: String,
    pub(crate) kind: String,
    pub(crate) limit: KeyLimit,
    handler: Arc<Registered>,
}

impl KeyRule {
    /// What limits its jobs beside.
    pub(crate) fn share(&self) -> Share {
        let (free, limits) = (self.handler.free(), self.handler.limits.clone());
        Share { free, limits, ..Share::default() }
    }
}

impl Registry {
    /// Creates the registry of a process whose pool has this number of connections.
    pub(crate) fn on_pool_of(connections: usize) -> Self {
        Self { connections: Some(connections), ..Self::default() }
    }

    /// Adds a handler. It replaces one that serves the same queue and kind.
    pub(crate) fn insert<H: Handler>(&mut self, handler: H, also_on: &[String]) {
        let declared =
            H::OPTIONS.concurrency.map(|limit| usize::try_from(limit).unwrap_or(usize::MAX));
        let connections = self.connections.filter(|_| H::IN_TRANSACTION);
        let startable =
            connections.map(|connections| connections.saturating_mul(JOBS_PER_CONNECTION));
        let concurrency = declared.into_iter().chain(startable).min();
        let semaphore = |limit| Arc::new(Semaphore::new(std::cmp::min(limit, MOST_PERMITS)));
        let registered = Arc::new(Registered {
            handler: Arc::new(handler),
            options: H::OPTIONS,
            concurrency: concurrency.map(semaphore),
            limits: limits_of::<H>(),
        });
        let queues = std::iter::once(&H::QUEUE).chain(H::ALSO_ON).map(|&queue| queue.to_owned());
        for queue in queues.chain(also_on.iter().cloned()) {
            for kind in H::KIND.iter().chain(H::ALIASES) {
                self.insert_key_rule(&queue, kind, &registered);
            }
            let handlers = self.queues.entry(queue).or_default();
            handlers.priorities.extend([0, H::OPTIONS.priority]);
            for &kind in H::KIND.iter().chain(H::ALIASES) {
                handlers.by_kind.insert(kind, Arc::clone(&registered));
            }
            if H::KIND.is_none() {
                handlers.any_kind = Some(Arc::clone(&registered));
            }
        }
    }

    fn insert_key_rule(&mut self, queue: &str, kind: &str, handler: &Arc<Registered>) {
        let Some(limit) = handler.options.key_limit else { return };
        let name = limit.by().rule(queue, kind);
        let place = self.key_rules.iter().position(|rule| rule.name == name);
        let id = RuleId(place.unwrap_or(self.key_rules.len()));
        let handler = Arc::clone(handler);
        let rule = Arc::new(KeyRule {
            id,
            name,
            queue: queue.to_owned(),
            kind: kind.to_owned(),
            limit,
            handler,
        });
        match self.key_rules.get_mut(id.0) {
            Some(known) => *known = rule,
            None => self.key_rules.push(rule),
        }
    }

    pub(crate) fn key_limit(&self, rule: RuleId) -> Option<KeyLimit> {
        self.key_rules.get(rule.0).map(|rule| rule.limit)
    }

    pub(crate) fn key_rules(&self) -> Vec<Arc<KeyRule>> {
        self.key_rules.clone()
    }

    pub(super) fn insert_declared<H: TypedHandler<S>, S: Send + Sync + 'static>(
        &mut self,
        state: &Arc<S>,
        also_on: &[String],
    ) -> Result<(), Error> {
        let second = H::Payload::DECLARED_AT;
        let kinds = || std::iter::once(H::Payload::KIND).chain(H::Payload::ALIASES.iter().copied());
        if let Some((&kind, first)) = kinds().find_map(|kind| self.kinds.get_key_value(kind)) {
            return Err(Error::DuplicateKind { kind, first: first.declared_at, second });
        }
        self.kinds.extend(kinds().map(|kind| (kind, DeclaredKind::of::<H::Payload>())));
        for limit in H::Payload::OPTIONS.limits {
            let first = *self.limits.entry(limit.name).or_insert(*limit);
            if first != *limit {
                return Err(Error::Limit(LimitError::Different {
                    name: limit.name.to_owned(),
                    first: first.to_string(),
                    second: limit.to_string(),
                    declared_at: second,
                }));
            }
        }
        #[cfg(feature = "cron")]
        self.scheduled.extend(ScheduledJob::declared::<H::Payload>()?);
        self.insert(StatefulHandler::<H, S>::new(Arc::clone(state)), also_on);
        Ok(())
    }

    /// Keeps only the handlers of these kinds.
    #[cfg(feature = "testing")]
    pub(crate) fn keep_kinds(&mut self, kinds: &[&str]) {
        for handlers in self.queues.values_mut() {
            handlers.by_kind.retain(|kind, _| kinds.contains(kind));
            handlers.any_kind = None;
        }
        self.queues.retain(|_, handlers| !handlers.by_kind.is_empty());
        self.kinds.retain(|kind, _| kinds.contains(kind));
        #[cfg(feature = "cron")]
        self.scheduled.retain(|job| kinds.contains(&job.name.as_str()));
    }

    /// Returns the declaration of a kind, under its name or an alias.
    pub(crate) fn declared(&self, kind: &str) -> Option<DeclaredKind> {
        self.kinds.get(kind).copied()
    }

    /// Returns the declared kinds as they are written into the database, by name.
    pub(crate) fn new_kinds(&self) -> Vec<NewKind> {
        let mut kinds: Vec<NewKind> = self
            .kinds
            .iter()
            .map(|(&name, declared)| (name, (declared.new)()))
            .filter_map(|(name, new)| (new.kind == name).then_some(new))
            .collect();
        kinds.sort_unstable_by_key(|kind| kind.kind);
        kinds
    }

    /// Returns how many kinds are declared, aliases counted.
    pub(crate) fn count_kinds(&self) -> usize {
        self.kinds.len()
    }

    /// Returns the declared kinds and their aliases.
    pub(crate) fn declared_kinds(&self) -> Vec<String> {
        self.kinds.keys().map(|&kind| kind.to_owned()).collect()
    }

    pub(crate) fn find(&self, queue: &str, kind: &str) -> Option<Arc<Registered>> {
        let handlers = self.queues.get(queue)?;
        handlers.by_kind.get(kind).or(handlers.any_kind.as_ref()).cloned()
    }

    pub(crate) fn serves(&self, queue: &str) -> bool {
        self.queues.contains_key(queue)
    }

    /// Returns the queues that the registry serves, and what can start of each.
    pub(crate) fn served(&self) -> Vec<Served> {
        let mut served: Vec<Served> = self
            .queues
            .iter()
            .map(|(queue, handlers)| Served {
                queue: queue.clone(),
                priorities: handlers.priorities.iter().copied().collect(),
                shares: handlers.shares(),
            })
            .collect();
        served.sort_by(|a, b| a.queue.cmp(&b.queue));
        served
    }
}

impl QueueHandlers {
    fn shares(&self) -> Vec<Share> {
        let mut limited: HashMap<*const Registered, Share> = HashMap::new();
        let mut unlimited = Vec::new();
        let mut all = Vec::new();
        for (&kind, registered) in &self.by_kind {
            all.push(kind);
            // A look asks for turns by the names of the kinds, and a share of all kinds has none.
            let has_keys = registered.options.key_limit.is_some();
            if registered.is_limited() || has_keys && self.any_kind.is_some() {
                let share = limited.entry(Arc::as_ptr(registered)).or_default();
                share.free = registered.free();
                share.limits.clone_from(&registered.limits);
                share.kinds.get_or_insert_default().push(kind);
            } else {
                unlimited.push(kind);
            }
        }
        let mut shares: Vec<Share> = limited.into_values().collect();
        let limited = || {
            let kinds = shares.iter().filter_map(|share| share.kinds.clone()).flatten();
            kinds.map(Cow::Borrowed).collect()
        };
        match &self.any_kind {
            None if unlimited.is_empty() => {}
            None => shares.push(Share { kinds: Some(unlimited), ..Share::default() }),
            Some(registered) if registered.is_limited() => {
                let (free, limits) = (registered.free(), registered.limits.clone());
                let excluded = all.into_iter().map(Cow::Borrowed).collect();
                shares.push(Share { excluded, free, limits, ..Share::default() });
                if !unlimited.is_empty() {
                    shares.push(Share { kinds: Some(unlimited), ..Share::default() });
                }
            }
            Some(_) => {
                let excluded = limited();
                shares.push(Share { excluded, ..Share::default() });
            }
        }
        // Sorted, because the order of a `HashMap` differs between processes and the statement
        // should be the same.
        for share in &mut shares {
            share.kinds.iter_mut().for_each(|kinds| kinds.sort_unstable());
            share.excluded.sort_unstable();
        }
        shares.sort_unstable_by(|a, b| a.kinds.cmp(&b.kinds));
        shares
    }
}

impl Registered {
    /// How many more of its jobs can start; `None`: the handler has no limit of its own.
    fn free(&self) -> Option<usize> {
        self.concurrency.as_ref().map(|limit| limit.available_permits())
    }

    /// Whether it has a limit of its own, in this process or in all of them. Jobs with a key are in no index that a fetch
    /// reads; those of before the key was declared are fetched as all others are.
    fn is_limited(&self) -> bool {
        self.is_limited_here() || !self.limits.is_empty()
    }

    /// Whether the ends of its jobs are written by visits, because they free places of their keys.
    pub(crate) fn is_visited(&self) -> bool {
        self.options.key_limit.is_some_and(|limit| limit.by() != KeyedBy::Share)
    }

    /// Whether it has a limit of its own in this process.
    pub(crate) fn is_limited_here(&self) -> bool {
        self.concurrency.is_some()
    }

    /// Takes the permit to start one more job.
    ///
    /// # Errors
    /// When the handler is at its limit.
    pub(crate) fn take(&self) -> Result<Option<OwnedSemaphorePermit>, TryAcquireError> {
        self.concurrency.as_ref().map(|limit| Arc::clone(limit).try_acquire_owned()).transpose()
    }
}

/// The limits of a handler in all processes together.
fn limits_of<H: Handler>() -> Vec<SharedLimit> {
    let JobOptions { concurrency_limit, rate, .. } = H::OPTIONS;
    let is_limited = concurrency_limit.is_some() || rate.is_some();
    let name = H::KIND.map_or_else(
        // It runs all kinds of its queue.
        || format!("handler:{}", H::QUEUE),
        |kind| format!("kind:{kind}"),
    );
    let of_kind = is_limited.then(|| SharedLimit::new(name, concurrency_limit, rate));
    let shared = H::OPTIONS.limits.iter().map(|&limit| limit.into());
    let mut limits: Vec<SharedLimit> = of_kind.into_iter().chain(shared).collect();
    // A job takes one permit of a limit, by however many names its code has it.
    limits.sort_unstable_by(|a, b| a.name.cmp(&b.name));
    limits.dedup_by(|a, b| a.name == b.name);
    limits
}

impl fmt::Debug for Registry {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.served()).finish()
    }
}
