//! Enqueues jobs by hand.

use std::{collections::BTreeMap, future::IntoFuture, pin::Pin};

use chrono::{DateTime, Utc};
use serde::Serialize;
use serde_json::value::RawValue;
use sqlx::PgConnection;
use uuid::Uuid;

use super::{
    Admin, Right,
    act::STATEMENTS,
    looking::made_at,
    refused::{Failed, problem_of_queue},
};
use crate::{
    EnqueueOutcome, Error,
    database::again,
    enqueue::{EnqueueOn as _, insert},
    job::{KeyedBy, to_json},
    row::{Due, KindArgument, KindState, NewJob},
    store::{Copied, NewAct, Why},
};

/// What came of a job that was to be enqueued by hand.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[must_use = "it may not have been enqueued"]
pub enum Inserted {
    /// It was enqueued; this is its id.
    Done(Uuid),
    /// It was not.
    Left(Why),
}

impl Admin {
    /// Enqueues a completed job once more, under a new id and due now. The archive stays as it is.
    ///
    /// # Errors
    /// [`Error::NotAllowed`] without an actor or without [`Right::Retry`]; [`Error::Database`] when
    /// it fails.
    pub async fn run_again(&self, id: Uuid) -> Result<Inserted, Error> {
        let actor = self.actor_with(Right::Retry)?;
        let (new_id, act_id) = (Uuid::now_v7(), Uuid::now_v7());
        let store = self.queue.store();
        let copied = again!(tries => {
            self.queue.ask_in_transaction(STATEMENTS, async |connection| {
                if tries.may_be_done() && let Some(acted) = self.written_down(connection, act_id).await? {
                    return Ok(acted.left().map_or(Inserted::Done(new_id), Inserted::Left));
                }
                let copied = store.copy_archived_job(connection, id, new_id, made_at(id)).await?;
                let copied = match copied {
                    Some(Copied::Inserted) => Inserted::Done(new_id),
                    Some(Copied::Taken(key)) => {
                        let holder = store.find_holder_of_key(connection, &key).await?;
                        Inserted::Left(holder.map_or(Why::Busy, |holder| Why::KeyTaken(holder.job_id)))
                    }
                    None => Inserted::Left(self.why_not_there(connection, id).await?),
                };
                let arguments = format!("{{\"new_id\": \"{new_id}\"}}");
                self.write_down(connection, act_id, actor, "run_again", id, arguments, copied).await?;
                sqlx::Result::Ok(copied)
            })
        });
        let copied = copied.map_err(Error::database("run a job again"))?;
        self.queue.wake().wake_local();
        Ok(copied)
    }

    /// Enqueues a job by its kind and its payload. If this process knows the kind, the payload has
    /// to fit the declared type, and the job gets the declared queue, options and keys. If only
    /// workers do, its arguments have to be those that they have declared.
    ///
    /// ```no_run
    /// # use simple_queue::SimpleQueue;
    /// # async fn example(queue: &SimpleQueue) -> Result<(), simple_queue::Error> {
    /// let admin = queue.admin().as_actor("ann@example.com");
    /// let args = serde_json::json!({"user_id": 42});
    /// let inserted = admin.enqueue_raw("send_welcome", args).queue("emails").await?;
    /// # let _ = inserted;
    /// # Ok(())
    /// # }
    /// ```
    pub fn enqueue_raw(&self, kind: impl Into<String>, args: impl Serialize) -> EnqueueRaw<'_> {
        EnqueueRaw {
            admin: self,
            kind: kind.into(),
            args: to_json(&args).map_err(|problem| problem.to_string()),
            queue: None,
            at: None,
            priority: None,
            version: None,
        }
    }

    #[expect(clippy::too_many_arguments, reason = "they are the columns of the row")]
    async fn write_down(
        &self,
        connection: &mut PgConnection,
        act_id: Uuid,
        actor: &str,
        action: &str,
        job_id: Uuid,
        arguments: String,
        inserted: Inserted,
    ) -> sqlx::Result<()> {
        let left: Vec<_> = match inserted {
            Inserted::Done(_) => Vec::new(),
            Inserted::Left(why) => vec![(job_id, why)],
        };
        let act = NewAct {
            id: act_id,
            actor,
            action,
            target: format!("id:{job_id}"),
            job_id: Some(job_id),
            arguments: Some(arguments),
            is_running: false,
            done: i64::from(left.is_empty()),
            left: &left,
        };
        self.queue.store().insert_act(connection, &act).await
    }
}

/// A job that is to be enqueued by hand; [`Admin::enqueue_raw`] returns it. Await it to enqueue it.
#[derive(Debug, Clone)]
#[must_use = "the job is enqueued when this is awaited"]
pub struct EnqueueRaw<'a> {
    admin: &'a Admin,
    kind: String,
    args: Result<String, String>,
    queue: Option<String>,
    at: Option<DateTime<Utc>>,
    priority: Option<i16>,
    version: Option<i32>,
}

impl EnqueueRaw<'_> {
    /// Sets the queue. A kind that neither this process nor a worker has declared needs one.
    pub fn queue(mut self, queue: impl Into<String>) -> Self {
        self.queue = Some(queue.into());
        self
    }

    /// Sets when it is due; now unless this says otherwise.
    pub fn at(mut self, at: DateTime<Utc>) -> Self {
        self.at = Some(at);
        self
    }

    /// Sets the priority; smaller is first.
    pub fn priority(mut self, priority: i16) -> Self {
        self.priority = Some(priority);
        self
    }

    /// Sets the version of the payload's shape, of a kind that this process does not know. Without it,
    /// the version that workers have declared, or 1.
    pub fn version(mut self, version: i32) -> Self {
        self.version = Some(version);
        self
    }

    async fn run(self) -> Result<Inserted, Error> {
        let admin = self.admin;
        let (actor, act_id) = (admin.actor_with(Right::Insert)?, Uuid::now_v7());
        let row = self.row().await?;
        if admin.queue.declared(&row.kind).is_none() {
            self.refuse_limited(&row).await?;
        }
        let inserted = again!(tries => {
            admin.queue.ask_in_transaction(STATEMENTS, async |connection| {
                if tries.may_be_done() && let Some(acted) = admin.written_down(connection, act_id).await? {
                    return Ok(acted.left().map_or(Inserted::Done(row.id), Inserted::Left));
                }
                let target = admin.queue.on(&mut *connection).target();
                let answers = Box::pin(insert(target, vec![row.clone()])).await?;
                let inserted = match answers.first() {
                    Some(answer) if answer.outcome == EnqueueOutcome::Duplicate => {
                        Inserted::Left(Why::KeyTaken(answer.id))
                    }
                    Some(answer) => Inserted::Done(answer.id),
                    None => Inserted::Left(Why::Gone),
                };
                let arguments = serde_json::json!({"kind": row.kind, "queue": row.queue}).to_string();
                admin.write_down(connection, act_id, actor, "enqueue", row.id, arguments, inserted).await?;
                Ok::<_, Failed>(inserted)
            })
        });
        admin.queue.wake().wake_local();
        inserted.map_err(|failed| match failed {
            Failed::Database(error) => Error::database("enqueue a job by hand")(error),
            Failed::Library(error) => error,
        })
    }

    /// The row, checked against the declaration if there is one.
    async fn row(&self) -> Result<NewJob, Error> {
        let refused = |problem| {
            let queue = self.queue.clone().unwrap_or_default();
            Error::InvalidPayload { queue, problem }
        };
        let args = self.args.clone().map_err(refused)?;
        let mut row = match self.admin.queue.declared(&self.kind) {
            Some(declared) => (declared.row)(&args, declared.version).map_err(refused)?,
            None => {
                let known = self.admin.known_kinds().await?.get(&self.kind).cloned();
                if let Some(known) = &known {
                    fits(known, &args).map_err(refused)?;
                }
                let queue = self.queue.as_deref().or(known.as_ref().map(|known| &*known.queue));
                let Some(queue) = queue else {
                    return Err(Error::InvalidOption {
                        option: "queue",
                        problem: format!(
                            "it is needed, because no worker has declared the kind `{}`",
                            self.kind
                        ),
                    });
                };
                let version = self.version.or(known.as_ref().map(|known| known.version));
                let mut row = NewJob::of_kind(queue, &self.kind, version.unwrap_or(1), args);
                row.priority = known.as_ref().map_or(row.priority, |known| known.priority);
                row
            }
        };
        if let Some(queue) = &self.queue {
            problem_of_queue(queue)?;
            row.queue.clone_from(queue);
        }
        row.due = self.at.map_or(row.due, Due::At);
        row.priority = self.priority.unwrap_or(row.priority);
        Ok(row)
    }

    /// A job without the key of its limit would pass by it.
    async fn refuse_limited(&self, row: &NewJob) -> Result<(), Error> {
        for by in KeyedBy::ALL {
            let name = by.rule(&row.queue, &row.kind);
            if self.admin.queue.limits().find(&name).await?.is_some() {
                return Err(Error::InvalidOption {
                    option: "kind",
                    problem: format!(
                        "`{}` has a limit for each key in the queue `{}`: enqueue it from a process that has \
                         registered its code",
                        row.kind, row.queue
                    ),
                });
            }
        }
        Ok(())
    }
}

/// Checks a payload against what a worker has declared: the names of its arguments. Their types are checked when it
/// runs.
fn fits(kind: &KindState, payload: &str) -> Result<(), String> {
    let of_kind =
        |problem: String| format!("{problem}; `{kind}` is declared in {}", kind.declared_in);
    if kind.arguments.is_empty() {
        return Ok(());
    }
    let Ok(given) = serde_json::from_str::<BTreeMap<String, &RawValue>>(payload) else {
        return Err(of_kind("the arguments are no JSON object".to_owned()));
    };
    let unknown = given.keys().find(|name| !kind.arguments.iter().any(|it| it.is_stored_as(name)));
    if let Some(name) = unknown {
        return Err(of_kind(format!("there is no argument `{name}`")));
    }
    let is_given = |name: &KindArgument| given.keys().any(|given| name.is_stored_as(given));
    let missing =
        kind.arguments.iter().find(|argument| !argument.has_default && !is_given(argument));
    missing.map_or(Ok(()), |missing| {
        Err(of_kind(format!("the argument `{}` is missing", missing.name)))
    })
}

impl<'a> IntoFuture for EnqueueRaw<'a> {
    type Output = Result<Inserted, Error>;
    type IntoFuture = Pin<Box<dyn Future<Output = Self::Output> + Send + 'a>>;

    fn into_future(self) -> Self::IntoFuture {
        Box::pin(self.run())
    }
}
