//! Acts on queues, schedules, limits, and on acts.

use std::time::Duration;

use simple_queue::Right;
use uuid::Uuid;

use super::{Done, after, demand, typed};
use crate::{text, trouble::Trouble, visit::Visit, wire::encode};

/// Stops something, or lets it go on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Switch {
    Off,
    On,
}

impl Switch {
    pub(super) fn of(word: &str, off: &str) -> Option<Self> {
        match word {
            "resume" => Some(Self::On),
            _ => (word == off).then_some(Self::Off),
        }
    }
}

pub(super) async fn queue(visit: &Visit, switch: Switch) -> Result<Done, Trouble> {
    demand(visit, Right::Control)?;
    let (name, form) = (visit.part(1), visit.form());
    let kind = form.get("kind");
    let path = match kind {
        Some(kind) => format!("/kinds/{}", encode(kind)),
        None => format!("/queues/{}", encode(name)),
    };
    match switch {
        Switch::Off => {
            let mut pause = visit.admin.pause(name);
            if let Some(kind) = kind {
                pause = pause.kind(kind);
            }
            if let Some(reason) = form.get("reason") {
                pause = pause.because(reason);
            }
            if let Some(minutes) = typed::<u64>(visit, "lasting")?.filter(|it| *it > 0) {
                pause = pause.lasting(Duration::from_secs(minutes.saturating_mul(60)));
            }
            let paused = pause.await?;
            Ok(after(&path, if paused.is_known() { "paused" } else { "paused-unknown" }))
        }
        Switch::On => {
            let resume = visit.admin.resume(name);
            let was_paused = match kind {
                Some(kind) => resume.kind(kind).await?,
                None => resume.await?,
            };
            Ok(after(&path, if was_paused { "resumed" } else { "not-paused" }))
        }
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum OnSchedule {
    RunNow,
    Pause,
    Resume,
    Reset,
    Remove,
}

impl OnSchedule {
    pub(super) fn of(word: &str) -> Option<Self> {
        Some(match word {
            "run-now" => Self::RunNow,
            "pause" => Self::Pause,
            "resume" => Self::Resume,
            "reset" => Self::Reset,
            "remove" => Self::Remove,
            _ => return None,
        })
    }
}

pub(super) async fn schedule(visit: &Visit, act: OnSchedule) -> Result<Done, Trouble> {
    demand(visit, Right::Control)?;
    let (schedules, name) = (visit.admin.schedules(), visit.part(1));
    let said = match act {
        OnSchedule::RunNow => {
            let job = schedules.run_now(name).await?;
            return Ok(after(&format!("/jobs/{job}"), "enqueued"));
        }
        OnSchedule::Pause => schedules.pause(name).await.map(|()| "paused")?,
        OnSchedule::Resume => {
            if schedules.resume(name).await? {
                "resumed"
            } else {
                "not-paused"
            }
        }
        OnSchedule::Reset => schedules.reset(name).await.map(|()| "reset")?,
        OnSchedule::Remove => {
            if schedules.remove(name).await? {
                "removed"
            } else {
                "not-there"
            }
        }
    };
    Ok(after("/schedules", said))
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum OnLimit {
    Set,
    Reset,
    Pause,
    Resume,
    /// Lets a sequence go on past the dead job that halts it.
    Skip,
}

impl OnLimit {
    pub(super) fn of(word: &str) -> Option<Self> {
        Some(match word {
            "set" => Self::Set,
            "reset" => Self::Reset,
            "pause" => Self::Pause,
            "resume" => Self::Resume,
            "skip" => Self::Skip,
            _ => return None,
        })
    }
}

/// On a limit, or on a key of it.
pub(super) async fn limit(visit: &Visit, act: OnLimit) -> Result<Done, Trouble> {
    demand(visit, Right::Control)?;
    let (limits, name) = (visit.admin.limits(), visit.part(1));
    // A key may be empty, and may begin with a space.
    let key = visit.form().raw("key");
    let number = || {
        typed::<u32>(visit, "value")?.ok_or_else(|| Trouble::Typed(text::VALUE_MISSING.to_owned()))
    };
    let said = match (act, key) {
        (OnLimit::Set, None) => limits.set(name, number()?).await.map(|()| "set")?,
        (OnLimit::Set, Some(key)) => limits.set_key(name, key, number()?).await.map(|()| "set")?,
        (OnLimit::Reset, None) => limits.reset(name).await.map(|()| "reset")?,
        (OnLimit::Reset, Some(key)) => limits.reset_key(name, key).await.map(|()| "reset")?,
        (OnLimit::Pause, None) => limits.pause(name).await.map(|()| "paused")?,
        (OnLimit::Pause, Some(key)) => limits.pause_key(name, key).await.map(|()| "paused")?,
        (OnLimit::Resume, None) => limits.resume(name).await.map(|()| "resumed")?,
        (OnLimit::Resume, Some(key)) => limits.resume_key(name, key).await.map(|()| "resumed")?,
        (OnLimit::Skip, key) => {
            let key = key.ok_or_else(|| Trouble::Typed(text::VALUE_MISSING.to_owned()))?;
            if limits.skip(name, key).await? { "skipped" } else { "not-there" }
        }
    };
    Ok(match key {
        Some(_) => after(&format!("/limits/{}", encode(name)), said),
        None => after("/limits", said),
    })
}

/// 300 ms, for which it is waited whether an act can go on.
const SOON: Duration = Duration::from_millis(300);

/// On an act on many jobs.
pub(super) async fn act(visit: &Visit, id: Uuid, switch: Switch) -> Result<Done, Trouble> {
    let path = format!("/actions/{id}");
    match switch {
        Switch::Off => {
            let was_running = visit.admin.stop(id).await?;
            Ok(after(&path, if was_running { "stopped" } else { "not-there" }))
        }
        Switch::On => {
            // It goes on in this process, with or without viewers. If the process ends, a janitor goes on with it.
            let admin = visit.admin.clone();
            let task = tokio::spawn(async move { admin.go_on(id).await });
            if let Ok(Ok(ended)) = tokio::time::timeout(SOON, task).await
                && ended?.is_none()
            {
                return Err(Trouble::NoSuch(text::NO_SUCH_ACT.to_owned()));
            }
            Ok(after(&path, "begun"))
        }
    }
}
