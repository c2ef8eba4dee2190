//! A filter as the statements read it: one JSON object.

use serde::Serialize;
use serde_json::Value;
use uuid::Uuid;

use super::{JobFilter, Match, Moment, State};
use crate::job::{JobStatus, to_json, without_nuls};

/// What is asked of the columns that everybody with a look at the list may read. A condition that is not set is null.
#[derive(Serialize)]
struct OfTheRow<'f> {
    live: Option<&'static str>,
    queues: Option<&'f [String]>,
    kinds: Option<&'f [String]>,
    statuses: Option<Vec<&'static str>>,
    ids: Option<&'f [Uuid]>,
    worker: Option<Uuid>,
    priority_from: Option<i16>,
    priority_to: Option<i16>,
    attempt_from: Option<i32>,
    attempt_to: Option<i32>,
    created_from: Option<String>,
    created_since: Option<String>,
    created_to: Option<String>,
    created_until: Option<String>,
    finished_from: Option<String>,
    finished_since: Option<String>,
    finished_to: Option<String>,
    finished_until: Option<String>,
}

/// What is asked of the contents.
#[derive(Serialize)]
struct OfTheContents<'f> {
    tags: &'f [String],
    fingerprint: Option<&'f str>,
    unique_key: Option<&'f str>,
    args: Vec<InJson<'f>>,
    metadata: Vec<InJson<'f>>,
    error: Option<&'f str>,
    error_key: Option<&'f str>,
}

#[derive(Serialize)]
struct InJson<'f> {
    path: &'f [String],
    values: Vec<Value>,
}

impl<'f> InJson<'f> {
    fn of(wanted: &'f Match) -> Self {
        Self { path: &wanted.path, values: wanted.values() }
    }
}

impl JobFilter {
    /// The conditions on the row, for `parts/conditions.sql`.
    pub(crate) fn of_the_row(&self) -> String {
        let [created_from, created_to] = [self.created.from, self.created.to].map(at);
        let [finished_from, finished_to] = [self.finished.from, self.finished.to].map(at);
        let [created_since, created_until] = [self.created.from, self.created.to].map(ago);
        let [finished_since, finished_until] = [self.finished.from, self.finished.to].map(ago);
        json(&OfTheRow {
            live: matches!(self.state, State::Waiting | State::Later | State::Running)
                .then(|| self.state.as_str()),
            queues: some(&self.queues),
            kinds: some(&self.kinds),
            statuses: (!self.statuses.is_empty())
                .then(|| self.statuses.iter().copied().map(JobStatus::as_str).collect()),
            ids: self.ids.as_deref(),
            worker: self.worker,
            priority_from: self.priority.from,
            priority_to: self.priority.to,
            attempt_from: self.attempts.from,
            attempt_to: self.attempts.to,
            created_from,
            created_since,
            created_to,
            created_until,
            finished_from,
            finished_since,
            finished_to,
            finished_until,
        })
    }

    /// The conditions on the contents, for `parts/contents_wanted.sql`.
    pub(crate) fn of_the_contents(&self) -> String {
        json(&OfTheContents {
            tags: &self.tags,
            fingerprint: self.fingerprint.as_deref(),
            unique_key: self.unique_key.as_deref(),
            args: self.args.iter().map(InJson::of).collect(),
            metadata: self.metadata.iter().map(InJson::of).collect(),
            error: self.error.as_deref(),
            error_key: self.error_key.as_deref(),
        })
    }
}

fn some(values: &[String]) -> Option<&[String]> {
    (!values.is_empty()).then_some(values)
}

fn at(moment: Option<Moment>) -> Option<String> {
    match moment? {
        Moment::At(time) => Some(time.to_rfc3339()),
        Moment::Ago(_) => None,
    }
}

fn ago(moment: Option<Moment>) -> Option<String> {
    match moment? {
        Moment::Ago(micros) => Some(format!("{micros} us")),
        Moment::At(_) => None,
    }
}

fn json(conditions: &impl Serialize) -> String {
    without_nuls(to_json(conditions).expect("texts and numbers can be written"))
}
