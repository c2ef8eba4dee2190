//! The pages. Each reads what it shows, and writes it as HTML or as JSON.

mod actions;
mod confirm;
mod contents;
mod dead;
mod doctor;
mod edit;
mod job;
mod jobs;
mod kinds;
mod limits;
mod new;
mod queue;
mod queues;
mod range;
mod rows;
mod schedules;
mod timeline;
mod workers;

use std::time::Duration;

use simple_queue::{JobDetail, Right};
use uuid::Uuid;

pub(crate) use confirm::{Selection, Verb};
pub(crate) use new::made as new_job;

use crate::{
    parts::Tab,
    text,
    trouble::Trouble,
    visit::{Made, Visit},
};

#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Page {
    Jobs,
    /// What an act on many jobs would do.
    Confirm,
    Job(Uuid),
    /// The payload of a job as a file.
    Payload(Uuid),
    Queues,
    Queue,
    Kinds,
    Kind,
    Dead,
    Schedules,
    Limits,
    LimitKeys,
    Workers,
    Actions,
    Action(Uuid),
    Doctor,
    New,
}

impl Page {
    pub(crate) fn of(path: &[String]) -> Option<Self> {
        let path: Vec<&str> = path.iter().map(String::as_str).collect();
        Some(match path.as_slice() {
            [] | ["jobs"] => Self::Jobs,
            ["jobs", "confirm"] => Self::Confirm,
            ["jobs", id] => Self::Job(id.parse().ok()?),
            ["jobs", id, "payload"] => Self::Payload(id.parse().ok()?),
            ["queues"] => Self::Queues,
            ["queues", _] => Self::Queue,
            ["kinds"] => Self::Kinds,
            ["kinds", _] => Self::Kind,
            ["dead"] => Self::Dead,
            ["schedules"] => Self::Schedules,
            ["limits"] => Self::Limits,
            ["limits", _] => Self::LimitKeys,
            ["workers"] => Self::Workers,
            ["actions"] => Self::Actions,
            ["actions", id] => Self::Action(id.parse().ok()?),
            ["doctor"] => Self::Doctor,
            ["new"] => Self::New,
            _ => return None,
        })
    }

    /// The page of the navigation that it belongs to.
    pub(crate) fn tab(&self) -> Tab {
        match self {
            Self::Jobs | Self::Confirm | Self::Job(_) | Self::Payload(_) => Tab::Jobs,
            Self::Queues | Self::Queue => Tab::Queues,
            Self::Kinds | Self::Kind => Tab::Kinds,
            Self::Dead => Tab::Dead,
            Self::Schedules => Tab::Schedules,
            Self::Limits | Self::LimitKeys => Tab::Limits,
            Self::Workers => Tab::Workers,
            Self::Actions | Self::Action(_) => Tab::Actions,
            Self::Doctor => Tab::Doctor,
            Self::New => Tab::New,
        }
    }

    /// How long it may take; `None`: as long as any page.
    pub(crate) fn patience(&self) -> Option<Duration> {
        // Seventeen checks, of which the server ends each after five seconds.
        (*self == Self::Doctor).then_some(Duration::from_secs(30))
    }
}

pub(crate) async fn make(page: &Page, visit: &Visit) -> Result<Made, Trouble> {
    match page {
        Page::Jobs => jobs::made(visit).await,
        Page::Confirm => confirm::made(visit).await,
        Page::Job(id) => job::made(visit, *id).await,
        Page::Payload(_) => Err(Trouble::NoSuch(text::NO_SUCH_PAGE.to_owned())),
        Page::Queues => queues::made(visit).await,
        Page::Queue => queue::made(visit).await,
        Page::Kinds => kinds::all(visit).await,
        Page::Kind => kinds::one(visit).await,
        Page::Dead => dead::made(visit).await,
        Page::Schedules => schedules::made(visit).await,
        Page::Limits => limits::all(visit).await,
        Page::LimitKeys => limits::keys(visit).await,
        Page::Workers => workers::made(visit).await,
        Page::Actions => actions::all(visit).await,
        Page::Action(id) => actions::one(visit, *id).await,
        Page::Doctor => doctor::made(visit).await,
        Page::New => new_job(visit, visit.query(), None).await,
    }
}

/// Everything about a job.
pub(crate) async fn detail(visit: &Visit, id: Uuid) -> Result<JobDetail, Trouble> {
    let found = visit.admin.job(id).await?;
    found.ok_or_else(|| Trouble::NoSuch(text::no_such_job(&id.to_string())))
}

/// The payload of a job, with what is hidden in it left out.
pub(crate) async fn payload(visit: &Visit, id: Uuid) -> Result<String, Trouble> {
    if !visit.may(Right::SeeContents) {
        return Err(Trouble::NotAllowed(text::NO_CONTENTS.to_owned()));
    }
    let contents = detail(visit, id).await?.job.contents;
    let payload = contents.and_then(|contents| contents.payload);
    payload.ok_or_else(|| Trouble::NoSuch(text::no_such_job(&id.to_string())))
}
