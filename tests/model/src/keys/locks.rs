//! `visit_gates`, `visit_sequences` and `hand_over`: from the snapshot to the last lock (`parts/{rule,visited,next_of_key}.sql`).

use super::{
    Keys, Rule,
    rows::{AT_ONCE, GATES, Status, Time, Turn, is_due},
    state::State,
    visit::{Phase, Places, Visit},
};
use crate::set::Set;

/// Whom a visit waits for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum WaitsFor {
    /// That of this process.
    Visit(usize),
    /// It waits for nobody.
    Reaper,
}

impl Keys {
    /// The next step of a visit; `None`: it waits.
    pub(super) fn advance(&self, state: &State, process: usize) -> Option<State> {
        if self.waits_for(state, process).is_some() {
            return None;
        }
        let mut next = state.clone();
        let mut visit = next.visits[process].take()?;
        loop {
            match visit.phase {
                Phase::CompletesRuns => self.complete_runs(&mut next, process, &mut visit),
                Phase::LocksDryGates => self.lock_dry_gates(&mut next, process, &mut visit),
                Phase::LocksGates(_) => self.lock_gates(&mut next, process, &mut visit),
                Phase::MakesGates(_) => self.make_gates(&mut next, process, &mut visit),
                Phase::Commits => {
                    self.commit(&mut next, process, &visit);
                    return Some(next);
                }
            }
            if visit.has_something_to_do() {
                next.visits[process] = Some(visit);
                return Some(next);
            }
        }
    }

    /// Whom a visit waits for.
    pub(super) fn waits_for(&self, state: &State, process: usize) -> Option<WaitsFor> {
        let visit = state.visits[process].as_ref()?;
        let other = |by: Option<usize>| by.filter(|by| *by != process);
        match visit.phase {
            Phase::CompletesRuns | Phase::LocksGates(0)
                if state.processes[process].reaped
                    && self.keeps(Rule::LocksItsProcess)
                    && !visit.has_locked_process =>
            {
                Some(WaitsFor::Reaper)
            }
            Phase::LocksGates(position) if !self.keeps(Rule::SkipsLockedGates) => {
                let gate = *visit.wanted().get(position)?;
                other(state.gates[gate].locked_by).map(WaitsFor::Visit)
            }
            Phase::MakesGates(from) => {
                let gate = state.gates[visit.next_new_gate(from)?];
                other(gate.inserted_by).or(other(gate.deleted_by)).map(WaitsFor::Visit)
            }
            _ => None,
        }
    }

    fn complete_runs(&self, next: &mut State, process: usize, visit: &mut Visit) {
        self.lock_process(next, process, visit);
        let mut freed = [0; GATES];
        for job in visit.asked.ends.iter() {
            let row = &mut next.jobs[job];
            if row.locked_by.is_none() && row.status == Status::Running(process) {
                row.locked_by = Some(process);
                visit.completed.insert(job);
                if let Some(gate) = row.gate {
                    freed[gate] += 1;
                    visit.freed.insert(gate);
                }
            }
        }
        for (gate, freed) in freed.into_iter().enumerate() {
            let hands_over = visit.asked.places != Places::Released
                && visit.keeps.has(gate)
                && self.claims(visit);
            let places = if hands_over { std::cmp::min(freed, visit.rest()) } else { 0 };
            let handed = self.pick(next, process, visit, gate, places);
            visit.handed[gate] = handed;
            visit.back[gate] = freed - handed.len();
        }
        visit.phase = Phase::LocksDryGates;
    }

    /// A claim holds the row of its process to its end.
    fn lock_process(&self, next: &State, process: usize, visit: &mut Visit) {
        if self.keeps(Rule::LocksItsProcess) && !visit.has_locked_process {
            visit.has_row = next.processes[process].has_row;
            visit.has_locked_process = true;
        }
    }

    /// Whether the statement takes places at all.
    fn claims(&self, visit: &Visit) -> bool {
        visit.has_row || !self.keeps(Rule::CountsWhatItClaims)
    }

    /// Locks jobs of a gate to claim. They are chosen by the snapshot, and compared once more when they are locked.
    fn pick(
        &self,
        next: &mut State,
        process: usize,
        visit: &mut Visit,
        gate: usize,
        most: i8,
    ) -> Set {
        let mut jobs: Vec<usize> = visit.due[gate].iter().collect();
        jobs.sort_by_key(|&job| (self.scenario.jobs[job].lane, job));
        let (mut picked, mut passed) = (Set::EMPTY, Set::EMPTY);
        for job in jobs {
            if picked.len() >= most {
                break;
            }
            let row = &mut next.jobs[job];
            let is_the_same = row.gate == Some(gate) && is_due(row.run_at, visit.asked.instant)
                || self.scenario.in_order && !self.keeps(Rule::ComparesTheLockedJob);
            if row.locked_by.is_none() && row.status == Status::Waiting && is_the_same {
                row.locked_by = Some(process);
                if row.newer_than.has(process) {
                    visit.changed.insert(job);
                }
                picked.insert(job);
                visit.passed = visit.passed.with(passed);
            } else if self.scenario.in_order && self.keeps(Rule::RunsTheFirstOrNone) {
                break;
            }
            passed.insert(job);
        }
        picked
    }

    fn lock_dry_gates(&self, next: &mut State, process: usize, visit: &mut Visit) {
        for gate in 0..GATES {
            if visit.locks_dry_gates()
                && visit.back[gate] > 0
                && lock_gate(next, process, visit, gate)
            {
                visit.dry.insert(gate);
                visit.again[gate] = self.waits_at(visit, gate, visit.handed[gate]);
                if !self.keeps(Rule::DeletesLast) && self.is_dropped(next, process, visit, gate) {
                    next.gates[gate].deleted_by = Some(process);
                }
            }
        }
        visit.phase = Phase::LocksGates(0);
    }

    fn lock_gates(&self, next: &mut State, process: usize, visit: &mut Visit) {
        if let Phase::LocksGates(position) = visit.phase
            && !self.keeps(Rule::SkipsLockedGates)
            && let Some(&gate) = visit.wanted().get(position)
        {
            lock_gate(next, process, visit, gate);
            visit.phase = Phase::LocksGates(position + 1);
            return;
        }
        self.lock_process(next, process, visit);
        let mut rest = visit.rest();
        if self.claims(visit) {
            // Turns that have become due are locked while they are looked for. Those that others have locked lead nowhere.
            for gate in visit.turns_later.iter() {
                let is_later = |turn: &Turn| turn.due_at != AT_ONCE && !visit.freed.has(gate);
                visit.released[gate] = lock_turns(next, process, visit, gate, is_later);
                let has_locked = |turn: &Turn| turn.gate == gate && turn.locked_by == Some(process);
                if !next.turns.iter().any(has_locked) {
                    visit.turns_later.remove(gate);
                }
            }
            for gate in visit.wanted() {
                self.visit_gate(next, process, visit, gate, &mut rest);
            }
        }
        visit.all_permits_used = rest == 0;
        visit.forget_snapshot();
        if self.keeps(Rule::ChangesByKey) {
            next.jobs.iter_mut().for_each(|job| job.newer_than.remove(process));
            next.gates.iter_mut().for_each(|gate| gate.newer_than.remove(process));
        }
        next.gates.iter_mut().for_each(|gate| gate.replaced_for.remove(process));
        next.limit.newer_than.remove(process);
        visit.phase = Phase::MakesGates(0);
    }

    fn visit_gate(
        &self,
        next: &mut State,
        process: usize,
        visit: &mut Visit,
        gate: usize,
        rest: &mut i8,
    ) {
        let running = if visit.known.has(gate) {
            let is_locked = next.gates[gate].locked_by == Some(process)
                || lock_gate(next, process, visit, gate);
            if is_locked || !self.keeps(Rule::TakesTurnsUnderLock) {
                visit.released[gate] += lock_turns(next, process, visit, gate, |_| true);
            }
            if !is_locked {
                return;
            }
            visit.locked.insert(gate);
            next.gates[gate].running
        } else {
            visit.fresh.insert(gate);
            0
        };
        visit.free[gate] = visit.most - running + visit.released[gate];
        let places = visit.free[gate].clamp(0, *rest);
        let picked = self.pick(next, process, visit, gate, places);
        visit.picked[gate] = picked;
        *rest -= picked.len();
        visit.again[gate] = self.waits_at(visit, gate, picked);
    }

    /// When a job of the key that was not taken may start, as the snapshot shows it. Locks do not matter.
    fn waits_at(&self, visit: &Visit, gate: usize, taken: Set) -> Option<Time> {
        if !visit.due[gate].without(taken).is_empty() {
            return Some(visit.asked.instant);
        }
        let lane = |job: usize| {
            if self.keeps(Rule::LooksInAllLanes) { 0 } else { self.scenario.jobs[job].lane }
        };
        let soon = visit.soon[gate].iter().min_by_key(|&job| (lane(job), visit.run_at[job]));
        soon.map(|job| visit.run_at[job]).filter(|_| self.keeps(Rule::LooksAhead))
    }

    fn make_gates(&self, next: &mut State, process: usize, visit: &mut Visit) {
        let Phase::MakesGates(from) = visit.phase else { return };
        if let Some(gate) = visit.next_new_gate(from) {
            if !next.gates[gate].exists {
                next.gates[gate].inserted_by = Some(process);
                visit.made.insert(gate);
            }
            visit.phase = Phase::MakesGates(gate + 1);
            return;
        }
        for gate in 0..GATES {
            if self.is_dropped(next, process, visit, gate) {
                next.gates[gate].deleted_by = Some(process);
            }
        }
        visit.phase = Phase::Commits;
    }
}

/// Locks a gate that the snapshot shows, if nobody else has locked it.
fn lock_gate(next: &mut State, process: usize, visit: &Visit, gate: usize) -> bool {
    let row = &mut next.gates[gate];
    let is_free = row.exists && !row.replaced_for.has(process) && row.locked_by.is_none();
    if visit.known.has(gate) && is_free {
        row.locked_by = Some(process);
        return true;
    }
    false
}

/// Locks the due turns of a gate that the snapshot shows and nobody else has locked; returns how many places they
/// release.
pub(super) fn lock_turns(
    next: &mut State,
    process: usize,
    visit: &Visit,
    gate: usize,
    which: impl Fn(&Turn) -> bool,
) -> i8 {
    let mut released = 0;
    for turn in next.turns.iter_mut().filter(|turn| turn.gate == gate) {
        let is_seen = !turn.unseen_by.has(process) && is_due(turn.due_at, visit.asked.instant);
        if is_seen && turn.locked_by.is_none() && which(turn) {
            turn.locked_by = Some(process);
            released += turn.released;
        }
    }
    released
}
