//! The jobs of a program as a type, so that the compiler can check that a state has what all of
//! them need.

use std::{fmt, marker::PhantomData, sync::Arc};

use super::{
    handler::{JobHandler, TypedHandler},
    registry::Registry,
};
use crate::{
    Error,
    job::{JobPayload, KindDeclaration, hash_of_kind},
};

/// The jobs that a program runs, as `jobs![…]` lists them.
#[derive(Debug, Clone)]
#[must_use = "jobs only run if they are registered"]
pub struct JobList<T> {
    jobs: PhantomData<fn() -> T>,
    pub(super) also_on: Vec<String>,
}

impl<T> JobList<T> {
    #[doc(hidden)]
    pub const fn new(_jobs: T) -> Self
    where
        T: Copy,
    {
        Self { jobs: PhantomData, also_on: Vec::new() }
    }

    /// Runs these jobs from this queue too. Jobs wait there if they were enqueued with
    /// [`queue`](crate::Enqueue::queue), or before their declaration named another queue.
    ///
    /// ```
    /// # use simple_queue::prelude::*;
    /// # fn example(queue: &SimpleQueue) -> Result<(), simple_queue::Error> {
    /// #[job(queue = "mail")]
    /// async fn send_invoice(order_id: i64) {}
    ///
    /// queue.register(jobs![SendInvoice].also_on("emails"), ())?;
    /// # Ok(())
    /// # }
    /// ```
    pub fn also_on(mut self, queue: impl Into<String>) -> Self {
        self.also_on.push(queue.into());
        self
    }
}

/// One job of a [`JobList`].
#[doc(hidden)]
pub struct Entry<H> {
    declaration: KindDeclaration,
    handler: PhantomData<fn() -> H>,
}

/// The entry of a job; `jobs![…]` writes one for each job.
#[doc(hidden)]
pub const fn entry<H: JobHandler>() -> Entry<H> {
    Entry {
        declaration: KindDeclaration {
            kind: H::Payload::KIND,
            hash: hash_of_kind(H::Payload::KIND),
            declared_at: H::Payload::DECLARED_AT,
            limits: H::Payload::OPTIONS.limits,
        },
        handler: PhantomData,
    }
}

// No bound on `H`: only `entry` reports a type that is not a job.
impl<H> Entry<H> {
    /// A name that the compiler compares, so that two jobs of a list cannot have the same name.
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

/// Makes the entry of a type that is a job.
#[doc(hidden)]
pub trait ListedJob {
    /// The type of the entry.
    type Entry;

    /// Returns the entry.
    fn listed(&self) -> Self::Entry;
}

impl<H: JobHandler> ListedJob for Listed<H> {
    type Entry = Entry<H>;

    fn listed(&self) -> Entry<H> {
        entry()
    }
}

/// Makes an entry of any other type; the entry runs with every state. [`entry`] reports that the
/// type is not a job, so the call that takes the list need not report it again. A crate that uses
/// this fallback has another error.
#[doc(hidden)]
pub trait ListedFallback {
    /// Returns the entry.
    fn listed(&self) -> NoEntry;
}

impl<H> ListedFallback for &Listed<H> {
    fn listed(&self) -> NoEntry {
        NoEntry
    }
}

/// A type in a list that may or may not be a job.
#[doc(hidden)]
#[derive(Debug)]
pub struct Listed<H>(PhantomData<fn() -> H>);

impl<H> Listed<H> {
    /// The only value.
    pub const NEW: Self = Self(PhantomData);
}

/// The entry of a type that is not a job.
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
/// `jobs![…]` nests its entries as a balanced tree of pairs, so the compiler's recursion depth
/// grows with the logarithm of the list's length.
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
pub struct RegistryMut<'r> {
    pub(super) registry: &'r mut Registry,
    pub(super) also_on: &'r [String],
}

impl<S> JobSet<S> for () {
    fn register(_registry: &mut RegistryMut<'_>, _state: &Arc<S>) -> Result<(), Error> {
        Ok(())
    }
}

impl<S: Send + Sync + 'static, H: TypedHandler<S>> JobSet<S> for Entry<H> {
    fn register(registry: &mut RegistryMut<'_>, state: &Arc<S>) -> Result<(), Error> {
        registry.registry.insert_declared::<H, S>(state, registry.also_on)
    }
}

impl<S, A: JobSet<S>, B: JobSet<S>> JobSet<S> for (A, B) {
    fn register(registry: &mut RegistryMut<'_>, state: &Arc<S>) -> Result<(), Error> {
        A::register(registry, state)?;
        B::register(registry, state)
    }
}
