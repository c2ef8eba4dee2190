//! Setup of a queue: its tables, and the handlers of its jobs.

use sqlx::{PgConnection, PgPool};

use super::{
    Handler, SimpleQueue,
    job_list::{JobList, JobSet, RegistryMut},
};
use crate::{Error, enqueue::EnqueueOnConnection, job::IntoState, store::migrate::migrate};

/// # Tables and handlers
impl SimpleQueue {
    /// Creates the tables, or updates them to this release. Safe to run from many processes at
    /// once, and cheap when there is nothing to do. The role that runs it owns the schema; other
    /// roles need [`SimpleQueue::grants`].
    ///
    /// It waits at most half a second for a lock, then tries again, and logs which sessions hold
    /// the lock.
    ///
    /// # Errors
    /// When the database cannot be reached, is not in UTF-8, or the role may not create a schema;
    /// [`Error::ForeignSchema`] when another role owns the schema; [`Error::MigrationHeldUp`] when
    /// the locks are not free for thirty times the statement timeout.
    ///
    /// # Cancel safety
    /// Each part is applied in a transaction, so a dropped call leaves no part half applied.
    pub async fn migrate(&self) -> Result<(), Error> {
        migrate(self.servers(), self.store()).await
    }

    /// Registers the jobs that this process runs, and the state they run with.
    ///
    /// The state is a struct that derives `JobState`, or anything in an `Arc`; `()` for jobs that
    /// take none. The call does not compile when a job takes a `&T` that the state does not
    /// provide.
    ///
    /// # Errors
    /// [`Error::DuplicateKind`] when another list has a job of the same name. Then no job of this
    /// list is registered.
    pub fn register<I: IntoState<State = S>, S, T: JobSet<S>>(
        &self,
        jobs: JobList<T>,
        state: I,
    ) -> Result<&Self, Error> {
        {
            let mut registry = self.inner.registry.write();
            let JobList { also_on, .. } = jobs;
            // All jobs of the list, or none.
            let mut changed = registry.clone();
            let mut adding = RegistryMut { registry: &mut changed, also_on: &also_on };
            T::register(&mut adding, &state.into_state())?;
            *registry = changed;
        }
        self.wake().wake_local();
        Ok(self)
    }

    /// Registers a handler of the plain interface, before or after the start of the worker. It
    /// replaces a handler of the same queue and kind.
    pub fn register_handler(&self, handler: impl Handler) -> &Self {
        self.inner.registry.write().insert(handler, &[]);
        self.wake().wake_local();
        self
    }

    /// Returns a target for enqueuing on the caller's connection or transaction in this queue's
    /// schema. A bare connection or transaction means the schema `simple_queue`.
    ///
    /// ```no_run
    /// # use simple_queue::prelude::*;
    /// # #[job(queue = "emails")]
    /// # async fn send_welcome(user_id: i64) {}
    /// # async fn example(queue: SimpleQueue, pool: sqlx::PgPool) -> Result<(), BoxDynError> {
    /// let mut tx = pool.begin().await?;
    /// SendWelcome::new(42).enqueue(queue.on(&mut tx)).await?;
    /// tx.commit().await?;
    /// # Ok(())
    /// # }
    /// ```
    pub fn on<'e>(&self, connection: &'e mut PgConnection) -> EnqueueOnConnection<'e> {
        EnqueueOnConnection { connection, store: self.store().clone() }
    }

    /// Returns the pool that jobs are enqueued through.
    pub fn pool(&self) -> &PgPool {
        self.servers().pool()
    }
}
