//! Which handler runs what.

use std::{collections::HashMap, fmt, marker::PhantomData, sync::Arc};

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
    by_kind: HashMap<&'static str, Arc<dyn DynHandler>>,
    /// Serves every kind that has no handler of its own.
    any_kind: Option<Arc<dyn DynHandler>>,
}

impl Registry {
    /// Adds a handler; one that served the same before is replaced.
    pub(crate) fn insert<H: Handler>(&mut self, handler: H) {
        let handlers = self.queues.entry(H::QUEUE.to_owned()).or_default();
        let handler: Arc<dyn DynHandler> = Arc::new(handler);
        for &kind in H::KIND.iter().chain(H::ALIASES) {
            handlers.by_kind.insert(kind, Arc::clone(&handler));
        }
        if H::KIND.is_none() {
            handlers.any_kind = Some(handler);
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

    pub(crate) fn find(&self, queue: &str, kind: &str) -> Option<Arc<dyn DynHandler>> {
        let handlers = self.queues.get(queue)?;
        handlers.by_kind.get(kind).or(handlers.any_kind.as_ref()).cloned()
    }

    pub(crate) fn serves(&self, queue: &str) -> bool {
        self.queues.contains_key(queue)
    }

    /// The queues it serves, each with its kinds; `None`: all of them.
    pub(crate) fn served(&self) -> Vec<(String, Option<Vec<String>>)> {
        let mut served: Vec<_> = self
            .queues
            .iter()
            .map(|(queue, handlers)| {
                let mut kinds: Vec<String> =
                    handlers.by_kind.keys().map(|&kind| kind.to_owned()).collect();
                kinds.sort();
                (queue.clone(), handlers.any_kind.is_none().then_some(kinds))
            })
            .collect();
        served.sort();
        served
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
