//! `visit_gates`, `visit_sequences` and `hand_over`: the snapshot.

use super::{
    Keys,
    rows::{AT_ONCE, GATES, Status, Time, is_due},
    state::State,
    visit::{Asked, Phase, Places, Visit},
};
use crate::set::Set;

impl Keys {
    pub(super) fn begin(&self, state: &State, process: usize, asked: Asked) -> State {
        let mut next = state.clone();
        let instant = asked.instant;
        let ended: Set = asked.ends.iter().filter_map(|job| state.jobs[job].gate).collect();
        let with_turns = |at_once: bool| -> Set {
            if asked.places == Places::Only {
                return Set::EMPTY;
            }
            let turns = state.turns.iter().filter(|turn| is_due(turn.due_at, instant));
            let turns = turns.filter(|turn| (turn.due_at == AT_ONCE) == at_once);
            turns.map(|turn| turn.gate).collect()
        };
        let (turns_now, turns_later) = (with_turns(true), with_turns(false));
        let read = ended.with(turns_now).with(turns_later);
        let waiting = |gate: usize, is_it: &dyn Fn(Time) -> bool| -> Set {
            let jobs = state.jobs_of(gate, |status| status == Status::Waiting);
            let jobs = jobs.iter().filter(|&job| read.has(gate) && is_it(state.jobs[job].run_at));
            jobs.collect()
        };
        let soon: [Set; GATES] = std::array::from_fn(|gate| {
            waiting(gate, &|run_at| run_at > instant && run_at <= instant + self.scenario.ahead)
        });
        let is_soon = |job: usize| soon.iter().any(|jobs| jobs.has(job));
        next.visits[process] = Some(Visit {
            phase: if asked.ends.is_empty() { Phase::LocksGates(0) } else { Phase::CompletesRuns },
            asked,
            due: std::array::from_fn(|gate| waiting(gate, &|run_at| is_due(run_at, instant))),
            soon,
            run_at: std::array::from_fn(
                |job| if is_soon(job) { state.jobs[job].run_at } else { 0 },
            ),
            known: read.iter().filter(|&gate| state.gates[gate].exists).collect(),
            keeps: ended
                .iter()
                .filter(|&gate| {
                    state.limit.most > 0 && state.gates[gate].running <= state.limit.most
                })
                .collect(),
            turns_now,
            turns_later,
            most: state.limit.most,
            has_row: state.processes[process].has_row,
            has_locked_process: false,
            completed: Set::EMPTY,
            freed: Set::EMPTY,
            handed: [Set::EMPTY; GATES],
            picked: [Set::EMPTY; GATES],
            passed: Set::EMPTY,
            back: [0; GATES],
            dry: Set::EMPTY,
            locked: Set::EMPTY,
            fresh: Set::EMPTY,
            made: Set::EMPTY,
            released: [0; GATES],
            free: [0; GATES],
            again: [None; GATES],
            all_permits_used: false,
            changed: Set::EMPTY,
        });
        next
    }
}
