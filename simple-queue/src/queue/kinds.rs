//! The kinds that workers declare.

use super::SimpleQueue;
use crate::{Error, database::again, row::KindState};

/// # Kinds
impl SimpleQueue {
    /// Lists the kinds of jobs that workers have declared, by name, with their arguments: also for a
    /// process that does not have their code.
    ///
    /// ```
    /// # use simple_queue::prelude::*;
    /// # async fn example(queue: &SimpleQueue) -> Result<(), simple_queue::Error> {
    /// for kind in queue.kinds().await? {
    ///     println!("{kind}"); // send_welcome (emails): user_id: i64, text: String
    /// }
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// A kind that no worker declares any more stays in the list; [`KindState::declared_at`] says since when.
    ///
    /// # Errors
    /// When the database fails.
    ///
    /// # Cancel safety
    /// Cancel safe: it only looks.
    pub async fn kinds(&self) -> Result<Vec<KindState>, Error> {
        let listed = again!(tries => self.ask(async |connection| {
            self.store().list_kinds(connection, None).await
        }));
        listed.map_err(Error::database("list kinds"))
    }
}
