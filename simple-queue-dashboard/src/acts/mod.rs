//! What is done: each act checks its right, calls the operator's view, and says which page comes after it.

mod control;
mod one;

use simple_queue::{Inserted, Right};
use uuid::Uuid;

use crate::{
    pages::{Page, Selection, Verb, new_job},
    parts::{parse_when, payload_of},
    text,
    trouble::Trouble,
    visit::{Made, Visit},
    wire::{encode, with_query},
};

/// An address that changes something.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Act {
    /// On one job.
    OnJob(Uuid, one::OnJob),
    /// On those that were picked, or on all that match.
    OnJobs,
    Queue(control::Switch),
    Schedule(control::OnSchedule),
    Limit(control::OnLimit),
    /// Ends an act on many, or goes on with it.
    Action(Uuid, control::Switch),
    New,
}

/// What comes after an act.
#[derive(Debug)]
pub(crate) enum Done {
    /// This path.
    See(String),
    /// The form once more.
    Again(Page, Made),
}

impl Act {
    pub(crate) fn of(path: &[String]) -> Option<Self> {
        let path: Vec<&str> = path.iter().map(String::as_str).collect();
        Some(match path.as_slice() {
            ["jobs", "act"] => Self::OnJobs,
            ["jobs", id, verb] => Self::OnJob(id.parse().ok()?, one::OnJob::of(verb)?),
            ["queues", _, act] => Self::Queue(control::Switch::of(act, "pause")?),
            ["schedules", _, act] => Self::Schedule(control::OnSchedule::of(act)?),
            ["limits", _, act] => Self::Limit(control::OnLimit::of(act)?),
            ["actions", id, act] => {
                Self::Action(id.parse().ok()?, control::Switch::of(act, "stop")?)
            }
            ["new"] => Self::New,
            _ => return None,
        })
    }
}

pub(crate) async fn run(act: &Act, visit: &Visit) -> Result<Done, Trouble> {
    match act {
        Act::OnJob(id, verb) => one::run(visit, *id, *verb).await,
        Act::OnJobs => on_jobs(visit).await,
        Act::Queue(switch) => control::queue(visit, *switch).await,
        Act::Schedule(act) => control::schedule(visit, *act).await,
        Act::Limit(act) => control::limit(visit, *act).await,
        Act::Action(id, switch) => control::act(visit, *id, *switch).await,
        Act::New => new(visit).await,
    }
}

/// A path, with what the page says of the act before it.
fn after(path: &str, said: &str) -> Done {
    Done::See(with_query(path, &[("said", said)]))
}

fn demand(visit: &Visit, right: Right) -> Result<(), Trouble> {
    if visit.may(right) { Ok(()) } else { Err(Trouble::NotAllowed(text::may_not(right))) }
}

/// What was typed into a field, as a number or as something else.
fn typed<T: std::str::FromStr>(visit: &Visit, field: &str) -> Result<Option<T>, Trouble> {
    let Some(text) = visit.form().get(field) else { return Ok(None) };
    text.parse().map(Some).map_err(|_| Trouble::Typed(text::not_readable(field, text)))
}

/// A time that was typed.
fn time_of(visit: &Visit, field: &str) -> Result<Option<chrono::DateTime<chrono::Utc>>, Trouble> {
    let Some(text) = visit.form().get(field) else { return Ok(None) };
    let at = parse_when(text, crate::now());
    at.map(Some).ok_or_else(|| Trouble::Typed(text::not_readable(field, text)))
}

async fn on_jobs(visit: &Visit) -> Result<Done, Trouble> {
    let selection = Selection::of(visit.form())?;
    demand(visit, selection.verb.right())?;
    if let Some(id) = selection.one()
        && let Some(verb) = one::OnJob::of_picked(selection.verb)
    {
        return one::run(visit, id, verb).await;
    }
    let selected = visit.admin.select(selection.filter()?);
    let missing = || Trouble::Typed(text::VALUE_MISSING.to_owned());
    let bulk = match selection.verb {
        Verb::Retry => selected.retry(),
        Verb::RunNow => selected.run_now(),
        Verb::Cancel => selected.cancel(),
        Verb::Delete => selected.delete(),
        Verb::Move => selected.move_to(visit.form().get("value").ok_or_else(missing)?),
        Verb::Priority => selected.set_priority(typed(visit, "value")?.ok_or_else(missing)?),
        Verb::RunAt => selected.run_at(time_of(visit, "value")?.ok_or_else(missing)?),
    };
    let act = bulk.start().await?;
    // Its page shows the filter, which may quote what jobs contain.
    Ok(if visit.may(Right::SeeContents) {
        after(&format!("/actions/{act}"), "begun")
    } else {
        after("/jobs", "begun")
    })
}

async fn new(visit: &Visit) -> Result<Done, Trouble> {
    demand(visit, Right::Insert)?;
    let form = visit.form();
    match insert(visit).await {
        Ok(Inserted::Done(id)) => {
            Ok(after(&format!("/jobs/{}", encode(&id.to_string())), "enqueued"))
        }
        Ok(Inserted::Left(why)) => Err(Trouble::Left(why.to_string())),
        // What was typed is not lost.
        Err(trouble) if trouble.status() == http::StatusCode::UNPROCESSABLE_ENTITY => {
            Ok(Done::Again(Page::New, new_job(visit, form, Some(&trouble.words())).await?))
        }
        Err(trouble) => Err(trouble),
    }
}

async fn insert(visit: &Visit) -> Result<Inserted, Trouble> {
    let form = visit.form();
    let name = form.get("kind").unwrap_or_default();
    let kind = visit.queue.kinds().await?.into_iter().find(|kind| kind.kind == name);
    let kind = kind.ok_or_else(|| Trouble::Typed(text::no_such_kind(name)))?;
    let payload = payload_of(&kind, form).map_err(Trouble::Typed)?;
    let mut job = visit.admin.enqueue_raw(name, payload);
    if let Some(queue) = form.get("queue") {
        job = job.queue(queue);
    }
    if let Some(priority) = typed(visit, "priority")? {
        job = job.priority(priority);
    }
    if let Some(at) = time_of(visit, "at")? {
        job = job.at(at);
    }
    Ok(job.await?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_address_is_of_a_page_and_of_an_act_but_that_of_a_form() {
        let id = "0199c1f0-0000-7000-8000-000000000001";
        for path in [
            "jobs/act",
            "queues/pause/pause",
            "queues/a/resume",
            "schedules/a/run-now",
            "limits/key:a/set",
            "new",
        ] {
            let path: Vec<String> = path.split('/').map(str::to_owned).collect();
            assert!(Act::of(&path).is_some(), "{path:?}");
            assert_eq!(Page::of(&path).is_some(), path == ["new"]);
        }
        for verb in ["retry", "cancel", "delete", "edit", "move", "run-now", "run-again"] {
            let path = ["jobs", id, verb].map(str::to_owned);
            assert!(Act::of(&path).is_some() && Page::of(&path).is_none(), "{verb}");
        }
        for path in ["jobs", "queues/pause", "jobs/x/retry", "jobs/confirm", "actions/x/stop"] {
            let path: Vec<String> = path.split('/').map(str::to_owned).collect();
            assert!(Act::of(&path).is_none(), "{path:?}");
        }
    }
}
