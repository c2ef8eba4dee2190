//! The schema file: the stored form of a crate's jobs. A change that would leave stored jobs
//! unreadable fails a test, before it reaches the workers.

use std::{env, fs, io::ErrorKind, path::Path};

use serde::{Deserialize, Serialize};

use crate::{
    job::{JobPayload, StoredArgument},
    queue::{
        JobHandler, JobList,
        job_list::{Entry, NoEntry},
    },
};

/// Compares, in a test, the stored form of these jobs with a schema file next to the crate's
/// manifest.
///
/// Jobs outlive the build that stored them. The test fails when a change would make some of them
/// unreadable; its message says what to add. It also fails when the file does not hold the present
/// form.
///
/// ```no_run
/// # use simple_queue::prelude::*;
/// # #[job] async fn send_welcome(user_id: i64) {}
/// # #[job] async fn resize_image(path: String) {}
/// // In a `#[test]`:
/// fn stored_jobs_can_still_be_read() {
///     simple_queue::assert_schema!("jobs.schema", jobs![SendWelcome, ResizeImage]);
/// }
/// ```
///
/// Commit the file. If the test asks for it, update the file:
///
/// | command | when it writes the file |
/// |---|---|
/// | `SIMPLE_QUEUE_SCHEMA=update cargo test` | if every stored job can still be read |
/// | `SIMPLE_QUEUE_SCHEMA=accept cargo test` | always: use it if no such job is stored, or you have handled them |
///
/// # Panics
/// When the file and the jobs differ, or the file cannot be read or written.
#[macro_export]
macro_rules! assert_schema {
    ($path:literal, $jobs:expr $(,)?) => {
        $crate::private::assert_schema(
            ::core::concat!(::core::env!("CARGO_MANIFEST_DIR"), "/", $path),
            $jobs,
        )
    };
}

/// Implements [`assert_schema!`](crate::assert_schema).
///
/// # Panics
/// With every difference, as documented there.
#[track_caller]
pub fn assert_schema<T: Schemas>(path: &str, _jobs: JobList<T>) {
    let mode = match env::var("SIMPLE_QUEUE_SCHEMA").as_deref() {
        Err(_) => Mode::Compare,
        Ok("update") => Mode::Update,
        Ok("accept") => Mode::Accept,
        Ok(other) => panic!("SIMPLE_QUEUE_SCHEMA is `{other}`; write `update` or `accept`"),
    };
    let mut declared = Vec::new();
    T::collect(&mut declared);
    if let Err(problem) = compare(Path::new(path), declared, mode) {
        panic!("{problem}");
    }
}

/// A list of jobs whose stored form is known.
pub trait Schemas {
    #[doc(hidden)]
    fn collect(schemas: &mut Vec<JobSchema>);
}

impl Schemas for () {
    fn collect(_schemas: &mut Vec<JobSchema>) {}
}

impl<H: JobHandler> Schemas for Entry<H> {
    fn collect(schemas: &mut Vec<JobSchema>) {
        schemas.push(JobSchema::of::<H::Payload>());
    }
}

impl Schemas for NoEntry {
    fn collect(_schemas: &mut Vec<JobSchema>) {}
}

impl<A: Schemas, B: Schemas> Schemas for (A, B) {
    fn collect(schemas: &mut Vec<JobSchema>) {
        A::collect(schemas);
        B::collect(schemas);
    }
}

/// The stored form of one job.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct JobSchema {
    kind: String,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    aliases: Vec<String>,
    queue: String,
    version: i32,
    arguments: Vec<ArgumentSchema>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
struct ArgumentSchema {
    name: String,
    #[serde(rename = "type")]
    ty: String,
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    default: bool,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    aliases: Vec<String>,
}

impl JobSchema {
    fn of<J: JobPayload>() -> Self {
        let owned = |names: &[&str]| names.iter().map(|&name| name.to_owned()).collect();
        let argument = |argument: &StoredArgument| ArgumentSchema {
            name: argument.name.to_owned(),
            ty: argument.ty.to_owned(),
            default: argument.has_default,
            aliases: owned(argument.aliases),
        };
        Self {
            kind: J::KIND.to_owned(),
            aliases: owned(J::ALIASES),
            queue: J::QUEUE.to_owned(),
            version: J::VERSION,
            arguments: J::ARGUMENTS.iter().map(argument).collect(),
        }
    }

    fn is_called(&self, kind: &str) -> bool {
        self.kind == kind || self.aliases.iter().any(|alias| alias == kind)
    }
}

impl ArgumentSchema {
    fn is_called(&self, name: &str) -> bool {
        self.name == name || self.aliases.iter().any(|alias| alias == name)
    }
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Mode {
    Compare,
    Update,
    Accept,
}

fn compare(path: &Path, mut declared: Vec<JobSchema>, mode: Mode) -> Result<(), String> {
    declared.sort_by(|a, b| a.kind.cmp(&b.kind));
    let shown = path.display();
    let locked = match fs::read_to_string(path) {
        Ok(text) => Some(
            serde_json::from_str::<Vec<JobSchema>>(&text)
                .map_err(|error| format!("the schema file {shown} cannot be read: {error}"))?,
        ),
        Err(error) if error.kind() == ErrorKind::NotFound => None,
        Err(error) => return Err(format!("the schema file {shown} cannot be read: {error}")),
    };
    if mode != Mode::Accept
        && let Some(locked) = &locked
    {
        let problems = problems(locked, &declared);
        if !problems.is_empty() {
            return Err(format!(
                "stored jobs could not run any more:\n  - {}\nIf none is stored, or you have handled them: `SIMPLE_QUEUE_SCHEMA=accept cargo test`",
                problems.join("\n  - ")
            ));
        }
    }
    if locked.as_ref() == Some(&declared) {
        return Ok(());
    }
    if mode == Mode::Compare {
        let state = if locked.is_some() { "does not match the jobs" } else { "does not exist" };
        return Err(format!(
            "the schema file {shown} {state}; write it with `SIMPLE_QUEUE_SCHEMA=update cargo test` and commit it"
        ));
    }
    let text = serde_json::to_string_pretty(&declared).map_err(|error| error.to_string())?;
    fs::write(path, text + "\n")
        .map_err(|error| format!("the schema file {shown} cannot be written: {error}"))
}

/// Lists what keeps jobs stored in the old form from being run in the new one.
fn problems(locked: &[JobSchema], declared: &[JobSchema]) -> Vec<String> {
    let mut problems = Vec::new();
    for old in locked {
        for name in std::iter::once(&old.kind).chain(&old.aliases) {
            match declared.iter().find(|new| new.is_called(name)) {
                Some(new) if name == &old.kind => problems_of_job(old, new, &mut problems),
                Some(_) => {}
                None => problems.push(format!(
                    "no job is called `{name}` any more; add to the job that replaces it `aliases(\"{name}\")`"
                )),
            }
        }
    }
    problems
}

fn problems_of_job(old: &JobSchema, new: &JobSchema, problems: &mut Vec<String>) {
    let JobSchema { kind, version, queue, .. } = new;
    if queue != &old.queue {
        problems.push(format!(
            "`{kind}` moved from queue `{}` to `{queue}`; register it with `.also_on(\"{}\")` until no jobs wait there",
            old.queue, old.queue
        ));
    }
    if *version < old.version {
        problems.push(format!(
            "`{kind}` went back from version {} to {version}; jobs of version {} would wait forever",
            old.version, old.version
        ));
    }
    // Its `upgrade` converts the arguments.
    if *version != old.version {
        return;
    }
    let next = version + 1;
    for argument in &new.arguments {
        let ArgumentSchema { name, ty, default, .. } = argument;
        match old.arguments.iter().find(|old| argument.is_called(&old.name)) {
            Some(before) if before.ty != *ty => problems.push(format!(
                "argument `{name}` of `{kind}` was a `{}` and is a `{ty}`; write `version = {next}, upgrade = …`",
                before.ty
            )),
            Some(before) => {
                if before.default && !default {
                    problems.push(format!(
                        "argument `{name}` of `{kind}` has lost its `#[job(default)]`, and older jobs may be stored without it"
                    ));
                }
                for alias in before.aliases.iter().filter(|alias| !argument.is_called(alias)) {
                    problems.push(format!(
                        "argument `{name}` of `{kind}` has lost its `#[job(alias = \"{alias}\")]`, and older jobs may be stored under it"
                    ));
                }
            }
            None if *default => {}
            None => problems.push(added_without_default(argument, old, new)),
        }
    }
}

/// A new argument that stored jobs do not have; perhaps an old one was renamed.
fn added_without_default(argument: &ArgumentSchema, old: &JobSchema, new: &JobSchema) -> String {
    let ArgumentSchema { name, ty, .. } = argument;
    let (kind, version) = (&new.kind, old.version);
    let gone = |before: &&ArgumentSchema| {
        before.ty == *ty && !new.arguments.iter().any(|argument| argument.is_called(&before.name))
    };
    match old.arguments.iter().find(gone) {
        Some(before) => format!(
            "argument `{}` of `{kind}` is now called `{name}`; write `#[job(alias = \"{}\")]` on it, or stored jobs of version {version} could not be read",
            before.name, before.name
        ),
        None => format!(
            "argument `{name}` of `{kind}` was added without `#[job(default)]`; stored jobs of version {version} could not be read"
        ),
    }
}

#[cfg(test)]
mod tests;
