//! Which jobs an operator means: the filter, and its written form. Pure: no database, no clock.
//!
//! [`JobFilter`] is what a program builds. `parse` reads the written form and `display` writes it; a
//! stored action keeps its filter in that form, so every release reads what an earlier one wrote.

mod bounds;
mod conditions;
mod display;
mod matches;
mod parse;
#[cfg(test)]
mod tests;
mod words;

pub(crate) use bounds::{Bounds, Moment};
pub(crate) use matches::Match;
use matches::plain;
pub use parse::FilterError;

use std::{ops::RangeBounds, time::Duration};

use chrono::{DateTime, Utc};
use serde_json::Value;
use uuid::Uuid;

use crate::job::{JobPayload, JobStatus};

/// Selects jobs, for [`Admin::find`](crate::Admin::find), [`Admin::count`](crate::Admin::count) and
/// [`Admin::select`](crate::Admin::select). A job matches if it meets every condition.
///
/// ```
/// use std::time::Duration;
/// use simple_queue::JobFilter;
///
/// let refused = JobFilter::dead()
///     .queue("emails")
///     .kind("send_welcome")
///     .error_like("connection refused")
///     .since(Duration::from_hours(24));
/// let written = refused.to_string();
/// assert_eq!(
///     written,
///     r#"state:dead queue:emails kind:send_welcome finished:-1d.. error:"connection refused""#
/// );
/// assert_eq!(written.parse(), Ok(refused));
/// ```
///
/// # The written form
///
/// [`FromStr`](std::str::FromStr) and [`Display`](std::fmt::Display) are the same grammar: terms of
/// a word, a colon and a value, with spaces between. A value with a space, a comma or a quote is
/// written in double quotes; `\` escapes a quote or itself there.
///
/// | term | selects |
/// |---|---|
/// | `state:dead` | `waiting`, `later` (not due yet), `running`, `live` (these three), `done`, `dead` or `any`, the default |
/// | `queue:emails,mails`, `kind:send_welcome` | any of these |
/// | `status:failed,bad_job` | any of these statuses of [`JobStatus`] |
/// | `id:…`, `worker:…` | a UUID; several ids with commas |
/// | `key:…`, `fingerprint:…`, `tag:…` | the stored unique key, the fingerprint; each tag that is given |
/// | `priority:-5..3`, `attempts:3..` | a number, or a range with its ends |
/// | `created:-1h..`, `finished:2026-11-01T00:00:00Z..-7d` | a range of times: RFC 3339, or `-90m`, `-1h`, `-7d` before now |
/// | `after:-1h`, `before:-7d` | `finished` for `state:done` and `state:dead`, `created` for others |
/// | `args.user_id:42`, `args.address.city:Wien` | the value at this path, as a text or as JSON; `:=42` as JSON only |
/// | `metadata.tenant:acme` | as `args`, in the attached metadata |
/// | `error:refused` | a part of an error or of the reason, in any case of letters |
/// | `error_key:…` | the error of a dead letter as [`Admin::error_groups`](crate::Admin::error_groups) has it |
#[derive(Debug, Clone, PartialEq, Default)]
#[must_use = "a filter does nothing by itself"]
pub struct JobFilter {
    pub(crate) state: State,
    pub(crate) queues: Vec<String>,
    pub(crate) kinds: Vec<String>,
    pub(crate) statuses: Vec<JobStatus>,
    /// `None`: any.
    pub(crate) ids: Option<Vec<Uuid>>,
    pub(crate) worker: Option<Uuid>,
    pub(crate) priority: Bounds<i16>,
    pub(crate) attempts: Bounds<i32>,
    pub(crate) created: Bounds<Moment>,
    pub(crate) finished: Bounds<Moment>,
    pub(crate) tags: Vec<String>,
    pub(crate) fingerprint: Option<String>,
    pub(crate) unique_key: Option<String>,
    pub(crate) args: Vec<Match>,
    pub(crate) metadata: Vec<Match>,
    pub(crate) error: Option<String>,
    pub(crate) error_key: Option<String>,
}

/// Where the jobs are, and which of those that live.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) enum State {
    /// Due, and not running.
    Waiting,
    /// Not due yet.
    Later,
    Running,
    /// In `jobs`.
    Live,
    /// In `archive`.
    Done,
    /// In `dead_letters`.
    Dead,
    #[default]
    Any,
}

impl JobFilter {
    /// Selects jobs that are due and wait for a permit or a worker.
    pub fn waiting() -> Self {
        Self::of_state(State::Waiting)
    }

    /// Selects jobs that are not due yet: delayed, or waiting for a retry.
    pub fn later() -> Self {
        Self::of_state(State::Later)
    }

    /// Selects jobs that a worker has.
    pub fn running() -> Self {
        Self::of_state(State::Running)
    }

    /// Selects jobs that wait or run.
    pub fn live() -> Self {
        Self::of_state(State::Live)
    }

    /// Selects completed jobs.
    pub fn done() -> Self {
        Self::of_state(State::Done)
    }

    /// Selects dead letters.
    pub fn dead() -> Self {
        Self::of_state(State::Dead)
    }

    /// Selects all jobs.
    pub fn any() -> Self {
        Self::default()
    }

    /// Selects the jobs of a declaration, in any state and queue.
    pub fn of<J: JobPayload>() -> Self {
        J::ALIASES.iter().fold(Self::any().kind(J::KIND), |filter, alias| filter.kind(*alias))
    }

    fn of_state(state: State) -> Self {
        Self { state, ..Self::default() }
    }

    /// Narrows to jobs that wait or run, whatever the filter said before.
    pub fn only_live(self) -> Self {
        Self { state: State::Live, ..self }
    }

    /// Narrows to dead letters, whatever the filter said before.
    pub fn only_dead(self) -> Self {
        Self { state: State::Dead, ..self }
    }

    /// Narrows to a queue; of several calls, to any of them.
    pub fn queue(mut self, queue: impl Into<String>) -> Self {
        self.queues.push(plain(queue));
        self
    }

    /// Narrows to a kind, the name of a `#[job]`; of several calls, to any of them. The kind of a
    /// plain handler's jobs is empty.
    pub fn kind(mut self, kind: impl Into<String>) -> Self {
        self.kinds.push(plain(kind));
        self
    }

    /// Narrows to a status; of several calls, to any of them.
    pub fn status(mut self, status: JobStatus) -> Self {
        self.statuses.push(status);
        self
    }

    /// Narrows to these jobs. With no id nothing matches.
    pub fn ids(mut self, ids: impl IntoIterator<Item = Uuid>) -> Self {
        self.ids.get_or_insert_default().extend(ids);
        self
    }

    /// Narrows to jobs that this worker has, or had last.
    pub fn worker(self, worker: Uuid) -> Self {
        Self { worker: Some(worker), ..self }
    }

    /// Narrows to these priorities; smaller is first.
    pub fn priority(self, range: impl RangeBounds<i16>) -> Self {
        Self { priority: Bounds::of_numbers(&range, i16::checked_add), ..self }
    }

    /// Narrows to jobs that have used this number of attempts.
    pub fn attempts(self, range: impl RangeBounds<i32>) -> Self {
        Self { attempts: Bounds::of_numbers(&range, i32::checked_add), ..self }
    }

    /// Narrows to jobs that were enqueued in this time. The end is left out, whatever the range
    /// says, to the microsecond.
    pub fn created(self, range: impl RangeBounds<DateTime<Utc>>) -> Self {
        Self { created: Bounds::of_times(&range), ..self }
    }

    /// Narrows to jobs that ended in this time, as [`JobFilter::created`].
    pub fn finished(self, range: impl RangeBounds<DateTime<Utc>>) -> Self {
        Self { finished: Bounds::of_times(&range), ..self }
    }

    /// Narrows to the last time of this length, by the database's clock: completed jobs and dead
    /// letters that ended in it, other jobs that were enqueued in it.
    pub fn since(mut self, ago: Duration) -> Self {
        self.times().from = Some(Moment::ago(ago));
        self
    }

    /// Narrows to what is older than this, as [`JobFilter::since`].
    pub fn older_than(mut self, age: Duration) -> Self {
        self.times().to = Some(Moment::ago(age));
        self
    }

    /// The times that `since` means.
    fn times(&mut self) -> &mut Bounds<Moment> {
        match self.state {
            State::Done | State::Dead => &mut self.finished,
            _ => &mut self.created,
        }
    }

    /// Narrows to jobs with this tag; of several calls, with all of them.
    pub fn tag(mut self, tag: impl Into<String>) -> Self {
        self.tags.push(plain(tag));
        self
    }

    /// Narrows to jobs with this fingerprint.
    pub fn fingerprint(self, fingerprint: impl Into<String>) -> Self {
        Self { fingerprint: Some(plain(fingerprint)), ..self }
    }

    /// Narrows to jobs with this unique key, as it is stored: that of a `#[job]` begins with its
    /// kind.
    pub fn unique_key(self, key: impl Into<String>) -> Self {
        Self { unique_key: Some(plain(key)), ..self }
    }

    /// Narrows to jobs whose payload has this value at a path: `"user_id"`, or with slashes
    /// `"/address/city"`, as a JSON pointer. Of several calls, all must hold.
    pub fn args(mut self, path: &str, value: impl Into<Value>) -> Self {
        self.args.push(Match::exact(path, value.into()));
        self
    }

    /// Like [`JobFilter::args`], for a value of which only the text is known: `42` matches the
    /// number and the text.
    pub fn args_like(mut self, path: &str, text: impl Into<String>) -> Self {
        self.args.push(Match::word(path, text.into()));
        self
    }

    /// Like [`JobFilter::args`], in the attached metadata.
    pub fn metadata(mut self, path: &str, value: impl Into<Value>) -> Self {
        self.metadata.push(Match::exact(path, value.into()));
        self
    }

    /// Narrows to jobs one of whose errors, or whose reason, contains this text, in any case of
    /// letters.
    pub fn error_like(self, text: impl Into<String>) -> Self {
        Self { error: Some(plain(text)), ..self }
    }

    /// Narrows to dead letters of this group of [`Admin::error_groups`](crate::Admin::error_groups).
    pub fn error_key(self, key: impl Into<String>) -> Self {
        Self { error_key: Some(plain(key)), ..self }
    }

    /// Whether it looks into what a job contains: payload, keys, tags, metadata, errors.
    pub(crate) fn reads_contents(&self) -> bool {
        let texts = [&self.fingerprint, &self.unique_key, &self.error, &self.error_key];
        texts.iter().any(|text| text.is_some())
            || !self.tags.is_empty()
            || !self.args.is_empty()
            || !self.metadata.is_empty()
    }

    /// Whether it asks for a state and for nothing else.
    pub(crate) fn is_of_the_state(&self) -> bool {
        *self == Self { state: self.state, ..Self::any() }
    }

    /// Whether it is about dead letters only.
    pub(crate) fn is_of_the_dead(&self) -> bool {
        self.state == State::Dead
    }

    /// The same filter with times that do not move: those before now are counted back from this
    /// time.
    pub(crate) fn resolved(mut self, now: DateTime<Utc>) -> Self {
        self.created = self.created.map(|moment| moment.resolved(now));
        self.finished = self.finished.map(|moment| moment.resolved(now));
        self
    }
}
