//! Acts on one job.

use serde_json::value::RawValue;
use simple_queue::{Acted, Edit, Inserted, JobVersion, Right};
use uuid::Uuid;

use super::{Done, after, demand, time_of, typed};
use crate::{pages::Verb, text, trouble::Trouble, visit::Visit};

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum OnJob {
    Retry,
    RunNow,
    RunAgain,
    Cancel,
    Delete,
    Edit,
    Move,
}

impl OnJob {
    pub(super) fn of(word: &str) -> Option<Self> {
        Some(match word {
            "retry" => Self::Retry,
            "run-now" => Self::RunNow,
            "run-again" => Self::RunAgain,
            "cancel" => Self::Cancel,
            "delete" => Self::Delete,
            "edit" => Self::Edit,
            "move" => Self::Move,
            _ => return None,
        })
    }

    /// The act on the only job that was picked in a list; `None`: it needs more than the job.
    pub(super) fn of_picked(verb: Verb) -> Option<Self> {
        Some(match verb {
            Verb::Retry => Self::Retry,
            Verb::RunNow => Self::RunNow,
            Verb::Cancel => Self::Cancel,
            Verb::Delete => Self::Delete,
            Verb::Move | Verb::Priority | Verb::RunAt => return None,
        })
    }

    const fn right(self) -> Right {
        match self {
            Self::Retry | Self::RunAgain => Right::Retry,
            Self::RunNow | Self::Move => Right::Move,
            Self::Cancel => Right::Cancel,
            Self::Delete => Right::Delete,
            Self::Edit => Right::Edit,
        }
    }
}

pub(super) async fn run(visit: &Visit, id: Uuid, verb: OnJob) -> Result<Done, Trouble> {
    demand(visit, verb.right())?;
    let admin = &visit.admin;
    let (acted, said) = match verb {
        OnJob::Retry => (admin.retry(id).await?, "retried"),
        OnJob::RunNow => (admin.run_now(id).await?, "due"),
        OnJob::Cancel => (admin.cancel(id).await?, "cancelled"),
        OnJob::Delete => {
            return match admin.delete(id).await? {
                Acted::Done => Ok(after("/jobs", "deleted")),
                Acted::Left(why) => Err(Trouble::Left(why.to_string())),
            };
        }
        OnJob::RunAgain => {
            return match admin.run_again(id).await? {
                Inserted::Done(id) => Ok(after(&format!("/jobs/{id}"), "enqueued")),
                Inserted::Left(why) => Err(Trouble::Left(why.to_string())),
            };
        }
        OnJob::Edit => (contents(visit, seen(visit, id)?)?.await?, "changed"),
        OnJob::Move => (place(visit, seen(visit, id)?)?.await?, "changed"),
    };
    match acted {
        Acted::Done => Ok(after(&format!("/jobs/{id}"), said)),
        Acted::Left(why) => Err(Trouble::Left(why.to_string())),
    }
}

/// A change of the job as it was seen.
fn seen(visit: &Visit, id: Uuid) -> Result<Edit<'_>, Trouble> {
    let edit = visit.admin.edit(id);
    Ok(match typed::<JobVersion>(visit, "version")? {
        Some(version) => edit.expecting(version),
        None => edit,
    })
}

fn contents<'v>(visit: &'v Visit, mut edit: Edit<'v>) -> Result<Edit<'v>, Trouble> {
    if let Some(args) = visit.form().get("args") {
        let args: &RawValue = serde_json::from_str(args)
            .map_err(|problem| Trouble::Typed(text::bad_json(&problem.to_string())))?;
        edit = edit.args(args);
    }
    if let Some(attempts) = typed(visit, "max_attempts")? {
        edit = edit.max_attempts(attempts);
    }
    if let Some(tags) = visit.form().raw("tags") {
        edit = edit.tags(tags.split(',').map(str::trim).filter(|tag| !tag.is_empty()));
    }
    Ok(edit)
}

fn place<'v>(visit: &'v Visit, mut edit: Edit<'v>) -> Result<Edit<'v>, Trouble> {
    if let Some(queue) = visit.form().get("queue") {
        edit = edit.queue(queue);
    }
    if let Some(priority) = typed(visit, "priority")? {
        edit = edit.priority(priority);
    }
    if let Some(at) = time_of(visit, "at")? {
        edit = edit.run_at(at);
    }
    Ok(edit)
}
