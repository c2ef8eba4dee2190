//! One job.

use maud::{Markup, html};
use serde_json::json;
use simple_queue::{JobDetail, JobStatus, LiveJob, Right, RunningJob};
use uuid::Uuid;

use super::{actions, contents, detail, edit, rows, timeline};
use crate::{
    parts::{
        State, act_button, back, badge, facts, kind_link, lasting, queue_link, state_of, time,
    },
    text,
    trouble::Trouble,
    visit::{Json, Made, Visit},
    wire::with_query,
};

pub(super) async fn made(visit: &Visit, id: Uuid) -> Result<Made, Trouble> {
    let detail = detail(visit, id).await?;
    let run = if detail.job.status == JobStatus::Running {
        visit.queue.running().await?.into_iter().find(|run| run.job_id == id)
    } else {
        None
    };
    let title = if detail.job.kind.is_empty() { text::PLAIN_JOB } else { &detail.job.kind };
    visit.made(title, || page(visit, &detail, run.as_ref()), || {
        let run = run.as_ref().map(|run| json!({
            "started_at": run.started_at, "progress": run.progress,
            "note": run.note.as_ref().filter(|_| visit.may(Right::SeeContents)), "host": run.host, "pid": run.pid,
        }));
        let acts: Vec<_> = detail.acts.iter().map(actions::json).collect();
        let holder = detail.key_holder.map(|it| json!({ "job_id": it.job_id, "kept_until": it.kept_until }));
        let live = detail.live.as_ref().map(live_json);
        Json::of(&json!({
            "job": rows::json(&detail.job), "live": live, "run": run, "key_holder": holder, "acts": acts,
        }))
    })
}

fn live_json(live: &LiveJob) -> serde_json::Value {
    json!({
        "expires_at": live.expires_at, "cancel_requested_at": live.cancel_requested_at,
        "timeout_s": live.timeout.map(|it| it.as_secs_f64()), "snoozes": live.snoozes,
        "is_suspect": live.is_suspect, "limit_key": live.limit_key,
        "queue_paused_at": live.queue_paused_at, "kind_paused_at": live.kind_paused_at,
    })
}

fn page(visit: &Visit, detail: &JobDetail, run: Option<&RunningJob>) -> Markup {
    let job = &detail.job;
    let is_held = detail.live.as_ref().filter(|_| job.status == JobStatus::Pending);
    html! {
        div.head {
            h1 { @if job.kind.is_empty() { (text::PLAIN_JOB) } @else { (job.kind) } }
            (badge(job))
            (acts(visit, detail))
        }
        @if let Some(live) = is_held { (held_up(visit, detail, live)) }
        div.cols {
            div.cols {
                (timeline::timeline(visit, detail, run))
                (about(visit, detail))
            }
            div.cols {
                @match &job.contents {
                    Some(contents) => (contents::arguments(visit, job, contents)),
                    None => section.card { p.soft { (text::NO_CONTENTS) } },
                }
                @if job.status == JobStatus::Pending { (edit::form(visit, detail)) }
                @if !detail.acts.is_empty() { (actions::of_job(visit, &detail.acts)) }
            }
        }
    }
}

/// What can be done to it in its state.
fn acts(visit: &Visit, detail: &JobDetail) -> Markup {
    let (job, id) = (&detail.job, detail.job.id.to_string());
    let state = state_of(job);
    let path = |verb: &str| format!("/jobs/{id}/{verb}");
    let button = |right: Right, verb: &str, words: &str, class: &str| {
        html! { @if visit.may(right) { (act_button(visit, &path(verb), &[], words, class)) } }
    };
    // What cannot be undone is asked for once more.
    let asking = |right: Right, verb: &str, words: &str| {
        let asks = with_query(
            "/jobs/confirm",
            &[("verb", verb), ("id", &id), ("q", &format!("state:{}", state.word()))],
        );
        html! {
            @if visit.may(right) { a.button.danger href=(visit.link(&asks)) data-dialog { (words) } }
        }
    };
    html! {
        div.acts {
            @match state {
                State::Dead => {
                    (button(Right::Retry, "retry", text::RETRY, "first"))
                    (asking(Right::Delete, "delete", text::DELETE))
                }
                State::Done => (button(Right::Retry, "run-again", text::RUN_AGAIN, "first")),
                State::Running => (asking(Right::Cancel, "cancel", text::CANCEL)),
                State::Waiting | State::Later => {
                    @if state == State::Later { (button(Right::Move, "run-now", text::RUN_NOW, "first")) }
                    (asking(Right::Cancel, "cancel", text::CANCEL))
                    (asking(Right::Delete, "delete", text::DELETE))
                }
            }
        }
    }
}

/// Why it does not start, as far as the job itself tells.
fn held_up(visit: &Visit, detail: &JobDetail, live: &LiveJob) -> Markup {
    let job = &detail.job;
    html! {
        @if let Some(at) = live.queue_paused_at {
            p.note.warn { (text::QUEUE_IS_PAUSED) " " (time(at)) ": " (queue_link(visit, &job.queue)) }
        }
        @if let Some(at) = live.kind_paused_at {
            p.note.warn { (text::KIND_IS_PAUSED) " " (time(at)) ": " (kind_link(visit, &job.kind)) }
        }
        @if live.is_suspect { p.note.warn { (text::suspect(job.crash_count)) } }
    }
}

fn about(visit: &Visit, detail: &JobDetail) -> Markup {
    let (job, live) = (&detail.job, detail.live.as_ref());
    let labels = job
        .contents
        .as_ref()
        .and_then(|contents| contents::labels(visit, job, contents, detail.key_holder.as_ref()));
    let worker = job.worker.map(|worker| {
        html! { a.mono href=(back(visit, &format!("worker:{worker}"))) { (worker) } }
    });
    let limit = live.and_then(|live| live.limit_key.as_ref()).map(|key| html! { code { (key) } });
    let timeout = live.and_then(|live| live.timeout).map(|it| html! { (lasting(it)) });
    let snoozes = live.filter(|live| live.snoozes > 0).map(|live| html! { (live.snoozes) });
    let crashes = (job.crash_count > 0).then(|| html! { (job.crash_count) });
    html! {
        section.card {
            h2 { (text::ABOUT) }
            (facts(&[
                (text::ID, Some(html! { span.mono { (job.id) } })),
                (text::QUEUE, Some(queue_link(visit, &job.queue))),
                (text::KIND, Some(kind_link(visit, &job.kind))),
                (text::STATUS, Some(html! { (job.status.as_str()) })),
                (text::ATTEMPTS, Some(html! { (rows::attempts(job)) })),
                (text::PRIORITY, Some(html! { (job.priority) })),
                (text::TIMEOUT, timeout),
                (text::EXPIRES, live.and_then(|live| live.expires_at).map(time)),
                (text::SNOOZES, snoozes),
                (text::CRASHES, crashes),
                (text::LIMIT_KEY, limit),
                (text::WORKER, worker),
            ]))
            @if let Some(labels) = labels { (labels) }
        }
    }
}
