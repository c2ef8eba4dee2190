//! Which handler runs what.

use std::{collections::HashMap, fmt, marker::PhantomData, sync::Arc};

use super::handler::{DynHandler, Handler, Typed, TypedHandler};
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

    fn insert_declared<J: TypedHandler<S>, S: Send + Sync + 'static>(
        &mut self,
        state: &Arc<S>,
    ) -> Result<(), Error> {
        let second = J::DECLARED_AT;
        let mut kinds = std::iter::once(&J::KIND).chain(J::ALIASES);
        if let Some((&kind, first)) = kinds.find_map(|kind| self.kinds.get_key_value(kind)) {
            return Err(Error::DuplicateKind { kind, first, second });
        }
        self.kinds.extend(
            std::iter::once(J::KIND).chain(J::ALIASES.iter().copied()).map(|kind| (kind, second)),
        );
        self.insert(Typed::<J, S>::new(Arc::clone(state)));
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
pub struct Entry<J> {
    declaration: KindDeclaration,
    job: PhantomData<fn() -> J>,
}

/// The entry of a job; `jobs![…]` writes one for each.
#[doc(hidden)]
pub const fn entry<J: JobPayload>() -> Entry<J> {
    Entry {
        declaration: KindDeclaration {
            kind: J::KIND,
            hash: J::KIND_HASH,
            declared_at: J::DECLARED_AT,
        },
        job: PhantomData,
    }
}

// Without a bound on `J`: what is not a job is reported by `entry` alone.
impl<J> Entry<J> {
    /// What the compiler compares, so that no two jobs of a list share a name.
    pub const fn declaration(self) -> KindDeclaration {
        self.declaration
    }
}

impl<J> Clone for Entry<J> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<J> Copy for Entry<J> {}

impl<J> fmt::Debug for Entry<J> {
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

impl<S: Send + Sync + 'static, J: TypedHandler<S>> JobSet<S> for Entry<J> {
    fn register(registry: &mut RegistryMut<'_>, state: &Arc<S>) -> Result<(), Error> {
        registry.0.insert_declared::<J, S>(state)
    }
}

impl<S, A: JobSet<S>, B: JobSet<S>> JobSet<S> for (A, B) {
    fn register(registry: &mut RegistryMut<'_>, state: &Arc<S>) -> Result<(), Error> {
        A::register(registry, state)?;
        B::register(registry, state)
    }
}
