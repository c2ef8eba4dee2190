//! Shows one job.

use anyhow::Result;
use chrono::{DateTime, Utc};
use serde_json::{Value, json};
use simple_queue::{Admin, JobContents, JobDetail, JobRow, LiveJob};
use uuid::Uuid;

use super::now;
use crate::{
    args::Format,
    exit::Exit,
    output::{BAD, HEAD, ago, line, short, shown},
};

pub(super) async fn show(admin: &Admin, format: Format, id: Uuid) -> Result<Exit> {
    let Some(detail) = admin.job(id).await? else {
        anstream::eprintln!(
            "there is no job {id}: it was never enqueued, or its history was deleted"
        );
        return Ok(Exit::Nothing);
    };
    if format.json {
        line(&object(&detail).to_string());
    } else {
        Sheet { now: now() }.write(&detail);
    }
    Ok(Exit::Done)
}

/// A job as lines of a name and a value.
struct Sheet {
    now: DateTime<Utc>,
}

impl Sheet {
    fn write(&self, JobDetail { job, live, key_holder, acts, .. }: &JobDetail) {
        self.row(job);
        if let Some(live) = live {
            self.live(live);
        }
        if let Some(contents) = &job.contents {
            self.contents(contents);
        }
        if let Some(holder) = key_holder.filter(|holder| holder.job_id != job.id) {
            let kept = holder.kept_until.map(|at| format!(", until {}", self.at(at)));
            field("key held by", &format!("{}{}", holder.job_id, kept.unwrap_or_default()));
        }
        for act in acts {
            field("act", &format!("{} by {}, {}", act.action, act.actor, self.at(act.created_at)));
        }
    }

    fn row(&self, job: &JobRow) {
        field("job", &job.id.to_string());
        field("status", &job.status.to_string());
        field("queue", &job.queue);
        field("kind", &job.kind);
        let most = job.max_attempts.map(|most| format!(" of {most}")).unwrap_or_default();
        field("attempt", &format!("{}{most}", job.attempt));
        if job.priority != 0 {
            field("priority", &job.priority.to_string());
        }
        if job.crash_count > 0 {
            field("crashes", &job.crash_count.to_string());
        }
        self.time("created", Some(job.created_at));
        self.time("asked for", job.scheduled_at);
        self.time("due", job.run_at);
        self.time("ended", job.finished_at);
    }

    fn live(&self, live: &LiveJob) {
        self.time("expires", live.expires_at);
        self.time("cancel asked", live.cancel_requested_at);
        self.time("queue paused", live.queue_paused_at);
        self.time("kind paused", live.kind_paused_at);
        if let Some(timeout) = live.timeout {
            field("timeout", &short(timeout));
        }
        if live.snoozes > 0 {
            field("put off", &format!("{} times", live.snoozes));
        }
        if live.is_suspect {
            field("suspect", "it has killed processes, so it runs alone");
        }
        if let Some(key) = &live.limit_key {
            field("limit", key);
        }
        if let Some((host, pid, heartbeat_at)) = &live.worker {
            let beat = ago(*heartbeat_at, self.now);
            field("worker", &format!("{host}, process {pid}, last heartbeat {beat}"));
        }
    }

    fn contents(&self, contents: &JobContents) {
        if let Some(key) = &contents.unique_key {
            field("unique key", key);
        }
        if let Some(fingerprint) = &contents.fingerprint {
            field("fingerprint", fingerprint);
        }
        if !contents.tags.is_empty() {
            field("tags", &contents.tags.join(", "));
        }
        let long = format!("{} bytes", contents.payload_bytes);
        field("payload", contents.payload.as_deref().unwrap_or(&long));
        if let Some(metadata) = &contents.metadata {
            field("metadata", metadata);
        }
        if let Some(result) = &contents.result {
            field("result", result);
        }
        for failed in &contents.errors {
            let at = failed.at.map(|at| format!(", {}", self.at(at))).unwrap_or_default();
            let error = shown(&failed.error);
            line(&format!(
                "{HEAD}{:>12}{HEAD:#}  {BAD}{error}{BAD:#}",
                format!("attempt {}", failed.attempt)
            ));
            if !at.is_empty() {
                line(&format!("{:>12}  {}", "", at.trim_start_matches(", ")));
            }
        }
        if let Some(reason) = &contents.reason {
            field("reason", reason);
        }
    }

    fn time(&self, name: &str, at: Option<DateTime<Utc>>) {
        if let Some(at) = at {
            field(name, &self.at(at));
        }
    }

    fn at(&self, at: DateTime<Utc>) -> String {
        format!("{} ({})", at.format("%F %T UTC"), ago(at, self.now))
    }
}

/// Writes a line of a name and a value.
fn field(name: &str, value: &str) {
    line(&format!("{HEAD}{name:>12}{HEAD:#}  {}", shown(value)));
}

/// The job as one JSON object.
fn object(detail: &JobDetail) -> Value {
    let job = &detail.job;
    let contents = job.contents.as_ref();
    let parsed = |text: &Option<String>| {
        text.as_deref().and_then(|text| serde_json::from_str::<Value>(text).ok())
    };
    json!({
        "id": job.id, "status": job.status.as_str(), "queue": job.queue, "kind": job.kind,
        "priority": job.priority, "attempt": job.attempt, "max_attempts": job.max_attempts,
        "crash_count": job.crash_count, "created_at": job.created_at, "scheduled_at": job.scheduled_at,
        "run_at": job.run_at, "finished_at": job.finished_at,
        "payload": contents.and_then(|it| parsed(&it.payload)),
        "metadata": contents.and_then(|it| parsed(&it.metadata)),
        "result": contents.and_then(|it| parsed(&it.result)),
        "reason": contents.and_then(|it| it.reason.clone()),
        "unique_key": contents.and_then(|it| it.unique_key.clone()),
        "fingerprint": contents.and_then(|it| it.fingerprint.clone()),
        "tags": contents.map(|it| it.tags.clone()),
        "errors": contents.map(|it| {
            let error = |failed: &simple_queue::FailedAttempt| json!({
                "attempt": failed.attempt, "at": failed.at, "error": failed.error,
            });
            it.errors.iter().map(error).collect::<Vec<_>>()
        }),
        "key_held_by": detail.key_holder.map(|holder| holder.job_id),
    })
}
