//! The database, with the transactions that are under way.

use std::fmt;

use super::{
    Scenario,
    rows::{
        AT_ONCE, CANCEL, Cancel, Events, Fault, GATES, Gate, JOBS, Job, Limit, Move, NEVER, PAST,
        PAYERS, PROCESSES, Payer, Process, Status, Time, Turn,
    },
    visit::Visit,
};
use crate::set::Set;

#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(crate) struct State {
    pub(crate) jobs: [Job; JOBS],
    pub(crate) gates: [Gate; GATES],
    pub(crate) turns: Vec<Turn>,
    pub(crate) limit: Limit,
    pub(crate) processes: [Process; PROCESSES],
    pub(crate) visits: [Option<Visit>; PROCESSES],
    pub(crate) cancel: Option<Cancel>,
    pub(crate) job_tx: Option<usize>,
    pub(crate) moving: Option<Move>,
    pub(crate) payers: [Option<Payer>; 2],
    /// How many of the scenario's changes of the limit have been made.
    pub(crate) changes: usize,
    pub(crate) left: Events,
    pub(crate) fault: Option<Fault>,
}

impl State {
    pub(crate) fn of(scenario: &Scenario) -> Self {
        let absent = Job {
            status: Status::Absent,
            gate: None,
            run_at: 0,
            locked_by: None,
            newer_than: Set::EMPTY,
        };
        let process = Process { lives: true, has_row: true, reaped: false };
        let mut state = Self {
            jobs: [absent; JOBS],
            gates: [Gate::default(); GATES],
            turns: Vec::new(),
            limit: Limit { most: scenario.most, turns_owed: false, newer_than: Set::EMPTY },
            processes: [process; PROCESSES],
            visits: [const { None }; PROCESSES],
            cancel: None,
            job_tx: None,
            moving: None,
            payers: [None; 2],
            changes: 0,
            left: scenario.events,
            fault: None,
        };
        for (number, job) in scenario.jobs.iter().enumerate() {
            state.jobs[number].gate = Some(job.gate);
            if !job.comes_later {
                state.enqueue(number, job.due_in, scenario.clocks_go_back);
            }
        }
        state
    }

    /// The job and its turn, committed. A job that is due now is due for everybody, if all clocks say the same.
    pub(crate) fn enqueue(&mut self, job: usize, due_in: Time, clocks_go_back: bool) {
        self.change(job, Status::Waiting);
        self.jobs[job].run_at = if due_in > 0 || clocks_go_back { due_in } else { PAST };
        if let Some(gate) = self.jobs[job].gate {
            self.write(gate, if due_in > 0 { due_in } else { AT_ONCE }, 0, None);
        }
    }

    /// The statements whose snapshots are older than what is committed now.
    fn in_progress(&self) -> Set {
        let visits = (0..PROCESSES).filter(|&process| self.visits[process].is_some());
        let cancel = self.cancel.map(|_| CANCEL);
        let payers = PAYERS.into_iter().zip(self.payers);
        let payers = payers.filter_map(|(number, payer)| payer.map(|_| number));
        visits.chain(cancel).chain(payers).collect()
    }

    /// Writes a turn, in a transaction that commits now.
    pub(crate) fn write(&mut self, gate: usize, due_at: Time, released: i8, job: Option<usize>) {
        let unseen_by = self.in_progress();
        self.turns.push(Turn { gate, due_at, released, job, locked_by: None, unseen_by });
        self.turns.sort_unstable();
    }

    /// A new version of a job.
    pub(crate) fn change(&mut self, job: usize, status: Status) {
        self.jobs[job].newer_than = self.in_progress();
        self.jobs[job].status = status;
    }

    /// A new version of a gate.
    pub(crate) fn count(&mut self, gate: usize, running: i8, waiting: bool) {
        let newer_than = self.in_progress();
        let gate = &mut self.gates[gate];
        (gate.running, gate.waiting, gate.newer_than) = (running, waiting, newer_than);
    }

    pub(crate) fn delete_gate(&mut self, gate: usize) {
        let in_progress = self.in_progress();
        let gate = &mut self.gates[gate];
        let replaced_for = gate.replaced_for.with(in_progress);
        *gate = Gate { inserted_by: gate.inserted_by, replaced_for, ..Gate::default() };
    }

    pub(crate) fn change_limit(&mut self, most: i8, turns_owed: bool) {
        self.limit = Limit { most, turns_owed, newer_than: self.in_progress() };
    }

    /// The transaction has ended: nothing is locked by it any more.
    pub(crate) fn release_locks(&mut self, holder: usize) {
        let held = Some(holder);
        for job in &mut self.jobs {
            job.locked_by = job.locked_by.filter(|by| *by != holder);
            job.newer_than.remove(holder);
        }
        for gate in &mut self.gates {
            for by in [&mut gate.locked_by, &mut gate.inserted_by, &mut gate.deleted_by] {
                *by = by.filter(|by| *by != holder);
            }
            gate.newer_than.remove(holder);
            gate.replaced_for.remove(holder);
        }
        for turn in &mut self.turns {
            turn.locked_by = turn.locked_by.filter(|_| turn.locked_by != held);
            turn.unseen_by.remove(holder);
        }
        self.limit.newer_than.remove(holder);
        self.turns.sort_unstable();
    }

    /// Takes away the turns of these gates that the transaction has locked.
    pub(crate) fn delete_locked_turns(&mut self, holder: usize, of: impl Fn(usize) -> bool) {
        self.turns.retain(|turn| turn.locked_by != Some(holder) || !of(turn.gate));
    }

    /// The jobs of a gate with this status.
    pub(crate) fn jobs_of(&self, gate: usize, is_it: impl Fn(Status) -> bool) -> Set {
        let is_of =
            |job: &usize| self.jobs[*job].gate == Some(gate) && is_it(self.jobs[*job].status);
        (0..JOBS).filter(is_of).collect()
    }

    pub(crate) fn running(&self, gate: usize) -> i8 {
        self.jobs_of(gate, |status| matches!(status, Status::Running(_))).len()
    }

    /// Whether something will be due later. That a statement takes longer than two ticks adds nothing.
    pub(crate) fn awaits_time(&self, clocks_go_back: bool) -> bool {
        let is_ahead = |time: Time| time > 0 && time != NEVER;
        let is_fresh = |time: Time| clocks_go_back && time > PAST;
        let waits = |job: &Job| {
            job.status == Status::Waiting && (is_ahead(job.run_at) || is_fresh(job.run_at))
        };
        let turns = self.turns.iter().any(|turn| is_ahead(turn.due_at));
        let mut visits = self.visits.iter().flatten();
        (turns || self.jobs.iter().any(waits)) && visits.all(|visit| visit.asked.instant > PAST)
    }

    /// Forgets what no statement will ask for, so that states become alike.
    pub(crate) fn normalize(&mut self, changes_by_key: bool) {
        for (process, visit) in self.visits.iter().enumerate() {
            let Some(visit) = visit else { continue };
            for turn in &mut self.turns {
                if !visit.will_take_turns(turn.gate) {
                    turn.unseen_by.remove(process);
                }
            }
            self.limit.newer_than.remove(process);
            for gate in 0..GATES {
                if !visit.known.has(gate) {
                    self.gates[gate].replaced_for.remove(process);
                }
                if changes_by_key {
                    self.gates[gate].newer_than.remove(process);
                }
            }
            if changes_by_key {
                self.jobs.iter_mut().for_each(|job| job.newer_than.remove(process));
            }
        }
        for gate in &mut self.gates {
            PAYERS.into_iter().chain([CANCEL]).for_each(|number| gate.newer_than.remove(number));
            PAYERS.into_iter().chain([CANCEL]).for_each(|number| gate.replaced_for.remove(number));
        }
        let cancelled = self.cancel.filter(|cancel| !cancel.has_locked).map(|cancel| cancel.job);
        for (number, job) in self.jobs.iter_mut().enumerate() {
            for payer in PAYERS {
                job.newer_than.remove(payer);
            }
            if cancelled != Some(number) {
                job.newer_than.remove(CANCEL);
            }
        }
        for turn in &mut self.turns {
            for payer in PAYERS {
                turn.unseen_by.remove(payer);
            }
            if turn.job.is_none() || turn.job != cancelled {
                turn.unseen_by.remove(CANCEL);
            }
        }
        self.turns.sort_unstable();
    }

    /// Lets a tick pass.
    pub(crate) fn tick(&mut self, clocks_go_back: bool) {
        let pass = |time: &mut Time| {
            if *time != AT_ONCE && *time != NEVER {
                *time = std::cmp::max(*time - 1, PAST);
            }
        };
        for job in &mut self.jobs {
            pass(&mut job.run_at);
        }
        let is_read = clocks_go_back || self.visits.iter().any(Option::is_some);
        for turn in &mut self.turns {
            pass(&mut turn.due_at);
            if turn.due_at <= 0 && !is_read && turn.locked_by.is_none() {
                turn.due_at = AT_ONCE;
            }
        }
        for visit in self.visits.iter_mut().flatten() {
            visit.tick(pass);
        }
        self.turns.sort_unstable();
    }

    /// The same, with other names of the first two processes.
    pub(crate) fn with_processes_swapped(&self) -> Self {
        let mut twin = self.clone();
        let rename = |by: &mut Option<usize>| *by = by.map(|by| if by < 2 { 1 - by } else { by });
        twin.visits.swap(0, 1);
        twin.processes.swap(0, 1);
        for job in &mut twin.jobs {
            if let Status::Running(process) = &mut job.status
                && *process < 2
            {
                *process = 1 - *process;
            }
            rename(&mut job.locked_by);
            job.newer_than.swap_first_two();
        }
        for gate in &mut twin.gates {
            for by in [&mut gate.locked_by, &mut gate.inserted_by, &mut gate.deleted_by] {
                rename(by);
            }
            gate.newer_than.swap_first_two();
            gate.replaced_for.swap_first_two();
        }
        for turn in &mut twin.turns {
            rename(&mut turn.locked_by);
            turn.unseen_by.swap_first_two();
        }
        twin.limit.newer_than.swap_first_two();
        twin.turns.sort_unstable();
        twin
    }
}

impl fmt::Display for State {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "jobs:")?;
        for (number, job) in self.jobs.iter().enumerate() {
            match job.status {
                Status::Absent => {}
                Status::Running(process) => write!(f, " {number} is run by P{process};")?,
                status => write!(f, " {number} {status:?};")?,
            }
        }
        for (number, gate) in self.gates.iter().enumerate().filter(|(_, gate)| gate.exists) {
            let mark = if gate.waiting { ", marked" } else { "" };
            write!(f, " key {number}: {} places in use{mark};", gate.running)?;
        }
        write!(f, " turns:")?;
        for turn in &self.turns {
            let due = match turn.due_at {
                AT_ONCE => "now".to_owned(),
                NEVER => "never".to_owned(),
                ticks => format!("in {ticks}"),
            };
            write!(f, " key {}, due {due}, {} released;", turn.gate, turn.released)?;
        }
        if self.turns.is_empty() {
            write!(f, " none")?;
        }
        Ok(())
    }
}
