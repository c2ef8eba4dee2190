//! Whether this process lives, and can work: for an orchestrator, which has no login.

use http::StatusCode;
use simple_queue::{SimpleQueue, Unhealthy};

use crate::wire::{Answer, Asked};

/// `None`: it is no probe.
pub(super) async fn answer(queue: &SimpleQueue, asked: &Asked) -> Option<Answer> {
    let [probe] = asked.path.as_slice() else { return None };
    let (is_well, reasons) = match probe.as_str() {
        "livez" => (queue.is_alive(), Vec::new()),
        "readyz" => {
            let health = queue.health().await;
            (health.is_ready, health.reasons.iter().map(word).collect())
        }
        _ => return None,
    };
    let status = if is_well { StatusCode::OK } else { StatusCode::SERVICE_UNAVAILABLE };
    let json = serde_json::json!({ "ok": is_well, "reasons": reasons });
    Some(Answer::json(status, json.to_string()))
}

/// Without its details, which may name hosts and users.
fn word(reason: &Unhealthy) -> &'static str {
    match reason {
        Unhealthy::NotStarted { .. } => "not_started",
        Unhealthy::Starting { .. } => "starting",
        Unhealthy::Stopping => "stopping",
        Unhealthy::Stopped => "stopped",
        Unhealthy::WorkerEnded { .. } => "worker_ended",
        Unhealthy::HeartbeatSilent { .. } => "heartbeat_silent",
        Unhealthy::HeartbeatRefused { .. } => "heartbeat_refused",
        Unhealthy::FetchFailing { .. } => "fetch_failing",
        Unhealthy::EndsUnwritten { .. } => "ends_unwritten",
        Unhealthy::NotMigrated { .. } => "not_migrated",
        Unhealthy::Unreachable { .. } => "unreachable",
        _ => "not_ready",
    }
}
