//! Pauses of queues and kinds.

use std::{future::IntoFuture, pin::Pin, time::Duration};

use chrono::{DateTime, SecondsFormat, Utc};
use serde_json::json;

use super::{
    SimpleQueue,
    caller::{Caller, Change, control},
};
use crate::{
    Error, JobFilter,
    database::again,
    row::Pause,
    store::{NewPause, PausedRow},
    telemetry,
};

/// # Pausing
impl SimpleQueue {
    /// Pauses a queue: no process starts its jobs until it is resumed. Running jobs go on to their
    /// end, and jobs can still be enqueued. Await it to pause.
    ///
    /// With [`Pausing::kind`] only one kind of the queue is paused, of which the other processes learn
    /// at once; where a worker cannot listen for notifications, with its next heartbeat.
    ///
    /// A misspelt name is paused like any other. The answer says what is known of the queue; if
    /// nothing is known, a warning is logged too. What is paused already takes the new end and reason.
    ///
    /// ```
    /// # use std::time::Duration;
    /// # use simple_queue::prelude::*;
    /// # async fn example(queue: &SimpleQueue) -> Result<(), simple_queue::Error> {
    /// queue.pause("emails").await?;
    /// queue
    ///     .pause("emails")
    ///     .kind("send_welcome")
    ///     .lasting(Duration::from_hours(2))
    ///     .because("the provider is down")
    ///     .await?;
    /// for pause in queue.pauses().await? {
    ///     println!("{}: {pause}", pause.queue); // emails: paused since 2026-11-29 10:00 …
    /// }
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// When the database fails.
    ///
    /// # Cancel safety
    /// A call that is dropped may have paused the queue.
    pub fn pause<'a>(&'a self, queue: &'a str) -> Pausing<'a> {
        self.pause_by(Caller::Program, queue)
    }

    /// Resumes a paused queue, or with [`Resuming::kind`] a paused kind of it. Await it; the answer is
    /// whether it was paused.
    ///
    /// # Errors
    /// When the database fails.
    ///
    /// # Cancel safety
    /// A call that is dropped may have resumed the queue.
    pub fn resume<'a>(&'a self, queue: &'a str) -> Resuming<'a> {
        self.resume_by(Caller::Program, queue)
    }

    /// Lists what is paused, by queue and kind.
    ///
    /// # Errors
    /// When the database fails.
    ///
    /// # Cancel safety
    /// Cancel safe: it only looks.
    pub async fn pauses(&self) -> Result<Vec<Pause>, Error> {
        let paused = again!(tries => self.ask(async |connection| {
            self.store().list_pauses(connection).await
        }));
        paused.map_err(Error::database("list what is paused"))
    }

    pub(crate) fn pause_by<'a>(&'a self, caller: Caller<'a>, queue: &'a str) -> Pausing<'a> {
        let pause = NewPause { queue, ..NewPause::default() };
        Pausing { queue: self, caller, pause }
    }

    pub(crate) fn resume_by<'a>(&'a self, caller: Caller<'a>, name: &'a str) -> Resuming<'a> {
        Resuming { queue: self, caller, name, kind: None }
    }
}

/// A pause that is not made yet; [`SimpleQueue::pause`] returns it.
#[derive(Debug, Clone)]
#[must_use = "nothing is paused until it is awaited"]
pub struct Pausing<'a> {
    queue: &'a SimpleQueue,
    caller: Caller<'a>,
    pause: NewPause<'a>,
}

/// 1,000 characters, to which a reason is cut.
const LONGEST_REASON: usize = 1000;

impl<'a> Pausing<'a> {
    /// Pauses only this kind of the queue: the name of a `#[job]`.
    pub fn kind(mut self, kind: &'a str) -> Self {
        self.pause.kind = Some(kind);
        self
    }

    /// Ends the pause at this time, by the database's clock, within a heartbeat of a worker. Without it
    /// the pause lasts until it is ended by a call.
    pub fn until(mut self, at: DateTime<Utc>) -> Self {
        (self.pause.resume_at, self.pause.resume_after) = (Some(at), None);
        self
    }

    /// Ends the pause after this time, as [`Pausing::until`].
    pub fn lasting(mut self, time: Duration) -> Self {
        (self.pause.resume_at, self.pause.resume_after) = (None, Some(time));
        self
    }

    /// Says why, for those who ask why nothing runs. It is cut to 1,000 characters.
    pub fn because(mut self, reason: impl Into<String>) -> Self {
        let reason: String = reason.into().replace('\0', "\u{fffd}");
        self.pause.reason = Some(reason.chars().take(LONGEST_REASON).collect());
        self
    }

    async fn make(self) -> Result<Paused, Error> {
        let Self { queue, caller, mut pause } = self;
        pause.paused_by = caller.actor()?;
        let target = target(pause.queue, pause.kind);
        let change = Change {
            action: "pause",
            target: &target,
            arguments: arguments(&pause),
            what: "pause a queue",
        };
        let paused = control!(queue, caller, change => async |connection| {
            Ok((true, queue.store().pause(connection, &pause).await?))
        });
        let paused = Paused::of(paused?);
        if !paused.is_known() {
            telemetry::queue::unknown_queue_paused(pause.queue);
        }
        Ok(paused)
    }
}

impl<'a> IntoFuture for Pausing<'a> {
    type Output = Result<Paused, Error>;
    type IntoFuture = Pin<Box<dyn Future<Output = Self::Output> + Send + 'a>>;

    fn into_future(self) -> Self::IntoFuture {
        Box::pin(self.make())
    }
}

/// The end of a pause that is not made yet; [`SimpleQueue::resume`] returns it.
#[derive(Debug, Clone)]
#[must_use = "nothing is resumed until it is awaited"]
pub struct Resuming<'a> {
    queue: &'a SimpleQueue,
    caller: Caller<'a>,
    name: &'a str,
    kind: Option<&'a str>,
}

impl<'a> Resuming<'a> {
    /// Resumes only this kind of the queue. The queue itself stays as it is.
    pub fn kind(self, kind: &'a str) -> Self {
        Self { kind: Some(kind), ..self }
    }

    async fn make(self) -> Result<bool, Error> {
        let Self { queue, caller, name, kind } = self;
        let target = target(name, kind);
        let change =
            Change { action: "resume", target: &target, arguments: None, what: "resume a queue" };
        let resumed = control!(queue, caller, change => async |connection| {
            let was_paused = queue.store().resume(connection, name, kind).await?;
            Ok((was_paused, was_paused))
        });
        let was_paused = resumed?;
        queue.wake().wake_local();
        Ok(was_paused)
    }
}

impl<'a> IntoFuture for Resuming<'a> {
    type Output = Result<bool, Error>;
    type IntoFuture = Pin<Box<dyn Future<Output = Self::Output> + Send + 'a>>;

    fn into_future(self) -> Self::IntoFuture {
        Box::pin(self.make())
    }
}

/// What is known of a queue of which something was paused.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct Paused {
    /// Whether a worker serves it.
    pub is_served: bool,
    /// Whether it has jobs that wait or run.
    pub has_jobs: bool,
    /// Whether it was paused before.
    pub was_paused: bool,
}

impl Paused {
    fn of(row: PausedRow) -> Self {
        let PausedRow { is_served, has_jobs, was_paused } = row;
        Self { is_served, has_jobs, was_paused }
    }

    /// Returns whether a worker serves the queue or jobs are in it. If neither, its name may be
    /// misspelt.
    pub fn is_known(&self) -> bool {
        self.is_served || self.has_jobs
    }
}

fn target(queue: &str, kind: Option<&str>) -> String {
    let filter = JobFilter::any().queue(queue);
    kind.into_iter().fold(filter, JobFilter::kind).to_string()
}

/// What the audit has beside the queue.
fn arguments(pause: &NewPause<'_>) -> Option<serde_json::Value> {
    let at = pause.resume_at.map(|at| at.to_rfc3339_opts(SecondsFormat::Secs, true));
    let after = pause.resume_after.map(|time| time.as_secs());
    let arguments = [
        ("until", at.map(|at| json!(at))),
        ("seconds", after.map(|seconds| json!(seconds))),
        ("reason", pause.reason.as_ref().map(|reason| json!(reason))),
    ];
    let given: serde_json::Map<_, _> =
        arguments.into_iter().filter_map(|(name, value)| Some((name.to_owned(), value?))).collect();
    (!given.is_empty()).then(|| given.into())
}
