//! Grants for the roles of the database.

use std::time::Duration;

use super::SimpleQueue;
use crate::store::Role;

/// 100 ms and 1 h, the bounds of a statement timeout. A shorter one would end healthy statements.
pub(super) const STATEMENT_TIMEOUTS: (Duration, Duration) =
    (Duration::from_millis(100), Duration::from_hours(1));

/// # Roles of the database
impl SimpleQueue {
    /// Returns the statements, one a line, that grant a database role the rights of this kind of
    /// participant.
    ///
    /// The owner of the schema runs them, after [`SimpleQueue::migrate`]. Grants survive the
    /// migration of a newer release. The same statements are in `migrations/grants/`.
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
