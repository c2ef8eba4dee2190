//! Changes a job that waits.

use std::{future::IntoFuture, pin::Pin, sync::Arc};

use chrono::{DateTime, Utc};
use serde::Serialize;
use sqlx::{Connection, PgConnection};
use uuid::Uuid;

use super::{
    Acted, Admin, JobVersion, Right,
    act::STATEMENTS,
    masks::KnownKinds,
    redaction::{changed, unmasked},
    refused::{Failed, problem_of_queue},
};
use crate::{
    Error,
    database::{again, failure::is_unique_violation},
    enqueue::validate,
    job::{problem_of_json, to_json},
    row::NewJob,
    store::{Edited, Moved, NewAct, NewContents, Verb, Why},
};

impl Admin {
    /// Changes a job that waits: its queue, priority and due time with [`Right::Move`], what it
    /// contains with [`Right::Edit`]. Everything or nothing is changed when it is awaited.
    ///
    /// ```no_run
    /// # use simple_queue::{Acted, SimpleQueue, Why};
    /// # async fn example(queue: &SimpleQueue, id: uuid::Uuid) -> Result<(), Box<dyn std::error::Error>> {
    /// let admin = queue.admin().as_actor("ann@example.com");
    /// let Some(seen) = admin.job(id).await? else { return Ok(()) };
    /// let edit = admin.edit(id).priority(-5).args(serde_json::json!({"user_id": 43}));
    /// match edit.expecting(seen.job.version).await? {
    ///     Acted::Done => println!("changed"),
    ///     Acted::Left(Why::Changed) => println!("somebody was faster"),
    ///     Acted::Left(why) => println!("not changed: {why}"),
    /// }
    /// # Ok(())
    /// # }
    /// ```
    pub fn edit(&self, id: Uuid) -> Edit<'_> {
        Edit {
            admin: self,
            id,
            moved: Moved::default(),
            args: None,
            max_attempts: None,
            tags: None,
            expecting: None,
            known: Arc::default(),
        }
    }
}

/// A change of a waiting job; [`Admin::edit`] returns it. What is not set stays.
#[derive(Debug, Clone)]
#[must_use = "the job is changed when this is awaited"]
pub struct Edit<'a> {
    admin: &'a Admin,
    id: Uuid,
    moved: Moved,
    /// JSON, or why it cannot be written.
    args: Option<Result<String, String>>,
    max_attempts: Option<i32>,
    tags: Option<Vec<String>>,
    expecting: Option<JobVersion>,
    /// What is hidden of kinds that this process does not have the code of.
    known: Arc<KnownKinds>,
}

impl Edit<'_> {
    /// Moves it to another queue.
    pub fn queue(mut self, queue: impl Into<String>) -> Self {
        self.moved.queue = Some(queue.into());
        self
    }

    /// Sets its priority; smaller is first.
    pub fn priority(mut self, priority: i16) -> Self {
        self.moved.priority = Some(priority);
        self
    }

    /// Sets when it is due; a time in the past is now.
    pub fn run_at(mut self, at: DateTime<Utc>) -> Self {
        self.moved.run_at = Some(at);
        self
    }

    /// Replaces its payload. If this process knows the kind, the payload has to fit the declared
    /// type, and unique key, fingerprint, key of a limit and cost follow it where they were made
    /// from the old one. The value of a hidden argument that comes back as `"…"` stays as it is stored.
    pub fn args(mut self, args: impl Serialize) -> Self {
        self.args = Some(to_json(&args).map_err(|problem| problem.to_string()));
        self
    }

    /// Sets how many attempts it has, from 1.
    pub fn max_attempts(mut self, attempts: i32) -> Self {
        self.max_attempts = Some(attempts);
        self
    }

    /// Replaces its tags.
    pub fn tags(mut self, tags: impl IntoIterator<Item = impl Into<String>>) -> Self {
        self.tags = Some(tags.into_iter().map(Into::into).collect());
        self
    }

    /// Changes it only if it is still in the state that was seen; otherwise it is left alone with
    /// [`Why::Changed`].
    pub fn expecting(mut self, version: JobVersion) -> Self {
        self.expecting = Some(version);
        self
    }

    fn changes_contents(&self) -> bool {
        self.args.is_some() || self.max_attempts.is_some() || self.tags.is_some()
    }

    fn changes_place(&self) -> bool {
        self.moved != Moved::default()
    }

    async fn run(mut self) -> Result<Acted, Error> {
        /// Tries of an edit whose new key was taken between the look and the write.
        const TRIES: usize = 3;
        let (admin, act_id) = (self.admin, Uuid::now_v7());
        if self.changes_contents() {
            admin.actor_with(Right::Edit)?;
        }
        let right = if self.changes_place() { Right::Move } else { Right::Edit };
        let actor = admin.actor_with(right)?;
        if let Some(queue) = &self.moved.queue {
            problem_of_queue(queue)?;
        }
        if self.args.is_some() {
            self.known = admin.known_kinds().await?;
        }
        let mut tries_left = TRIES;
        let acted = loop {
            let edited = again!(tries => {
                admin.queue.ask_in_transaction(STATEMENTS, async |connection| {
                    if tries.may_be_done() && let Some(acted) = admin.written_down(connection, act_id).await? {
                        return Ok(acted);
                    }
                    self.once(connection, act_id, actor).await
                })
            });
            tries_left -= 1;
            match edited {
                Err(Failed::Database(error)) if is_unique_violation(&error) && tries_left > 0 => {}
                edited => break edited,
            }
        };
        admin.queue.wake().wake_local();
        acted.map_err(|failed| match failed {
            Failed::Database(error) => Error::database("edit a job")(error),
            Failed::Library(error) => error,
        })
    }

    async fn once(
        &self,
        connection: &mut PgConnection,
        act_id: Uuid,
        actor: &str,
    ) -> Result<Acted, Failed> {
        let store = self.admin.queue.store();
        // What the edit has done is taken back where it leaves the job alone after all.
        let mut edit = connection.begin().await?;
        let (acted, arguments) = self.edit(&mut edit).await?;
        match acted {
            Acted::Done => edit.commit().await?,
            Acted::Left(_) => edit.rollback().await?,
        }
        let left: Vec<_> = acted.left().map(|why| (self.id, why)).into_iter().collect();
        let act = NewAct {
            id: act_id,
            actor,
            action: "edit",
            target: format!("id:{}", self.id),
            job_id: Some(self.id),
            arguments: Some(arguments),
            is_running: false,
            done: i64::from(left.is_empty()),
            left: &left,
        };
        store.insert_act(connection, &act).await?;
        Ok(acted)
    }

    /// Returns what came of it, and what the audit has of it.
    async fn edit(&self, connection: &mut PgConnection) -> Result<(Acted, String), Failed> {
        let (store, id) = (self.admin.queue.store(), self.id);
        let seen = self.expecting.map(|seen| (seen.lease, seen.changed_at));
        let without_names = self.described(Vec::new());
        match store.lock_job(connection, id, seen, None).await? {
            Some(Ok(())) => {}
            Some(Err(why)) => return Ok((Acted::Left(why), without_names)),
            None => {
                let why = self.admin.why_not_there(connection, id).await?;
                return Ok((Acted::Left(why), without_names));
            }
        }
        if self.changes_place() {
            let verb = Verb::Move(self.moved.clone());
            let (_, left) = store.act_on(connection, &verb, &[id]).await?;
            if let Some((_, why)) = left.first() {
                return Ok((Acted::Left(*why), without_names));
            }
        }
        if !self.changes_contents() {
            return Ok((Acted::Done, without_names));
        }
        let stored = store.read_for_edit(connection, id).await?;
        let new = self.contents(&stored)?;
        if new.gate != stored.gate
            && [&new.gate, &stored.gate].iter().any(|gate| is_of_sequence(gate.as_ref()))
        {
            return Ok((Acted::Left(Why::InOrder), without_names));
        }
        if let Some(key) = new.unique_key.as_ref().filter(|_| new.unique_key != stored.unique_key)
            && let Some(holder) = store.find_holder_of_key(connection, key).await?
            && holder.job_id != id
        {
            return Ok((Acted::Left(Why::KeyTaken(holder.job_id)), without_names));
        }
        let names = new.payload.as_ref().map(|new| changed(&stored.payload, new));
        store.edit_job(connection, id, &new).await?;
        Ok((Acted::Done, self.described(names.unwrap_or_default())))
    }

    /// What the job will contain.
    fn contents(&self, stored: &Edited) -> Result<NewContents, Error> {
        let Edited { queue, kind, version, .. } = stored;
        let mut new = NewContents {
            payload: None,
            unique_key: stored.unique_key.clone(),
            fingerprint: stored.fingerprint.clone(),
            gate: stored.gate.clone(),
            cost: stored.cost,
            max_attempts: self.max_attempts,
            tags: self.tags.clone(),
        };
        let refused = |problem| Error::InvalidPayload { queue: queue.clone(), problem };
        let payload = match &self.args {
            Some(args) => {
                let args = args.clone().map_err(refused)?;
                unmasked(args, &stored.payload, |argument| {
                    self.admin.hides(&self.known, kind, argument)
                })
            }
            None => stored.payload.clone(),
        };
        let mut row = NewJob::of_kind(queue, kind, *version, payload.clone());
        if let Some(declared) = self.admin.queue.declared(kind).filter(|_| self.args.is_some()) {
            let read = |payload: &str| {
                let row = (declared.row)(payload, *version)?;
                Ok(NewJob { queue: queue.clone(), kind: kind.clone(), ..row })
            };
            row = read(&payload).map_err(refused)?;
            // A key or a cost that the enqueuer chose is not touched.
            if let Ok(old) = read(&stored.payload) as Result<NewJob, String> {
                for (of_old, of_new, of_job) in [
                    (&old.unique_key, &row.unique_key, &mut new.unique_key),
                    (&old.fingerprint, &row.fingerprint, &mut new.fingerprint),
                    (&old.gate(), &row.gate(), &mut new.gate),
                ] {
                    if of_old == of_job {
                        of_job.clone_from(of_new);
                    }
                }
                if old.cost == new.cost {
                    new.cost = row.cost;
                }
            }
        } else if let Some(problem) = problem_of_json(&payload) {
            return Err(refused(problem));
        }
        row.max_attempts = self.max_attempts;
        row.tags = self.tags.clone().unwrap_or_default();
        row.unique_key.clone_from(&new.unique_key);
        validate(&row)?;
        new.payload = self.args.is_some().then_some(payload);
        Ok(new)
    }

    /// What the audit has of it: never a value of the payload.
    fn described(&self, changed: Vec<String>) -> String {
        #[derive(Serialize)]
        struct Described<'e> {
            #[serde(flatten)]
            moved: &'e Moved,
            #[serde(skip_serializing_if = "Vec::is_empty")]
            args: Vec<String>,
            #[serde(skip_serializing_if = "Option::is_none")]
            max_attempts: Option<i32>,
            #[serde(skip_serializing_if = "Option::is_none")]
            tags: Option<&'e [String]>,
        }
        to_json(&Described {
            moved: &self.moved,
            args: changed,
            max_attempts: self.max_attempts,
            tags: self.tags.as_deref(),
        })
        .expect("texts and numbers can be written")
    }
}

impl<'a> IntoFuture for Edit<'a> {
    type Output = Result<Acted, Error>;
    type IntoFuture = Pin<Box<dyn Future<Output = Self::Output> + Send + 'a>>;

    fn into_future(self) -> Self::IntoFuture {
        Box::pin(self.run())
    }
}

fn is_of_sequence(gate: Option<&String>) -> bool {
    gate.is_some_and(|gate| gate.starts_with("order:"))
}
