//! What failed, by error.

use std::fmt;

use chrono::{DateTime, Utc};
use uuid::Uuid;

use super::Admin;
use crate::{Error, JobFilter, database::again, store::GroupRow};

/// Dead letters by kind and error; [`Admin::error_groups`] returns them.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct ErrorGroups {
    /// The groups, the largest first; 100 at most.
    pub groups: Vec<ErrorGroup>,
    /// How many dead letters were looked at, the last that ended.
    pub looked_at: u64,
    /// Whether these are all dead letters of the filter's times.
    pub complete: bool,
}

/// Dead letters of one kind that failed alike.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct ErrorGroup {
    /// The kind.
    pub kind: String,
    /// The first line of the last error, or of the reason, in which numbers, UUIDs and quoted parts
    /// are `#`; at most 100 characters.
    pub key: String,
    /// How many there are among those that were looked at.
    pub count: u64,
    /// When the first of these ended.
    pub first_at: DateTime<Utc>,
    /// When the last one ended.
    pub last_at: DateTime<Utc>,
    /// The last one.
    pub sample_id: Uuid,
}

impl ErrorGroup {
    /// Returns the filter that selects the group, for [`Admin::select`].
    pub fn filter(&self) -> JobFilter {
        JobFilter::dead().kind(self.kind.clone()).error_key(self.key.clone())
    }
}

/// Writes one line.
impl fmt::Display for ErrorGroup {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} of {}: {}", self.count, self.kind, self.key)
    }
}

/// 10,000 dead letters, upper bound of what is looked at: below 200 ms, what they contain included.
const WINDOW: i64 = 10_000;

/// 100 groups, upper bound of an answer.
const MOST: i64 = 100;

impl Admin {
    /// Groups dead letters by kind and error: those that the filter selects, among the last 10,000
    /// of its times. A filter of another state than `dead` is narrowed to it.
    ///
    /// ```no_run
    /// # use std::time::Duration;
    /// # use simple_queue::{JobFilter, SimpleQueue};
    /// # async fn example(queue: &SimpleQueue) -> Result<(), simple_queue::Error> {
    /// let admin = queue.admin().as_actor("ann@example.com");
    /// let today = JobFilter::dead().since(Duration::from_hours(24));
    /// for group in admin.error_groups(&today).await?.groups {
    ///     println!("{group}"); // 812 of send_welcome: connection to # refused
    ///     if group.key.contains("refused") {
    ///         admin.select(group.filter()).retry().await?;
    ///     }
    /// }
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// [`Error::NotAllowed`] without [`Right::See`](super::Right::See) and
    /// [`Right::SeeContents`](super::Right::SeeContents), because errors quote
    /// what jobs contain; [`Error::Database`] when it fails.
    ///
    /// # Cancel safety
    /// Cancel safe: it only looks.
    pub async fn error_groups(&self, filter: &JobFilter) -> Result<ErrorGroups, Error> {
        self.demand_look(filter, true).await?;
        let filter = filter.clone().only_dead();
        let contents = filter.reads_contents().then(|| filter.of_the_contents());
        let asked = (filter.of_the_row(), contents.as_deref());
        let grouped = again!(tries => self.queue.ask_for(1, async |connection| {
            let store = self.queue.store();
            store.group_errors(connection, (&asked.0, asked.1), WINDOW, MOST).await
        }));
        let (looked_at, groups) = grouped.map_err(Error::database("group errors"))?;
        Ok(ErrorGroups {
            groups: groups.into_iter().map(ErrorGroup::of).collect(),
            looked_at: looked_at.unsigned_abs(),
            complete: looked_at < WINDOW,
        })
    }
}

impl ErrorGroup {
    fn of(row: GroupRow) -> Self {
        Self {
            kind: row.kind,
            key: row.error_key,
            count: row.jobs.unsigned_abs(),
            first_at: row.first_at,
            last_at: row.last_at,
            sample_id: row.sample_id,
        }
    }
}
