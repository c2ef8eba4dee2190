//! Judges by heartbeats that do not move which processes are dead.

use std::{
    collections::{HashMap, VecDeque},
    time::{Duration, Instant},
};

use chrono::{DateTime, Utc};
use uuid::Uuid;

use crate::store::{Silence, Silent};

/// Number of intervals without a heartbeat after which a process is dead.
const INTERVALS_TO_DEATH: u32 = 6;

/// Number of intervals without a heartbeat after which `heartbeat.sql` lists a process.
const INTERVALS_TO_SILENCE: u32 = 2;

/// 64, the looks that are remembered. At the usual pace they take longer than two intervals; where notifications ask
/// for more, a silence may be noticed later.
const LOOKS: usize = 64;

/// Fraction of a time by this process's clock which the server's clock must show too, or it was set back.
const SAME_PACE: f64 = 0.9;

/// When this process looked at the heartbeats of the others, by its own steady clock.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Look {
    pub(crate) sent: Instant,
    pub(crate) answered: Instant,
}

/// What this process has seen of silent processes.
///
/// A silence is measured by this process's steady clock, from a look that was answered to one that was sent, and both
/// saw the same heartbeat. A process is listed only after two intervals of silence. The looks before are known to have
/// seen the same heartbeat if it is older than they are, by the server's clock, which wrote both.
#[derive(Debug, Default)]
pub(crate) struct Watch {
    /// When each look was answered, and the server's clock then. They were made without a break, and meanwhile the
    /// server's clock was not set back.
    looks: VecDeque<(Instant, DateTime<Utc>)>,
    /// Since when each heartbeat has not moved.
    unmoved: HashMap<Uuid, (DateTime<Utc>, Instant)>,
}

impl Watch {
    /// Returns the processes that have been silent for long enough, while this process watched them, to be dead.
    pub(crate) fn overdue(&mut self, look: Look, silence: Silence) -> Vec<Silent> {
        self.remember(look, silence.clock);
        let before = std::mem::take(&mut self.unmoved);
        let mut dead = Vec::new();
        for process in silence.processes {
            let since = match before.get(&process.id) {
                Some(&(heartbeat_at, since)) if heartbeat_at == process.heartbeat_at => since,
                Some(_) => look.answered,
                None => self.first_look_after(&process).unwrap_or(look.answered),
            };
            self.unmoved.insert(process.id, (process.heartbeat_at, since));
            if look.sent.saturating_duration_since(since) >= patience(process.heartbeat_interval) {
                dead.push(process);
            }
        }
        dead
    }

    /// Forgets all, because processes may have tried to beat while the table could not be read.
    pub(crate) fn interrupt(&mut self) {
        *self = Self::default();
    }

    fn remember(&mut self, look: Look, clock: DateTime<Utc>) {
        if let Some(&(answered, before)) = self.looks.back() {
            let moved = (clock - before).to_std().unwrap_or_default();
            if moved < look.sent.saturating_duration_since(answered).mul_f64(SAME_PACE) {
                self.looks.clear();
            }
        }
        if self.looks.len() == LOOKS {
            self.looks.pop_front();
        }
        self.looks.push_back((look.answered, clock));
    }

    /// Returns when the first look was answered that saw this heartbeat and did not list the process yet. A look that
    /// had to list it saw another one.
    fn first_look_after(&self, process: &Silent) -> Option<Instant> {
        let &(answered, clock) =
            self.looks.iter().find(|(_, clock)| process.heartbeat_at < *clock)?;
        let age = (clock - process.heartbeat_at).to_std().ok()?;
        (age <= process.heartbeat_interval.saturating_mul(INTERVALS_TO_SILENCE)).then_some(answered)
    }
}

/// How long a process with this heartbeat interval may be silent before it is dead.
pub(crate) fn patience(heartbeat_interval: Duration) -> Duration {
    heartbeat_interval.saturating_mul(INTERVALS_TO_DEATH)
}

#[cfg(test)]
mod tests {
    use chrono::TimeDelta;

    use super::*;

    const INTERVAL: Duration = Duration::from_secs(5);

    /// A watch, by which process nil is seen at some moments. Times are in tenths of an interval since the start; the
    /// server's clock may be ahead of the steady one.
    struct Watching {
        watch: Watch,
        start: Instant,
        ahead: i32,
    }

    impl Watching {
        fn new() -> Self {
            Self { watch: Watch::default(), start: Instant::now(), ahead: 0 }
        }

        fn clock(&self, tenths: i32) -> DateTime<Utc> {
            DateTime::from_timestamp_millis(1_000_000_000).unwrap()
                + TimeDelta::milliseconds(500) * (tenths + self.ahead)
        }

        /// Says whether the process is dead, with its last heartbeat and the interval that the look takes.
        fn look_for(&mut self, tenths: i32, took: i32, heartbeat: DateTime<Utc>) -> bool {
            let sent = self.start + INTERVAL / 10 * u32::try_from(tenths).unwrap();
            let look = Look { sent, answered: sent + INTERVAL / 10 * u32::try_from(took).unwrap() };
            let clock = self.clock(tenths + took);
            let is_silent = heartbeat < clock - INTERVAL * 2 || heartbeat > clock + INTERVAL;
            let silent =
                Silent { id: Uuid::nil(), heartbeat_at: heartbeat, heartbeat_interval: INTERVAL };
            let processes = if is_silent { vec![silent] } else { Vec::new() };
            !self.watch.overdue(look, Silence { clock, processes }).is_empty()
        }

        fn look(&mut self, tenths: i32, heartbeat: DateTime<Utc>) -> bool {
            self.look_for(tenths, 0, heartbeat)
        }
    }

    #[test]
    fn a_heartbeat_that_did_not_move_for_six_intervals_is_dead() {
        let mut watching = Watching::new();
        let heartbeat = watching.clock(-100);
        assert!(!watching.look(0, heartbeat));
        assert!(!watching.look(50, heartbeat));
        assert!(watching.look(60, heartbeat));
    }

    #[test]
    fn a_silence_begins_with_the_first_look_after_the_heartbeat_not_with_the_first_that_lists_the_process()
     {
        let mut watching = Watching::new();
        let heartbeat = watching.clock(1);
        let died: Vec<i32> =
            (0..10).map(|look| 10 * look).filter(|&at| watching.look(at, heartbeat)).collect();
        assert_eq!(died, [70, 80, 90], "six intervals after the look at 10");
    }

    #[test]
    fn a_look_counts_from_its_answer_to_its_sending() {
        let mut watching = Watching::new();
        let heartbeat = watching.clock(-100);
        assert!(!watching.look_for(0, 30, heartbeat));
        assert!(!watching.look_for(60, 25, heartbeat));
        assert!(watching.look_for(90, 25, heartbeat));
    }

    #[test]
    fn a_heartbeat_that_moved_is_alive_however_old_it_looks() {
        let mut watching = Watching::new();
        for look in 0..4 {
            let heartbeat = watching.clock(-1000 + look);
            assert!(!watching.look(50 * look, heartbeat));
        }
    }

    #[test]
    fn silence_that_nobody_watched_without_a_break_does_not_count() {
        let mut watching = Watching::new();
        let heartbeat = watching.clock(-100);
        watching.look(0, heartbeat);
        watching.watch.interrupt();
        assert!(!watching.look(60, heartbeat));
        // A process whose heartbeat arrived in between is no longer in the list.
        let arrived = watching.clock(79);
        watching.look(80, arrived);
        assert!(!watching.look(120, heartbeat));
    }

    #[test]
    fn a_server_whose_clock_is_set_forward_makes_nobody_dead() {
        let mut watching = Watching::new();
        let heartbeat = watching.clock(5);
        watching.look(0, heartbeat);
        watching.ahead = 10_000;
        assert!(!watching.look(10, heartbeat));
        assert!(!watching.look(60, heartbeat));
        assert!(watching.look(70, heartbeat));
    }

    #[test]
    fn a_server_whose_clock_is_set_back_makes_nobody_dead() {
        let mut watching = Watching::new();
        for look in 0..5 {
            let recent = watching.clock(10 * look - 1);
            watching.look(10 * look, recent);
        }
        watching.ahead = -35;
        // It is older than some looks, by the clock, and was written after them.
        let heartbeat = watching.clock(45);
        let died: Vec<i32> =
            (5..14).map(|look| 10 * look).filter(|&at| watching.look(at, heartbeat)).collect();
        assert_eq!(died, [110, 120, 130], "six intervals after the look at 50");
    }
}
