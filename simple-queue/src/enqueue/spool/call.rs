//! The jobs of one call, as they are kept in a file.

use std::{borrow::Cow, cmp, io, time::Duration};

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize, de::IgnoredAny};
use uuid::Uuid;

use crate::{
    job::{KeyedBy, OnConflict, UniqueWhile, to_json},
    row::{Due, NewJob},
};

/// When a call was made, by this host's clock.
///
/// The same host reads it, so its clock may be wrong: only differences count.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(transparent)]
pub(in crate::enqueue) struct Asked(DateTime<Utc>);

impl Asked {
    #[expect(
        clippy::disallowed_methods,
        reason = "the database is away, and steady clocks of two processes cannot be compared"
    )]
    pub(in crate::enqueue) fn now() -> Self {
        Self(Utc::now())
    }

    /// Returns how long ago the call was made; zero if the clock was set back.
    pub(super) fn age(self) -> Duration {
        Self::now().0.signed_duration_since(self.0).to_std().unwrap_or_default()
    }

    pub(super) fn at(self) -> DateTime<Utc> {
        self.0
    }
}

/// The jobs of one call, and when it was made.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct Call<'j> {
    pub(super) asked: Asked,
    pub(super) jobs: Vec<Kept<'j>>,
}

/// Returns a value as it is written to a file.
pub(super) fn text_of(value: &impl Serialize) -> io::Result<String> {
    to_json(value).map_err(|problem| io::Error::other(problem.to_string()))
}

/// As much of a call as tells how many jobs it has.
#[derive(Debug, Deserialize)]
pub(super) struct CountedCall {
    pub(super) asked: Asked,
    pub(super) jobs: Vec<IgnoredAny>,
}

/// A row before its insert, with all that the insert needs.
///
/// A file of an earlier release is read, so a field that is added has a default. A file that an
/// earlier release would read wrongly needs a new version in [`MAGIC`](super::record::MAGIC).
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Kept<'j> {
    id: Uuid,
    queue: Cow<'j, str>,
    kind: Cow<'j, str>,
    priority: i16,
    /// A text and not JSON within JSON, so that it comes back as it was.
    payload: Cow<'j, str>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    at: Option<DateTime<Utc>>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    delay: Option<Duration>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    max_attempts: Option<i32>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    unique_key: Option<Cow<'j, str>>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    fingerprint: Option<Cow<'j, str>>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    expires_after: Option<Duration>,
    #[serde(default, skip_serializing_if = "<[String]>::is_empty")]
    tags: Cow<'j, [String]>,
    version: i32,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    retain: Option<Duration>,
    on_conflict: Cow<'j, str>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    timeout: Option<Duration>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    metadata: Option<Cow<'j, str>>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    unique_for: Option<Duration>,
    unique_while: Cow<'j, str>,
    /// By what the jobs of its key are limited, and the key.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    limit_key: Option<(Cow<'j, str>, Cow<'j, str>)>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    cost: Option<i32>,
}

impl<'j> Kept<'j> {
    pub(super) fn of(job: &'j NewJob) -> Self {
        // Destructured in full, so that a new field cannot be lost on the way through a file.
        let NewJob {
            id,
            has_new_id: _,
            queue,
            kind,
            priority,
            job_data,
            unwritable: _,
            due,
            max_attempts,
            unique_key,
            fingerprint,
            expires_after,
            tags,
            version,
            retain,
            on_conflict,
            timeout,
            metadata,
            unique_for,
            unique_while,
            limit_key,
            cost,
            spool: _,
        } = job;
        let (at, delay) = match *due {
            Due::Now => (None, None),
            Due::At(at) => (Some(at), None),
            Due::After(delay) => (None, Some(delay)),
        };
        let borrowed = |text: &'j Option<String>| text.as_deref().map(Cow::Borrowed);
        Self {
            id: *id,
            queue: Cow::Borrowed(queue),
            kind: Cow::Borrowed(kind),
            priority: *priority,
            payload: Cow::Borrowed(job_data),
            at,
            delay,
            max_attempts: *max_attempts,
            unique_key: borrowed(unique_key),
            fingerprint: borrowed(fingerprint),
            expires_after: *expires_after,
            tags: Cow::Borrowed(tags),
            version: *version,
            retain: *retain,
            on_conflict: Cow::Borrowed(on_conflict.word()),
            timeout: *timeout,
            metadata: borrowed(metadata),
            unique_for: *unique_for,
            unique_while: Cow::Borrowed(unique_while.word()),
            cost: *cost,
            limit_key: limit_key.as_ref().map(|(by, key)| (by.word().into(), key.as_str().into())),
        }
    }

    /// Returns the row to insert now. Its delay, and the time that it may wait, count from the call.
    ///
    /// # Errors
    /// When a later release wrote it; with the job.
    pub(super) fn into_row(self, asked: Asked) -> Result<NewJob, Box<(Self, String)>> {
        let waited = asked.age();
        let (due, late) = match (self.at, self.delay) {
            (Some(at), _) => (Due::At(at), cmp::min(waited, Asked(at).age())),
            (None, Some(delay)) => {
                let left = delay.saturating_sub(waited);
                let due = if left.is_zero() { Due::Now } else { Due::After(left) };
                (due, waited.saturating_sub(delay))
            }
            (None, None) => (Due::Now, waited),
        };
        let unknown = |what: &str, word: &str| format!("`{word}` is no `{what}` of this release");
        let Some(on_conflict) = OnConflict::of_word(&self.on_conflict) else {
            let problem = unknown("on_conflict", &self.on_conflict);
            return Err(Box::new((self, problem)));
        };
        let Some(unique_while) = UniqueWhile::of_word(&self.unique_while) else {
            let problem = unknown("unique_while", &self.unique_while);
            return Err(Box::new((self, problem)));
        };
        let limited_by =
            match self.limit_key.as_ref().map(|(word, _)| (KeyedBy::of_word(word), word)) {
                Some((None, word)) => {
                    let problem = unknown("limit_key", word);
                    return Err(Box::new((self, problem)));
                }
                by => by.and_then(|(by, _)| by),
            };
        Ok(NewJob {
            id: self.id,
            has_new_id: true,
            queue: self.queue.into_owned(),
            kind: self.kind.into_owned(),
            priority: self.priority,
            job_data: self.payload.into_owned(),
            unwritable: None,
            due,
            max_attempts: self.max_attempts,
            unique_key: self.unique_key.map(Cow::into_owned),
            fingerprint: self.fingerprint.map(Cow::into_owned),
            expires_after: self.expires_after.map(|time| time.saturating_sub(late)),
            tags: self.tags.into_owned(),
            version: self.version,
            retain: self.retain,
            on_conflict,
            timeout: self.timeout,
            metadata: self.metadata.map(Cow::into_owned),
            unique_for: self.unique_for,
            unique_while,
            limit_key: limited_by.zip(self.limit_key.map(|(_, key)| key.into_owned())),
            cost: self.cost,
            spool: None,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::row::Job;

    fn ago(time: Duration) -> Asked {
        Asked(Asked::now().0 - time)
    }

    fn there_and_back(job: &NewJob, asked: Asked) -> NewJob {
        let call = Call { asked, jobs: vec![Kept::of(job)] };
        let text = serde_json::to_string(&call).unwrap();
        let mut call: Call<'_> = serde_json::from_str(&text).unwrap();
        assert_eq!(call.asked, asked);
        call.jobs.remove(0).into_row(call.asked).unwrap()
    }

    fn a_job() -> NewJob {
        let second = Duration::from_secs(1);
        NewJob {
            kind: "k".to_owned(),
            priority: -3,
            job_data: r#" {"a": "\"\\u20ac\u001f", "n": 1.10000000000000000000001} "#.to_owned(),
            due: Due::At(DateTime::UNIX_EPOCH),
            max_attempts: Some(7),
            unique_key: Some("key".to_owned()),
            fingerprint: Some("print".to_owned()),
            tags: vec!["one".to_owned(), "two".to_owned()],
            version: 4,
            retain: Some(5 * second),
            on_conflict: OnConflict::Replace,
            timeout: Some(6 * second),
            metadata: Some(r#"{"m":1}"#.to_owned()),
            unique_for: Some(7 * second),
            unique_while: UniqueWhile::Pending,
            limit_key: Some((KeyedBy::Order, "k".to_owned())),
            cost: Some(8),
            ..plain()
        }
    }

    fn plain() -> NewJob {
        NewJob { spool: None, ..NewJob::from(Job::new("q", 1)) }
    }

    #[test]
    fn a_job_comes_back_as_it_was() {
        let job = a_job();
        assert_eq!(format!("{:?}", there_and_back(&job, Asked::now())), format!("{job:?}"));
        let plain = plain();
        assert_eq!(format!("{:?}", there_and_back(&plain, Asked::now())), format!("{plain:?}"));
    }

    #[test]
    fn every_word_of_an_option_is_read_back() {
        use OnConflict::{Error, Ignore, Replace, Reschedule};
        for option in [Ignore, Replace, Reschedule, Error] {
            assert_eq!(OnConflict::of_word(option.word()), Some(option));
        }
        for by in [KeyedBy::Number, KeyedBy::Order, KeyedBy::Share] {
            assert_eq!(KeyedBy::of_word(by.word()), Some(by));
        }
        for option in [UniqueWhile::Running, UniqueWhile::Pending] {
            assert_eq!(UniqueWhile::of_word(option.word()), Some(option));
        }
        assert_eq!(OnConflict::of_word("other"), None);
    }

    #[test]
    fn a_delay_and_the_time_to_wait_count_from_the_call() {
        let minute = Duration::from_mins(1);
        let near = |time: Duration, expected: Duration| time.abs_diff(expected) < minute / 2;
        let job =
            NewJob { due: Due::After(10 * minute), expires_after: Some(5 * minute), ..plain() };
        let early = there_and_back(&job, ago(4 * minute));
        assert!(matches!(early.due, Due::After(left) if near(left, 6 * minute)), "{early:?}");
        assert!(near(early.expires_after.unwrap(), 5 * minute));
        let late = there_and_back(&job, ago(12 * minute));
        assert_eq!(late.due, Due::Now);
        assert!(near(late.expires_after.unwrap(), 3 * minute));
        let over = there_and_back(&job, ago(20 * minute));
        assert_eq!(over.expires_after, Some(Duration::ZERO), "it is cancelled, not run");

        let due = Asked::now().0 - 3 * minute;
        let at = NewJob { due: Due::At(due), ..job };
        let at = there_and_back(&at, ago(20 * minute));
        assert_eq!(at.due, Due::At(due));
        assert!(near(at.expires_after.unwrap(), 2 * minute));
    }

    #[test]
    fn a_clock_that_was_set_back_makes_no_job_late() {
        assert_eq!(Asked(Asked::now().0 + Duration::from_hours(1)).age(), Duration::ZERO);
    }

    #[test]
    fn a_field_or_a_word_of_a_later_release_is_refused_and_not_lost() {
        let text = serde_json::to_string(&Kept::of(&a_job())).unwrap();
        let other = text.replace("\"replace\"", "\"merge\"");
        let kept: Kept<'_> = serde_json::from_str(&other).unwrap();
        let (_, problem) = *kept.into_row(Asked::now()).unwrap_err();
        assert!(problem.contains("`merge` is no `on_conflict`"), "{problem}");
        let more = text.replacen('{', "{\"gate\":\"g\",", 1);
        let problem = serde_json::from_str::<Kept<'_>>(&more).unwrap_err().to_string();
        assert!(problem.contains("unknown field `gate`"), "{problem}");
    }
}
