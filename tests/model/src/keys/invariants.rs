//! What must hold in every state.

use super::{
    Keys, Rule,
    locks::WaitsFor,
    rows::{AT_ONCE, Fault, GATES, NEVER, PROCESSES, Status, Turn},
    state::State,
    visit::{Asked, Places},
};
use crate::set::Set;

impl Keys {
    pub(super) fn first_violation(&self, state: &State) -> Option<String> {
        match state.fault {
            Some(Fault::Overtaken) => {
                return Some("a job of a sequence overtakes an earlier one".to_owned());
            }
            Some(Fault::Exceeded) => {
                return Some("a claim exceeds the limit of the key".to_owned());
            }
            None => {}
        }
        (0..GATES)
            .find_map(|gate| self.miscounted(state, gate))
            .or_else(|| orphaned(state))
            .or_else(|| self.deadlocked(state))
            .or_else(|| (0..GATES).find_map(|gate| stranded(self, state, gate)))
            .or_else(|| self.spins(state))
            .or_else(|| multiplied(state))
    }

    fn miscounted(&self, state: &State, gate: usize) -> Option<String> {
        let running = state.running(gate);
        let turns = state.turns.iter().filter(|turn| turn.gate == gate);
        let released: i8 = turns.map(|turn| turn.released).sum();
        let row = state.gates[gate];
        if running + released != row.running {
            return Some(format!(
                "key {gate} has {running} running jobs and {released} releases, but {} are counted",
                row.running
            ));
        }
        if row.exists && row.running <= 0 {
            return Some(format!("key {gate} has a gate without a place in use"));
        }
        if self.scenario.changes.is_empty() && running > state.limit.most {
            return Some(format!("{running} jobs of key {gate} run at once"));
        }
        None
    }

    /// Visits that wait for each other.
    fn deadlocked(&self, state: &State) -> Option<String> {
        let is_in_circle = |first: &usize| {
            let mut at = *first;
            (0..PROCESSES).any(|_| match self.waits_for(state, at) {
                Some(WaitsFor::Visit(other)) => {
                    at = other;
                    at == *first
                }
                _ => false,
            })
        };
        let found = (0..self.scenario.processes).find(is_in_circle)?;
        Some(format!("the visit of P{found} waits for one that waits for it"))
    }

    /// A visit that changes nothing while a turn that it could take is due, so that it would be repeated at once.
    fn spins(&self, state: &State) -> Option<String> {
        let is_free = |turn: &Turn| turn.due_at <= 0 && turn.locked_by.is_none();
        let quiet = state.visits.iter().all(Option::is_none);
        let process = (0..self.scenario.processes).find(|&process| {
            let row = state.processes[process];
            row.lives && row.has_row && !row.reaped
        })?;
        if !quiet || !state.turns.iter().any(is_free) {
            return None;
        }
        let asked =
            Asked { ends: Set::EMPTY, places: Places::First, permits: 4, first: 0, instant: 0 };
        let mut after = self.begin(state, process, asked);
        while after.visits[process].is_some() {
            after = self.advance(&after, process)?;
        }
        after.normalize(self.keeps(Rule::ChangesByKey));
        let unchanged =
            (&after.turns, &after.jobs, &after.gates) == (&state.turns, &state.jobs, &state.gates);
        unchanged.then(|| "a turn is due, and a visit leaves it as it is".to_owned())
    }
}

/// A job in the name of a process without a row: nobody returns it.
fn orphaned(state: &State) -> Option<String> {
    state.jobs.iter().enumerate().find_map(|(job, row)| match row.status {
        Status::Running(process) if !state.processes[process].has_row => {
            Some(format!("job {job} is run by P{process}, which has no row"))
        }
        _ => None,
    })
}

/// Three turns for each job: of its arrival, of its end, and one that a visit has left.
const MOST_TURNS: usize = 12;

/// Visits that leave more turns than they take.
fn multiplied(state: &State) -> Option<String> {
    (state.turns.len() > MOST_TURNS).then(|| "turns multiply".to_owned())
}

/// A due job of a key with room, to which no turn leads, once no statement is under way.
fn stranded(keys: &Keys, state: &State, gate: usize) -> Option<String> {
    let is_dead =
        |process: usize| !state.processes[process].lives && state.processes[process].has_row;
    let moves = state.visits.iter().any(Option::is_some)
        || state.cancel.is_some()
        || state.job_tx.is_some()
        || state.moving.is_some()
        || state.payers.iter().any(Option::is_some)
        || state.limit.turns_owed
        || (0..PROCESSES).any(|process| state.processes[process].reaped || is_dead(process));
    let waiting = state.jobs_of(gate, |status| status == Status::Waiting);
    let job = waiting.iter().find(|&job| state.jobs[job].run_at <= 0)?;
    let turns = || state.turns.iter().filter(|turn| turn.gate == gate);
    // Due now, or a moment later.
    let leads = turns().any(|turn| turn.due_at == AT_ONCE || turn.due_at <= 1);
    // The place of a job that waits for its retry, or halts its sequence, is rightly not free.
    let is_kept = |turn: &&Turn| {
        turn.job.is_some_and(|of| match state.jobs[of].status {
            Status::Waiting => keys.scenario.in_order && turn.due_at != NEVER,
            Status::Dead => turn.due_at == NEVER,
            _ => false,
        })
    };
    let kept: i8 = turns().filter(is_kept).map(|turn| turn.released).sum();
    let has_room = state.running(gate) + kept < state.limit.most;
    (!moves && has_room && !leads)
        .then(|| format!("job {job} is due, its key has room, and no turn leads to it"))
}
