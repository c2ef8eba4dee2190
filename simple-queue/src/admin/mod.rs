//! What an operator does, as calls: looks at jobs and acts on them.
//!
//! [`Admin`] is a view of a queue with an actor and rights. Every operation asks for its right here, hides what is to
//! be hidden, and leaves its trace, so a command line or a page cannot forget to. They use only what is public.

mod act;
mod audit;
mod control;
mod count;
mod cursor;
mod detail;
mod doctor;
mod edit;
mod find;
mod groups;
mod insert;
mod looking;
mod masks;
mod redaction;
mod refused;
mod rights;
mod rows;
mod select;

pub use act::Acted;
pub use audit::{ActRecord, ActState};
pub use cursor::{Cursor, NoCursor};
pub use doctor::{Check, Doctor, Finding, Remedy, Severity};
pub use edit::Edit;
pub use find::{Find, Page};
pub use groups::{ErrorGroup, ErrorGroups};
pub use insert::{EnqueueRaw, Inserted};
pub use rights::{Right, Rights};
pub use rows::{
    FailedAttempt, JobContents, JobDetail, JobRow, JobVersion, KeyHolder, LiveJob, NoJobVersion,
};
pub use select::{Bulk, Selected, Touched};

use std::{fmt, sync::Arc};

use crate::{Error, SimpleQueue, database::again, job::StoredArgument};
use masks::{KnownKinds, Masks};
use redaction::Hidden;

/// # Operating
impl SimpleQueue {
    /// Returns the operator's view of the queue, which sees everything and changes nothing. With
    /// [`Admin::as_actor`] it acts.
    ///
    /// ```no_run
    /// use std::time::Duration;
    /// use simple_queue::{JobFilter, SimpleQueue};
    ///
    /// # async fn example(queue: &SimpleQueue) -> Result<(), simple_queue::Error> {
    /// let refused = JobFilter::dead().kind("send_welcome").error_like("connection refused");
    /// let admin = queue.admin();
    /// println!("{}", admin.count(&refused).await?); // 812, or 10,000+
    /// for job in admin.find(&refused).limit(20).await?.jobs {
    ///     println!("{} ended at {:?}", job.id, job.finished_at);
    /// }
    /// # Ok(())
    /// # }
    /// ```
    pub fn admin(&self) -> Admin {
        let hidden = Hidden::default();
        let masks = Masks::default();
        Admin { queue: self.clone(), actor: None, rights: Rights::READ_ONLY, hidden, masks }
    }
}

/// The operator's view of a queue: what the command line, a dashboard and programs of your own look
/// and act through. [`SimpleQueue::admin`] returns it; a clone is cheap.
///
/// The rights are asked for in each operation. They narrow what the database role may do, and never
/// widen it.
#[derive(Clone)]
pub struct Admin {
    queue: SimpleQueue,
    /// Who acts. Without an actor nothing is changed.
    actor: Option<Arc<str>>,
    rights: Rights,
    hidden: Hidden,
    masks: Masks,
}

impl Admin {
    /// Acts in this name, with all rights. The name is written down with every act; it is cut to
    /// 200 characters.
    #[must_use]
    pub fn as_actor(self, actor: impl Into<String>) -> Self {
        /// Characters of a name.
        const LONGEST: usize = 200;
        let actor: String = actor.into().replace('\0', "\u{fffd}").chars().take(LONGEST).collect();
        Self { actor: Some(actor.into()), rights: Rights::ALL, ..self }
    }

    /// Sets the rights, also those to look.
    #[must_use]
    pub fn with_rights(self, rights: Rights) -> Self {
        Self { rights, ..self }
    }

    /// Takes away the rights that the database role cannot use: of a viewer's program, all but to list
    /// jobs. A page that asks [`Admin::rights`] then shows no button in vain.
    ///
    /// # Errors
    /// [`Error::Database`] when it fails.
    pub async fn for_role(self) -> Result<Self, Error> {
        let role = again!(tries => self.queue.ask_for(1, async |connection| {
            self.queue.store().read_rights(connection).await
        }));
        let role = role.map_err(Error::database("read the rights of the role"))?;
        Ok(Self { rights: self.rights.of_role(role), ..self })
    }

    /// Hides more arguments than those that are declared with `#[job(redact)]`: the function gets
    /// the kind and the name of an argument at the top of the payload, and returns whether its
    /// value is hidden. It is asked also about kinds that this process does not know.
    ///
    /// Errors, results and keys are shown as they are, and may quote a value.
    #[must_use]
    pub fn hiding(self, hides: impl Fn(&str, &str) -> bool + Send + Sync + 'static) -> Self {
        Self { hidden: Hidden::by(hides), ..self }
    }

    /// Returns who acts.
    pub fn actor(&self) -> Option<&str> {
        self.actor.as_deref()
    }

    /// Returns the rights.
    pub fn rights(&self) -> Rights {
        self.rights
    }

    /// Refuses what the actor may not do.
    fn demand(&self, right: Right) -> Result<(), Error> {
        if self.rights.has(right) {
            return Ok(());
        }
        let actor = self.actor.as_deref().unwrap_or("nobody").to_owned();
        Err(Error::NotAllowed { actor, action: right.to_string() })
    }

    /// Who acts, if they may.
    fn actor_with(&self, right: Right) -> Result<&str, Error> {
        self.demand(right)?;
        let nobody = || Error::NotAllowed {
            actor: "nobody".to_owned(),
            action: format!("{right}: `Admin::as_actor` says who acts"),
        };
        self.actor.as_deref().ok_or_else(nobody)
    }

    fn sees_contents(&self) -> bool {
        self.rights.has(Right::SeeContents)
    }

    /// Whether the value of an argument is hidden, by this process's code, by that of a worker, or by the view.
    fn hides(&self, known: &KnownKinds, kind: &str, argument: &str) -> bool {
        let declared = self.queue.declared(kind);
        let is_it = |known: &&StoredArgument| known.is_redacted && known.is_stored_as(argument);
        declared.is_some_and(|declared| declared.arguments.iter().any(|known| is_it(&known)))
            || masks::hides(known, kind, argument)
            || self.hidden.hides(kind, argument)
    }
}

impl fmt::Debug for Admin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Admin")
            .field("queue", &self.queue)
            .field("actor", &self.actor)
            .field("rights", &self.rights)
            .finish_non_exhaustive()
    }
}
