//! What a queue needs before it is of use: its tables, and what runs its jobs.

use sqlx::{PgConnection, PgPool};

use super::{
    Handler, SimpleQueue,
    job_list::{JobList, JobSet, RegistryMut},
};
use crate::{Error, enqueue::EnqueueOnConnection, job::IntoState, store::migrate::migrate};

/// # Tables and handlers
impl SimpleQueue {
    /// Makes the tables, or brings them up to date. Safe to run from many processes at once, and cheap
    /// when there is nothing to do. The role that does it owns the schema; others need [`SimpleQueue::grants`].
    ///
    /// It waits for no lock longer than half a second at a time, and says in the log who holds it up.
    ///
    /// # Errors
    /// When the database cannot be reached, is not in UTF-8, or the role may not create a schema in it;
    /// [`Error::ForeignSchema`] when another role owns the schema; [`Error::MigrationHeldUp`] when the locks are
    /// not to be had for thirty times as long as a statement may take.
    ///
    /// # Cancel safety
    /// Each part is applied in a transaction: a call that is dropped leaves none half done.
    pub async fn migrate(&self) -> Result<(), Error> {
        migrate(self.servers(), self.store().schema()).await
    }

    /// Registers the jobs that this process runs, and the state they run with.
    ///
    /// The state is a struct that derives `JobState`, or anything in an `Arc`; `()` for jobs that take none. It does
    /// not compile when a job takes a `&T` that the state does not provide.
    ///
    /// # Errors
    /// [`Error::DuplicateKind`] when another list had a job of the same name. Then none of this list is registered.
    pub fn register<I: IntoState<State = S>, S, T: JobSet<S>>(
        &self,
        jobs: JobList<T>,
        state: I,
    ) -> Result<&Self, Error> {
        {
            let mut registry = self.inner.registry.write();
            let JobList { also_on, .. } = jobs;
            // All of the list or none.
            let mut changed = registry.clone();
            let mut adding = RegistryMut { registry: &mut changed, also_on: &also_on };
            T::register(&mut adding, &state.into_state())?;
            *registry = changed;
        }
        self.wake().wake_local();
        Ok(self)
    }

    /// Registers a handler of the plain interface, before or after the worker was started; one that
    /// served the same queue and kind is replaced.
    pub fn register_handler(&self, handler: impl Handler) -> &Self {
        self.inner.registry.write().insert(handler, &[]);
        self.wake().wake_local();
        self
    }

    /// The caller's connection or transaction, to enqueue in this queue's schema.
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

    /// The pool that jobs are enqueued through.
    pub fn pool(&self) -> &PgPool {
        self.servers().pool()
    }
}
