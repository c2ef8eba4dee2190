//! What a migration would do, for those who apply it themselves.

use super::SimpleQueue;
use crate::{
    Error,
    database::again,
    store::{
        DAYS_AHEAD,
        history::{Pending, all_parts, read_history},
    },
};

/// A part of the tables that a migration would apply; returned by
/// [`SimpleQueue::pending_migrations`].
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct PendingMigration {
    /// Its name.
    pub name: &'static str,
    /// The release whose text it replaces; `None`: it is not there.
    pub replaces: Option<String>,
    /// Its statements, in the queue's schema. The last one records that it is applied.
    pub sql: String,
}

/// # What a migration would do
impl SimpleQueue {
    /// Returns the parts that [`SimpleQueue::migrate`] would apply now, in their order; empty if the
    /// tables are those of this release.
    ///
    /// To keep the tables in migrations of your own, apply the statements of all parts in one
    /// transaction, as the role that is to own the schema. `migrate` then finds nothing to do.
    ///
    /// ```no_run
    /// # async fn example(queue: &simple_queue::SimpleQueue) -> Result<(), simple_queue::Error> {
    /// for part in queue.pending_migrations().await? {
    ///     println!("-- {}\n{}", part.name, part.sql);
    /// }
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// When the database fails, or the role may not read the table `migrations`;
    /// [`Error::OtherTables`] when the tables were made by something else.
    ///
    /// # Cancel safety
    /// Cancel safe: it only looks.
    pub async fn pending_migrations(&self) -> Result<Vec<PendingMigration>, Error> {
        let schema = self.store().schema();
        let history = again!(tries => self.ask_for(2, async |connection| {
            read_history(schema, connection).await
        }));
        let history = history.map_err(Error::database("read which migrations are applied"))?;
        Ok(history.pending(schema)?.into_iter().map(PendingMigration::from).collect())
    }

    /// Returns all parts of the tables, as [`SimpleQueue::migrate`] would apply them to an empty
    /// database. The database is not asked.
    pub fn all_migrations(&self) -> Vec<PendingMigration> {
        let parts = all_parts(self.store().schema(), DAYS_AHEAD);
        parts.into_iter().map(PendingMigration::from).collect()
    }
}

impl From<Pending> for PendingMigration {
    fn from(Pending { name, replaces, sql }: Pending) -> Self {
        Self { name, replaces, sql }
    }
}
