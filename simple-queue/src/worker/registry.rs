//! Which handler runs what.

use std::{collections::HashMap, fmt, marker::PhantomData, sync::Arc};

use tokio::sync::{OwnedSemaphorePermit, Semaphore, TryAcquireError};

use super::handler::{DynHandler, Handler, JobHandler, Typed, TypedHandler};
use crate::{
    Error,
    job::{JobPayload, KindDeclaration},
};

/// The handlers of a process, by queue and kind.
#[derive(Default)]
pub(crate) struct Registry {
    queues: HashMap<String, QueueHandlers>,
    /// Where each kind of a declared job comes from.
    kinds: HashMap<&'static str, &'static str>,
}

#[derive(Default)]
struct QueueHandlers {
    by_kind: HashMap<&'static str, Arc<Registered>>,
    /// Serves every kind that has no handler of its own.
    any_kind: Option<Arc<Registered>>,
}

/// A handler, and its own limit on how many of its jobs this process runs at once.
pub(crate) struct Registered {
    pub(crate) handler: Arc<dyn DynHandler>,
    concurrency: Option<Arc<Semaphore>>,
}

/// A queue as this process serves it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Served {
    pub(crate) queue: String,
    pub(crate) shares: Vec<Share>,
}

/// Kinds of a queue that share a limit: those of one handler that has one, or all others.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(crate) struct Share {
    /// `None`: all but `excluded`.
    pub(crate) kinds: Option<Vec<&'static str>>,
    pub(crate) excluded: Vec<&'static str>,
    /// How many more of them can be started; `None`: as many as their queue has permits for.
    pub(crate) free: Option<usize>,
}

impl Registry {
    /// Adds a handler; one that served the same before is replaced.
    pub(crate) fn insert<H: Handler>(&mut self, handler: H) {
        let handlers = self.queues.entry(H::QUEUE.to_owned()).or_default();
        let registered = Arc::new(Registered {
            handler: Arc::new(handler),
            concurrency: H::OPTIONS.concurrency.map(|limit| {
                Arc::new(Semaphore::new(usize::try_from(limit).unwrap_or(usize::MAX)))
            }),
        });
        for &kind in H::KIND.iter().chain(H::ALIASES) {
            handlers.by_kind.insert(kind, Arc::clone(&registered));
        }
        if H::KIND.is_none() {
            handlers.any_kind = Some(registered);
        }
    }

    fn insert_declared<H: TypedHandler<S>, S: Send + Sync + 'static>(
        &mut self,
        state: &Arc<S>,
    ) -> Result<(), Error> {
        let second = H::Payload::DECLARED_AT;
        let kinds = || std::iter::once(H::Payload::KIND).chain(H::Payload::ALIASES.iter().copied());
        if let Some((&kind, first)) = kinds().find_map(|kind| self.kinds.get_key_value(kind)) {
            return Err(Error::DuplicateKind { kind, first, second });
        }
        self.kinds.extend(kinds().map(|kind| (kind, second)));
        self.insert(Typed::<H, S>::new(Arc::clone(state)));
        Ok(())
    }

    pub(crate) fn find(&self, queue: &str, kind: &str) -> Option<Arc<Registered>> {
        let handlers = self.queues.get(queue)?;
        handlers.by_kind.get(kind).or(handlers.any_kind.as_ref()).cloned()
    }

    pub(crate) fn serves(&self, queue: &str) -> bool {
        self.queues.contains_key(queue)
    }

    /// The queues that it serves, and what can be started of each.
    pub(crate) fn served(&self) -> Vec<Served> {
        let mut served: Vec<Served> = self
            .queues
            .iter()
            .map(|(queue, handlers)| Served { queue: queue.clone(), shares: handlers.shares() })
            .collect();
        served.sort_by(|a, b| a.queue.cmp(&b.queue));
        served
    }
}

impl QueueHandlers {
    fn shares(&self) -> Vec<Share> {
        let mut limited: HashMap<*const Registered, Share> = HashMap::new();
        let (mut unlimited, mut all) = (Vec::new(), Vec::new());
        for (&kind, registered) in &self.by_kind {
            all.push(kind);
            match registered.free() {
                None => unlimited.push(kind),
                Some(free) => {
                    let share = limited.entry(Arc::as_ptr(registered)).or_default();
                    share.free = Some(free);
                    share.kinds.get_or_insert_default().push(kind);
                }
            }
        }
        let mut shares: Vec<Share> = limited.into_values().collect();
        let limited = || shares.iter().filter_map(|share| share.kinds.clone()).flatten().collect();
        match &self.any_kind {
            None if unlimited.is_empty() => {}
            None => shares.push(Share { kinds: Some(unlimited), ..Share::default() }),
            Some(registered) => match registered.free() {
                None => {
                    let excluded = limited();
                    shares.push(Share { excluded, ..Share::default() });
                }
                free => {
                    shares.push(Share { excluded: all, free, ..Share::default() });
                    if !unlimited.is_empty() {
                        shares.push(Share { kinds: Some(unlimited), ..Share::default() });
                    }
                }
            },
        }
        // The order of a map is another in each process, and the same statement should look the same.
        for share in &mut shares {
            share
                .kinds
                .iter_mut()
                .chain([&mut share.excluded])
                .for_each(|kinds| kinds.sort_unstable());
        }
        shares.sort_unstable_by(|a, b| a.kinds.cmp(&b.kinds));
        shares
    }
}

impl Registered {
    /// How many more of its jobs can be started; `None`: it has no limit of its own.
    fn free(&self) -> Option<usize> {
        self.concurrency.as_ref().map(|limit| limit.available_permits())
    }

    /// The right to start one more.
    ///
    /// # Errors
    /// When as many run as may.
    pub(crate) fn take(&self) -> Result<Option<OwnedSemaphorePermit>, TryAcquireError> {
        self.concurrency.as_ref().map(|limit| Arc::clone(limit).try_acquire_owned()).transpose()
    }
}

impl fmt::Debug for Registry {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.served()).finish()
    }
}

/// The jobs that a binary runs, as `jobs![…]` lists them.
#[derive(Debug, Clone, Copy)]
pub struct JobList<T> {
    jobs: PhantomData<fn() -> T>,
}

impl<T> JobList<T> {
    #[doc(hidden)]
    pub const fn new(_jobs: T) -> Self
    where
        T: Copy,
    {
        Self { jobs: PhantomData }
    }
}

/// One job of a [`JobList`].
#[doc(hidden)]
pub struct Entry<H> {
    declaration: KindDeclaration,
    handler: PhantomData<fn() -> H>,
}

/// The entry of a job; `jobs![…]` writes one for each.
#[doc(hidden)]
pub const fn entry<H: JobHandler>() -> Entry<H> {
    Entry {
        declaration: KindDeclaration {
            kind: H::Payload::KIND,
            hash: H::Payload::KIND_HASH,
            declared_at: H::Payload::DECLARED_AT,
        },
        handler: PhantomData,
    }
}

// Without a bound on `H`: what is not a job is reported by `entry` alone.
impl<H> Entry<H> {
    /// What the compiler compares, so that no two jobs of a list share a name.
    pub const fn declaration(self) -> KindDeclaration {
        self.declaration
    }
}

impl<H> Clone for Entry<H> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<H> Copy for Entry<H> {}

impl<H> fmt::Debug for Entry<H> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Entry")
    }
}

/// Makes the entry of what is a job.
#[doc(hidden)]
pub trait ListedJob {
    /// What it is listed as.
    type Entry;

    /// The entry.
    fn listed(&self) -> Self::Entry;
}

impl<H: JobHandler> ListedJob for Listed<H> {
    type Entry = Entry<H>;

    fn listed(&self) -> Entry<H> {
        entry()
    }
}

/// Makes one of anything else, which runs with every state: that it is no job is reported by [`entry`], and
/// need not be reported by whoever takes the list. A crate in which it does has another error.
#[doc(hidden)]
pub trait ListedFallback {
    /// The entry.
    fn listed(&self) -> NoEntry;
}

impl<H> ListedFallback for &Listed<H> {
    fn listed(&self) -> NoEntry {
        NoEntry
    }
}

/// Something that stands in a list and is perhaps a job.
#[doc(hidden)]
#[derive(Debug)]
pub struct Listed<H>(PhantomData<fn() -> H>);

impl<H> Listed<H> {
    /// The only value.
    pub const NEW: Self = Self(PhantomData);
}

/// The entry of something that is no job.
#[doc(hidden)]
#[derive(Debug, Clone, Copy)]
pub struct NoEntry;

impl<S> JobSet<S> for NoEntry {
    fn register(_registry: &mut RegistryMut<'_>, _state: &Arc<S>) -> Result<(), Error> {
        Ok(())
    }
}

/// A list of jobs all of which can run with the state `S`.
///
/// `jobs![…]` nests its entries as a balanced tree of pairs, so that the compiler's work on a list
/// grows with the logarithm of its length where its recursion is concerned.
#[diagnostic::on_unimplemented(
    message = "these jobs cannot run with the state `{S}`",
    label = "a job here needs what `{S}` does not provide"
)]
pub trait JobSet<S> {
    #[doc(hidden)]
    fn register(registry: &mut RegistryMut<'_>, state: &Arc<S>) -> Result<(), Error>;
}

/// The registry as [`JobSet`] sees it.
#[doc(hidden)]
#[derive(Debug)]
pub struct RegistryMut<'r>(pub(crate) &'r mut Registry);

impl<S> JobSet<S> for () {
    fn register(_registry: &mut RegistryMut<'_>, _state: &Arc<S>) -> Result<(), Error> {
        Ok(())
    }
}

impl<S: Send + Sync + 'static, H: TypedHandler<S>> JobSet<S> for Entry<H> {
    fn register(registry: &mut RegistryMut<'_>, state: &Arc<S>) -> Result<(), Error> {
        registry.0.insert_declared::<H, S>(state)
    }
}

impl<S, A: JobSet<S>, B: JobSet<S>> JobSet<S> for (A, B) {
    fn register(registry: &mut RegistryMut<'_>, state: &Arc<S>) -> Result<(), Error> {
        A::register(registry, state)?;
        B::register(registry, state)
    }
}
