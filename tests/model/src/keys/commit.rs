//! `visit_gates`, `visit_sequences` and `hand_over`: what a visit writes (`parts/left_behind.sql`, `parts/claimed_of_keys.sql`).

use super::{
    Keys, Rule,
    locks::lock_turns,
    rows::{AT_ONCE, Fault, GATES, Status, Time, Turn},
    state::State,
    visit::{Places, Visit},
};
use crate::set::Set;

/// A turn that a visit writes.
struct Letter {
    gate: usize,
    due_at: Time,
    released: i8,
}

impl Keys {
    pub(super) fn commit(&self, next: &mut State, process: usize, visit: &Visit) {
        for gate in 0..GATES {
            if visit.made.has(gate) {
                lock_turns(next, process, visit, gate, |_| true);
            } else if self.takes_idle_turns(visit, gate) {
                lock_turns(next, process, visit, gate, |turn| turn.released == 0);
            }
        }
        let letters: Vec<Letter> =
            (0..GATES).filter_map(|gate| self.letter(next, process, visit, gate)).collect();
        let dropped: Set =
            (0..GATES).filter(|&gate| self.is_dropped(next, process, visit, gate)).collect();
        let hit: Set = (0..GATES)
            .filter(|&gate| {
                self.keeps(Rule::ChangesByKey) || !next.gates[gate].newer_than.has(process)
            })
            .collect();
        next.delete_locked_turns(process, |gate| {
            visit.locked.has(gate)
                || visit.made.has(gate)
                || self.takes_idle_turns(visit, gate)
                || !self.keeps(Rule::TakesTurnsUnderLock)
        });
        next.release_locks(process);
        for gate in 0..GATES {
            self.count_gate(next, visit, gate, hit.has(gate), dropped.has(gate));
        }
        self.claim(next, process, visit);
        for letter in letters {
            next.write(letter.gate, letter.due_at, letter.released, None);
        }
    }

    /// Whether the turns of a key without a gate, of which no job was picked, are of no use.
    fn takes_idle_turns(&self, visit: &Visit, gate: usize) -> bool {
        visit.fresh.has(gate)
            && visit.picked[gate].is_empty()
            && self.keeps(Rule::TakesIdleTurns)
            && (visit.again[gate].is_none_or(|again| again > visit.asked.instant)
                || visit.free[gate] <= 0
                || self.keeps(Rule::WaitsForLockedJobsOfNewKeys) && !visit.all_permits_used)
    }

    /// The turn that is left for a gate.
    fn letter(&self, next: &State, process: usize, visit: &Visit, gate: usize) -> Option<Letter> {
        let instant = visit.asked.instant;
        if visit.back[gate] > 0 && !visit.dry.has(gate) {
            // Another visit has locked the gate, or this statement locks none: a later one reads the release.
            return Some(Letter { gate, due_at: AT_ONCE, released: visit.back[gate] });
        }
        let is_marked = self.keeps(Rule::HeedsTheMark) && next.gates[gate].waiting;
        let again = visit.again[gate].filter(|_| self.keeps(Rule::LooksOnceMore));
        let moment = if self.keeps(Rule::WaitsForLockedJobs) { instant + 1 } else { AT_ONCE };
        let later = again.map_or(AT_ONCE, |again| {
            if again > instant { std::cmp::max(again, moment) } else { moment }
        });
        if visit.dry.has(gate) {
            let at_once = is_marked || visit.asked.places == Places::Released;
            let due_at = if at_once { AT_ONCE } else { later };
            return (is_marked || again.is_some()).then_some(Letter { gate, due_at, released: 0 });
        }
        if !visit.locked.has(gate) && !visit.fresh.has(gate) {
            return None;
        }
        let is_new = visit.fresh.has(gate);
        let is_marked = is_marked && !is_new;
        let picked = visit.picked[gate].len();
        let has_taken = |turn: &Turn| turn.gate == gate && turn.locked_by == Some(process);
        // Only instead of a turn that was taken: others are still there.
        let may_write = if visit.made.has(gate) {
            self.keeps(Rule::LooksOnceMoreInNewGates)
        } else {
            is_marked || next.turns.iter().any(has_taken) && !(is_new && picked > 0)
        };
        let has_room = visit.free[gate] > picked;
        let short_of_permits =
            visit.all_permits_used && again.is_some_and(|again| again <= instant);
        let due_at = if is_marked || short_of_permits { AT_ONCE } else { later };
        (has_room && (is_marked || again.is_some()) && may_write).then_some(Letter {
            gate,
            due_at,
            released: 0,
        })
    }

    /// Whether the visit deletes the gate.
    pub(super) fn is_dropped(
        &self,
        next: &State,
        process: usize,
        visit: &Visit,
        gate: usize,
    ) -> bool {
        let row = next.gates[gate];
        let left = if visit.dry.has(gate) {
            row.running - visit.back[gate]
        } else if visit.locked.has(gate) {
            row.running - visit.released[gate] + visit.picked[gate].len()
        } else {
            return false;
        };
        let hits = self.keeps(Rule::ChangesByKey) || !row.newer_than.has(process);
        left <= 0 && self.keeps(Rule::DeletesEmptyGates) && hits
    }

    fn count_gate(&self, next: &mut State, visit: &Visit, gate: usize, hits: bool, dropped: bool) {
        let (row, picked) = (next.gates[gate], visit.picked[gate].len());
        if dropped {
            next.delete_gate(gate);
        } else if visit.made.has(gate) {
            next.count(gate, picked, false);
            next.gates[gate].exists = true;
        } else if visit.dry.has(gate) && hits {
            next.count(gate, row.running - visit.back[gate], false);
        } else if visit.locked.has(gate) && hits {
            let before = row.running - visit.released[gate];
            let waits = row.waiting || visit.again[gate].is_some() && before > 0;
            let is_full = visit.free[gate] <= picked;
            let waits = self.keeps(Rule::MarksFullKeys) && is_full && waits;
            if before + picked != row.running || waits != row.waiting {
                next.count(gate, before + picked, waits);
            }
        }
    }

    fn claim(&self, next: &mut State, process: usize, visit: &Visit) {
        for job in visit.completed.iter() {
            next.change(job, Status::Gone);
        }
        for gate in 0..GATES {
            let is_ours = visit.locked.has(gate) || visit.made.has(gate);
            let picked = if is_ours { visit.picked[gate] } else { Set::EMPTY };
            let mut claimed = visit.handed[gate].with(picked);
            if !self.keeps(Rule::ChangesByKey) {
                claimed = claimed.without(visit.changed);
            }
            if visit.has_row {
                claimed.iter().for_each(|job| next.change(job, Status::Running(process)));
            }
            if !picked.is_empty() && next.running(gate) > visit.most {
                next.fault = Some(Fault::Exceeded);
            }
            let is_left = |job: usize| {
                next.jobs[job].status == Status::Waiting && next.jobs[job].gate == Some(gate)
            };
            if self.scenario.in_order && !claimed.is_empty() && visit.passed.iter().any(is_left) {
                next.fault = Some(Fault::Overtaken);
            }
        }
    }
}
