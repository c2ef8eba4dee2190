//! What can be set about the way to the database.

use std::time::Duration;

use sqlx::postgres::PgConnectOptions;

use super::SimpleQueue;
use crate::{Error, database::parse_url, store::Role};

/// What the time of a statement may be: less would end those that are well.
const SHORTEST: Duration = Duration::from_millis(100);
const LONGEST: Duration = Duration::from_hours(1);

impl SimpleQueue {
    /// The servers on which the database may be; the queue follows the one that is writable.
    ///
    /// When a connection breaks, or a server says that it is read-only, the others are asked, and the pool
    /// and the worker move to the first that is writable. A server that is writable is not left, so a
    /// primary that others have replaced must be kept from coming back as one. While nothing fails nothing
    /// is asked.
    ///
    /// Your own statements on the pool reach the new server from then on; one that was under way fails.
    #[must_use]
    pub fn with_servers(self, servers: impl IntoIterator<Item = PgConnectOptions>) -> Self {
        self.servers().set_candidates(servers.into_iter().collect());
        self
    }

    /// The URL of the server itself, where the pool leads to it through a pooler such as pgbouncer.
    ///
    /// Listening for notifications, and the migrations, need a session of their own, which a pooler that
    /// lends sessions for a transaction does not give. Without this URL a worker looks for jobs at the pace
    /// of [`SimpleQueue::with_empty_poll_sleep`], and says so once; [`SimpleQueue::migrate`] is refused.
    ///
    /// # Errors
    /// When the URL cannot be read, or names several servers: this one is not followed when it moves.
    pub fn with_direct_url(self, url: &str) -> Result<Self, Error> {
        let servers = parse_url(url)?;
        let [server] = servers.as_slice() else {
            let problem = format!("a direct URL names one server, not {}", servers.len());
            return Err(Error::InvalidUrl { problem });
        };
        self.servers().set_direct(server.clone());
        Ok(self)
    }

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

    /// How long a statement of the library's own may take; 10 seconds by default, from 100 ms to an hour.
    ///
    /// The server ends one that takes longer, and two seconds later nobody waits for it any more, so this
    /// is also how soon a connection is given up of which the other end has vanished. Set it before the
    /// start.
    #[must_use]
    pub fn with_statement_timeout(self, limit: Duration) -> Self {
        self.servers().set_statement_timeout(limit.clamp(SHORTEST, LONGEST));
        self
    }
}
