//! Acts on one job.

use chrono::{DateTime, Utc};
use sqlx::PgConnection;
use uuid::Uuid;

use super::{Admin, Right, refused::problem_of_queue};
use crate::{
    Error,
    database::again,
    job::JobStatus,
    store::{Moved, NewAct, Verb, Why},
};

/// What came of an act on one job.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[must_use = "it may have been left alone"]
pub enum Acted {
    /// It was done.
    Done,
    /// The job was left as it is.
    Left(Why),
}

impl Acted {
    /// Returns why the job was left as it is.
    pub const fn left(self) -> Option<Why> {
        match self {
            Self::Done => None,
            Self::Left(why) => Some(why),
        }
    }
}

/// # Acts on one job
///
/// Each is a transaction, in which it also writes down who did it; [`Admin::acts`] lists that. A job
/// that somebody else has changed, taken or ended meanwhile is left alone, and the answer says why.
///
/// Every act fails with [`Error::NotAllowed`] without an actor or without its right, and with
/// [`Error::Database`] when the database fails. A call that is dropped may be carried out all the
/// same.
impl Admin {
    /// Puts a dead letter back to pending, due at once, with all its attempts.
    ///
    /// # Errors
    /// See above.
    pub async fn retry(&self, id: Uuid) -> Result<Acted, Error> {
        self.act_on_one(Right::Retry, id, &[Verb::Retry]).await
    }

    /// Cancels a job. A waiting job ends at once; for a running one, in whatever process, the
    /// handler is told, and dropped after a grace.
    ///
    /// # Errors
    /// See above.
    pub async fn cancel(&self, id: Uuid) -> Result<Acted, Error> {
        self.act_on_one(Right::Cancel, id, &[Verb::Cancel]).await
    }

    /// Deletes a job that waits or is dead. Nothing but the audit remembers it.
    ///
    /// # Errors
    /// See above.
    pub async fn delete(&self, id: Uuid) -> Result<Acted, Error> {
        self.act_on_one(Right::Delete, id, &[Verb::DeleteWaiting, Verb::DeleteDead]).await
    }

    /// Moves a waiting job to another queue.
    ///
    /// # Errors
    /// See above; [`Error::InvalidQueueName`] when no queue can have the name.
    pub async fn move_to(&self, id: Uuid, queue: &str) -> Result<Acted, Error> {
        problem_of_queue(queue)?;
        let moved = Moved { queue: Some(queue.to_owned()), ..Moved::default() };
        self.act_on_one(Right::Move, id, &[Verb::Move(moved)]).await
    }

    /// Sets the priority of a waiting job; smaller is first.
    ///
    /// # Errors
    /// See above.
    pub async fn set_priority(&self, id: Uuid, priority: i16) -> Result<Acted, Error> {
        let moved = Moved { priority: Some(priority), ..Moved::default() };
        self.act_on_one(Right::Move, id, &[Verb::Move(moved)]).await
    }

    /// Sets when a waiting job is due; a time in the past is now. The time that it may wait
    /// afterwards stays the same.
    ///
    /// # Errors
    /// See above.
    pub async fn run_at(&self, id: Uuid, at: DateTime<Utc>) -> Result<Acted, Error> {
        let moved = Moved { run_at: Some(at), ..Moved::default() };
        self.act_on_one(Right::Move, id, &[Verb::Move(moved)]).await
    }

    /// Makes a waiting job due now: one that is delayed, or that waits for its retry.
    ///
    /// # Errors
    /// See above.
    pub async fn run_now(&self, id: Uuid) -> Result<Acted, Error> {
        let moved = Moved { runs_now: true, ..Moved::default() };
        self.act_on_one(Right::Move, id, &[Verb::Move(moved)]).await
    }

    async fn act_on_one(&self, right: Right, id: Uuid, verbs: &[Verb]) -> Result<Acted, Error> {
        let (actor, act_id) = (self.actor_with(right)?, Uuid::now_v7());
        let store = self.queue.store();
        let acted = again!(tries => {
            self.queue.ask_in_transaction(STATEMENTS, async |connection| {
                if tries.may_be_done() && let Some(acted) = self.written_down(connection, act_id).await? {
                    return Ok(acted);
                }
                let acted = self.act_once(&mut *connection, id, verbs).await?;
                let verb = &verbs[0];
                let left: Vec<_> = acted.left().map(|why| (id, why)).into_iter().collect();
                let act = NewAct {
                    id: act_id,
                    actor,
                    action: verb.action(),
                    target: format!("id:{id}"),
                    job_id: Some(id),
                    arguments: verb.arguments(),
                    is_running: false,
                    done: i64::from(left.is_empty()),
                    left: &left,
                };
                store.insert_act(connection, &act).await?;
                sqlx::Result::Ok(acted)
            })
        });
        let acted = acted.map_err(Error::database("act on a job"))?;
        self.queue.wake().wake_local();
        Ok(acted)
    }

    /// Tries each verb where its job may be.
    async fn act_once(
        &self,
        connection: &mut PgConnection,
        id: Uuid,
        verbs: &[Verb],
    ) -> sqlx::Result<Acted> {
        let store = self.queue.store();
        for verb in verbs {
            if !verb.is_of_the_dead() {
                match store.lock_job(connection, id, None, Some(verb)).await? {
                    Some(Ok(())) => {}
                    Some(Err(why)) => return Ok(Acted::Left(why)),
                    None => continue,
                }
            }
            let (done, left) = store.act_on(connection, verb, &[id]).await?;
            if !done.is_empty() {
                return Ok(Acted::Done);
            }
            if let Some((_, why)) = left.first() {
                return Ok(Acted::Left(*why));
            }
        }
        Ok(Acted::Left(self.why_not_there(connection, id).await?))
    }

    /// Why a job is not where an act looked for it.
    pub(super) async fn why_not_there(
        &self,
        connection: &mut PgConnection,
        id: Uuid,
    ) -> sqlx::Result<Why> {
        let Some((status, ..)) = self.queue.store().read_end(connection, id).await? else {
            return Ok(Why::Gone);
        };
        Ok(match status.parse::<JobStatus>() {
            Ok(JobStatus::Pending) => Why::Waiting,
            Ok(JobStatus::Running) => Why::Running,
            Ok(status) => Why::Ended(status),
            Err(_) => Why::Changed,
        })
    }

    /// What an earlier try of the same call did.
    pub(super) async fn written_down(
        &self,
        connection: &mut PgConnection,
        act_id: Uuid,
    ) -> sqlx::Result<Option<Acted>> {
        let act = self.queue.store().read_act(connection, act_id).await?;
        Ok(act.map(|act| match act.left.first() {
            Some((_, why)) => Acted::Left(*why),
            None => Acted::Done,
        }))
    }
}

/// 8 statements, whose time an act on one job may take.
pub(super) const STATEMENTS: usize = 8;
