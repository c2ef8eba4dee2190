//! Messages between the processes.

use uuid::Uuid;

/// A message on the queue's channel. It is only a hint: a process that misses one finds out by polling.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Notification {
    /// A job was enqueued in this queue.
    Enqueued { queue: String },
    /// The cancellation of a running job was requested.
    CancelRequested { job_id: Uuid },
    /// Permits of this limit are wanted or free, or its number has changed.
    LimitChanged { name: String },
    /// This schedule has changed, so its next tick may be another one.
    ScheduleChanged { name: String },
    /// A kind of this queue was paused or resumed.
    PauseChanged { queue: String },
}

impl Notification {
    /// Reads a payload; `None` for one that a newer release may have sent.
    pub(crate) fn parse(payload: &str) -> Option<Self> {
        match payload.split_once(' ')? {
            ("queue", queue) => Some(Self::Enqueued { queue: queue.to_owned() }),
            ("limit", name) => Some(Self::LimitChanged { name: name.to_owned() }),
            ("schedule", name) => Some(Self::ScheduleChanged { name: name.to_owned() }),
            ("pause", queue) => Some(Self::PauseChanged { queue: queue.to_owned() }),
            ("cancel", id) => id.parse().ok().map(|job_id| Self::CancelRequested { job_id }),
            _ => None,
        }
    }

    pub(crate) fn payload(&self) -> String {
        match self {
            Self::Enqueued { queue } => format!("queue {queue}"),
            Self::CancelRequested { job_id } => format!("cancel {job_id}"),
            Self::LimitChanged { name } => format!("limit {name}"),
            Self::ScheduleChanged { name } => format!("schedule {name}"),
            Self::PauseChanged { queue } => format!("pause {queue}"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_payload_reads_back_as_what_was_sent() {
        for notification in [
            Notification::Enqueued { queue: "my queue".to_owned() },
            Notification::CancelRequested { job_id: Uuid::now_v7() },
            Notification::LimitChanged { name: "queue:my queue".to_owned() },
            Notification::ScheduleChanged { name: "my schedule".to_owned() },
            Notification::PauseChanged { queue: "my queue".to_owned() },
        ] {
            assert_eq!(Notification::parse(&notification.payload()), Some(notification));
        }
    }

    #[test]
    fn a_payload_of_a_newer_release_is_no_error() {
        for payload in ["", "queue", "cancel me", "finished 1"] {
            assert_eq!(Notification::parse(payload), None, "{payload:?}");
        }
    }
}
