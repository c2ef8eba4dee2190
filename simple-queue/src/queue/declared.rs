//! What this process knows of a kind of jobs, for values that come from elsewhere.

use crate::{
    Error,
    job::{JobPayload, StoredArgument},
    row::{Job, KindArgument, KindOptions, NewJob, NewKind, Unread, read_payload},
};

/// A declared kind of jobs.
#[derive(Debug, Clone, Copy)]
pub(crate) struct DeclaredKind {
    /// File and line of the declaration.
    pub(crate) declared_at: &'static str,
    pub(crate) version: i32,
    pub(crate) arguments: &'static [StoredArgument],
    /// Reads a payload of this version as the declared type, and makes the row of a new job of it, with the declared
    /// options and keys; or says what does not fit.
    pub(crate) row: fn(payload: &str, version: i32) -> Result<NewJob, String>,
    /// What is written into the database of it.
    pub(super) new: fn() -> NewKind,
}

impl DeclaredKind {
    pub(super) fn of<J: JobPayload>() -> Self {
        Self {
            declared_at: J::DECLARED_AT,
            version: J::VERSION,
            arguments: J::ARGUMENTS,
            row: row::<J>,
            new: new::<J>,
        }
    }
}

fn row<J: JobPayload>(payload: &str, version: i32) -> Result<NewJob, String> {
    let mut job = Job::new(J::QUEUE, ());
    (job.stored, job.version) = (Some(payload.to_owned()), version);
    let payload = read_payload::<J>(&job).map_err(|unread| match unread {
        Unread::OfNewerBuild => {
            format!("its version {version} is later than that of this build, {}", J::VERSION)
        }
        Unread::Unfit(problem) => problem,
    })?;
    NewJob::declared(&payload).map_err(|error: Error| error.to_string())
}

fn new<J: JobPayload>() -> NewKind {
    let texts = |texts: &[&str]| texts.iter().map(|&text| text.to_owned()).collect();
    let argument = |argument: &StoredArgument| KindArgument {
        name: argument.name.to_owned(),
        ty: argument.ty.to_owned(),
        has_default: argument.has_default,
        aliases: texts(argument.aliases),
        is_redacted: argument.is_redacted,
    };
    NewKind {
        kind: J::KIND,
        queue: J::QUEUE,
        version: J::VERSION,
        arguments: J::ARGUMENTS.iter().map(argument).collect(),
        options: KindOptions {
            max_attempts: J::OPTIONS.max_attempts,
            priority: J::OPTIONS.priority,
            timeout_s: J::OPTIONS.timeout.map(|timeout| timeout.as_secs()),
            aliases: texts(J::ALIASES),
        },
        declared_in: J::DECLARED_AT,
    }
}
