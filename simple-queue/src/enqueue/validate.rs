//! Validation: bad input is refused before anything is written.

use std::time::Duration;

use crate::{
    Error,
    job::{KeyedBy, MAX_KEY_BYTES, OnConflict, problem_of_json, problem_of_queue_name},
    row::NewJob,
};

/// Refuses what the database cannot store, and what no worker could read back.
pub(crate) fn validate(job: &NewJob) -> Result<(), Error> {
    if let Some(problem) = problem_of_queue_name(&job.queue) {
        return Err(Error::InvalidQueueName { name: excerpt(&job.queue), problem });
    }
    for (what, key) in [("unique key", &job.unique_key), ("fingerprint", &job.fingerprint)] {
        if let Some((key, problem)) = key.as_ref().and_then(|key| Some((key, problem_of_key(key)?)))
        {
            return Err(Error::InvalidKey { what, key: excerpt(key), problem });
        }
    }
    if let Some(gate) = job.gate()
        && let Some(problem) = problem_of_key(&gate)
    {
        return Err(Error::InvalidKey { what: "key of the limit", key: excerpt(&gate), problem });
    }
    for tag in &job.tags {
        if let Some(problem) = problem_of_key(tag) {
            return Err(Error::InvalidKey { what: "tag", key: excerpt(tag), problem });
        }
    }
    let unwritable = job.unwritable.clone();
    if let Some(problem) = unwritable.or_else(|| problem_of_json(&job.job_data)) {
        return Err(Error::InvalidPayload { queue: job.queue.clone(), problem });
    }
    match problem_of_options(job) {
        Some((option, problem)) => Err(Error::InvalidOption { option, problem }),
        None => Ok(()),
    }
}

/// 64 KiB, the limit of a job's metadata as JSON text.
const MAX_METADATA_BYTES: usize = 64 * 1024;

/// 3,650 days, upper bound of the time for which a key stays taken; the macro and the database's
/// function have the same.
const LONGEST_UNIQUE_FOR: Duration = Duration::from_hours(3650 * 24);

fn problem_of_options(job: &NewJob) -> Option<(&'static str, String)> {
    if let Some(attempts) = job.max_attempts.filter(|&attempts| attempts < 1) {
        return Some(("max_attempts", format!("a job needs at least one attempt, not {attempts}")));
    }
    // The database counts microseconds.
    if job.timeout.is_some_and(|timeout| timeout.as_micros() == 0) {
        return Some((
            "timeout",
            "an attempt needs some time; leave it out for no limit".to_owned(),
        ));
    }
    if let Some(time) = job.unique_for {
        if time.as_micros() == 0 {
            return Some((
                "unique_for",
                "a key is kept for some time; leave it out for no longer than its job is live"
                    .to_owned(),
            ));
        }
        if time > LONGEST_UNIQUE_FOR {
            return Some(("unique_for", format!("it is {time:?}; the limit is 3650 days")));
        }
    }
    if let Some((KeyedBy::Order, _)) = job.limit_key
        && let Some((option, would)) = out_of_order(job)
    {
        return Some((option, format!("the jobs of its key run in order, and {would}")));
    }
    let metadata = job.metadata.as_deref()?;
    let problem = if !metadata.starts_with('{') {
        Some("it must serialize as a JSON object".to_owned())
    } else if metadata.len() > MAX_METADATA_BYTES {
        Some(format!("it has {} bytes; the limit is {MAX_METADATA_BYTES}", metadata.len()))
    } else {
        problem_of_json(metadata)
    };
    problem.map(|problem| ("metadata", problem))
}

/// The option of a job of a sequence that contradicts the order, and what it would do.
fn out_of_order(job: &NewJob) -> Option<(&'static str, &'static str)> {
    if job.priority != 0 {
        Some(("priority", "a priority would let it overtake others"))
    } else if job.expires_after.is_some() {
        Some(("expires", "one that expires would leave a gap"))
    } else if matches!(job.on_conflict, OnConflict::Replace | OnConflict::Reschedule) {
        Some(("on_conflict", "a conflict would move a job that waits"))
    } else {
        None
    }
}

fn problem_of_key(key: &str) -> Option<&'static str> {
    if key.is_empty() {
        Some("it is empty")
    } else if key.len() > MAX_KEY_BYTES {
        Some("it is longer than 512 bytes; use a hash of it")
    } else if key.contains('\0') {
        Some("it holds a NUL character, which Postgres cannot store in a text")
    } else {
        None
    }
}

/// The beginning of a name, for a message.
fn excerpt(name: &str) -> String {
    const SHOWN: usize = 80;
    let shown = name.replace('\0', "\\0");
    match shown.char_indices().nth(SHOWN) {
        Some((end, _)) => format!("{}…", &shown[..end]),
        None => shown,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::row::Job;

    fn refusal(job: Job) -> String {
        validate(&NewJob::from(job)).unwrap_err().to_string()
    }

    #[test]
    fn good_input_passes() {
        let job = Job::new("my-queue", serde_json::json!({"text": "a \\u0000 in words"}))
            .with_unique_key("k".repeat(512))
            .with_fingerprint("f");
        validate(&NewJob::from(job)).unwrap();
    }

    #[test]
    fn every_bad_input_is_named_with_its_problem() {
        let deep = (0..128).fold(serde_json::json!(1), |inner, _| serde_json::json!([inner]));
        let cases = [
            (
                Job::new("", 1),
                "`` cannot be the name of a queue: queue names may only use a-z, 0-9",
            ),
            (
                Job::new("My queue", 1),
                "`My queue` cannot be the name of a queue: queue names may only",
            ),
            (Job::new("a\0b", 1), "`a\\0b` cannot be the name of a queue: queue names"),
            (
                Job::new("q", 1).with_unique_key(""),
                "the unique key `` cannot be stored: it is empty",
            ),
            (
                Job::new("q", 1).with_fingerprint("x".repeat(513)),
                "longer than 512 bytes; use a hash",
            ),
            (Job::new("q", "a\0b"), "it holds a NUL character"),
            (Job::new("q", "x".repeat(1024 * 1024)), "the limit is 1048576"),
            (Job::new("q", deep), "nested 128 levels deep"),
            (Job::new("q", 1).with_max_attempts(0), "at least one attempt, not 0"),
        ];
        for (job, expected) in cases {
            let message = refusal(job);
            assert!(message.contains(expected), "{message}");
        }
    }
}
