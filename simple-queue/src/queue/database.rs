//! What the roles of the database need.

use std::time::Duration;

use super::SimpleQueue;
use crate::store::Role;

/// The shortest and the longest time of a statement: less would end those that are well.
pub(super) const STATEMENT_TIMEOUTS: (Duration, Duration) =
    (Duration::from_millis(100), Duration::from_hours(1));

/// # Roles of the database
impl SimpleQueue {
    /// The statements that give a role of the database what it needs to be this to the queue, one a line.
    ///
    /// They are to be carried out by the owner of the schema, after [`SimpleQueue::migrate`]; grants are kept
    /// when a newer release migrates. The same stands in `migrations/grants/`.
    ///
    /// ```
    /// # use simple_queue::{Role, SimpleQueue, sqlx::AssertSqlSafe};
    /// # async fn example(owner: &SimpleQueue) -> Result<(), Box<dyn std::error::Error>> {
    /// let grants = owner.grants(Role::Enqueuer, "web");
    /// simple_queue::sqlx::raw_sql(AssertSqlSafe(grants)).execute(owner.pool()).await?;
    /// # Ok(())
    /// # }
    /// ```
    pub fn grants(&self, role: Role, name: &str) -> String {
        role.grants(self.store().schema(), name)
    }
}
