//! The rows of a limit and of its quotas, the processes, and the statements that are under way.

use std::fmt;

/// Two permits for two processes.
pub(super) const PROCESSES: usize = 2;
pub(super) const MOST: i8 = 2;

/// A process's row of `quotas`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub(super) struct Row {
    pub(super) held: i8,
    pub(super) wanted: i8,
}

/// A `balance_quotas` that was sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) struct Ask {
    pub(super) process: usize,
    pub(super) keep: i8,
    pub(super) want: i8,
    /// What its snapshot says is lent.
    pub(super) seen: i8,
    /// A later one of its process has arrived.
    pub(super) is_late: bool,
    /// Its process has got another row since.
    pub(super) is_of_old_row: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) struct Answer {
    pub(super) held: i8,
    pub(super) is_short: bool,
    pub(super) others_want: bool,
}

/// The exchange of a process that is under way.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) enum Exchange {
    None,
    /// The permits that the statement keeps.
    Sent {
        kept: i8,
    },
    Answered {
        kept: i8,
        answer: Option<Answer>,
    },
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) struct Process {
    pub(super) lives: bool,
    /// It has lost its heartbeat: it runs and starts nothing.
    pub(super) is_fenced: bool,
    /// Permits that its runs may use, and those that they use.
    pub(super) held: i8,
    pub(super) used: i8,
    /// What the database has lent, as far as it knows.
    pub(super) lent: i8,
    /// Due jobs that only lack a permit.
    pub(super) due: i8,
    pub(super) has_news: bool,
    pub(super) last: Answer,
    pub(super) exchange: Exchange,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(super) struct State {
    pub(super) lent: i8,
    pub(super) wanting: i8,
    pub(super) rows: [Option<Row>; PROCESSES],
    pub(super) processes: [Process; PROCESSES],
    /// In the order in which they were sent.
    pub(super) asks: Vec<Ask>,
    /// Notifications that are not heard yet.
    pub(super) notified: [bool; PROCESSES],
    pub(super) left: Events,
}

/// What may still happen, and how often.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) struct Events {
    /// Jobs that become due.
    pub(super) arrivals: u8,
    /// Due jobs that run in a process that is not in the model.
    pub(super) departures: u8,
    /// Permits that are given back because they are not used.
    pub(super) idles: u8,
    /// Answers that are lost.
    pub(super) losses: u8,
    /// Processes that die, and that lose their heartbeat.
    pub(super) deaths: u8,
    pub(super) fences: u8,
}

pub(super) const NOTHING: Answer = Answer { held: 0, is_short: false, others_want: false };

impl Process {
    pub(super) fn free(&self) -> i8 {
        self.held - self.used
    }

    pub(super) fn falls_short(&self) -> i8 {
        std::cmp::max(0, self.due - self.free())
    }

    pub(super) fn asks(&self) -> bool {
        let wants_more = self.falls_short() > 0 && !self.last.is_short;
        self.lives
            && !self.is_fenced
            && self.exchange == Exchange::None
            && (self.has_news || self.held < self.lent || wants_more)
    }
}

pub(super) fn notify(state: &mut State) {
    for (notified, process) in state.notified.iter_mut().zip(&state.processes) {
        *notified |= process.lives;
    }
}

/// The permits of a process without its row.
pub(super) fn forget(process: &mut Process) {
    (process.held, process.used, process.lent) = (0, 0, 0);
    (process.has_news, process.last, process.exchange) = (false, NOTHING, Exchange::None);
}

impl fmt::Display for State {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} lent, {} want;", self.lent, self.wanting)?;
        for (number, (process, row)) in self.processes.iter().zip(&self.rows).enumerate() {
            let Process { held, used, due, last, .. } = process;
            write!(f, " P{number} uses {used} of {held}, {due} due, {last:?}, row {row:?};")?;
        }
        Ok(())
    }
}
