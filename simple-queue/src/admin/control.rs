//! An operator's calls on queues, limits and schedules.

use super::{Admin, Right};
#[cfg(feature = "cron")]
use crate::Schedules;
use crate::{
    Limits, Pausing, Resuming,
    queue::{Caller, Operator},
};

/// # Queues, limits and schedules
///
/// These are the calls of [`SimpleQueue`](crate::SimpleQueue), in the actor's name: each asks for
/// [`Right::Control`], and what it changes is written down in its transaction. Lists ask for
/// [`Right::See`], those of keys for [`Right::SeeContents`].
impl Admin {
    /// Pauses a queue, or a kind of it, as [`SimpleQueue::pause`](crate::SimpleQueue::pause).
    ///
    /// ```no_run
    /// # async fn example(queue: &simple_queue::SimpleQueue) -> Result<(), simple_queue::Error> {
    /// let admin = queue.admin().as_actor("ann@example.com");
    /// admin.pause("emails").kind("send_welcome").because("the provider is down").await?;
    /// for act in admin.acts(None, 10).await? {
    ///     println!("{} by {}: {}", act.action, act.actor, act.target);
    ///     // pause by ann@example.com: queue:emails kind:send_welcome
    /// }
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// [`Error::NotAllowed`](crate::Error::NotAllowed); or when the database fails.
    pub fn pause<'a>(&'a self, queue: &'a str) -> Pausing<'a> {
        self.queue.pause_by(self.caller(), queue)
    }

    /// Resumes a queue, or a kind of it, as [`SimpleQueue::resume`](crate::SimpleQueue::resume).
    ///
    /// # Errors
    /// [`Error::NotAllowed`](crate::Error::NotAllowed); or when the database fails.
    pub fn resume<'a>(&'a self, queue: &'a str) -> Resuming<'a> {
        self.queue.resume_by(self.caller(), queue)
    }

    /// Returns the limits, as [`SimpleQueue::limits`](crate::SimpleQueue::limits).
    pub fn limits(&self) -> Limits<'_> {
        self.queue.limits_by(self.caller())
    }

    /// Returns the schedules, as [`SimpleQueue::schedules`](crate::SimpleQueue::schedules).
    #[cfg(feature = "cron")]
    pub fn schedules(&self) -> Schedules<'_> {
        self.queue.schedules_by(self.caller())
    }

    fn caller(&self) -> Caller<'_> {
        let right = |right: Right| self.rights.has(right).then_some(()).ok_or(right.words());
        Caller::Operator(Operator {
            actor: self.actor(),
            sees: right(Right::See),
            sees_contents: right(Right::SeeContents),
            controls: right(Right::Control),
        })
    }
}
