//! Everything beside the visits: arrivals, ends of other kinds, cancellations, deaths, changes of the limit. Statements
//! that lock and commit without waiting are one step: what they write becomes visible with their commit.

use super::{
    Keys, Rule,
    rows::{AT_ONCE, CANCEL, Cancel, JOB_TX, JOBS, MOVE, Move, NEVER, PAYERS, Payer, Status, Time},
    state::State,
};
use crate::{search::Steps, set::Set};

/// Ticks until a failed job is tried again: more than the moment for which a turn may be put off.
const RETRY: Time = 2;

impl Keys {
    pub(super) fn arrivals(&self, state: &State, steps: &mut Steps<State>) {
        for (job, plan) in self.scenario.jobs.iter().enumerate() {
            if state.jobs[job].status == Status::Absent {
                let mut next = state.clone();
                next.enqueue(job, plan.due_in, self.scenario.clocks_go_back);
                steps.add(
                    || format!("job {job} of key {} is enqueued, with its turn", plan.gate),
                    next,
                );
            }
        }
        let clocks_go_back = self.scenario.clocks_go_back;
        if state.awaits_time(clocks_go_back) {
            let mut next = state.clone();
            next.tick(clocks_go_back);
            steps.add(|| "time passes".to_owned(), next);
        }
    }

    /// Runs that end otherwise than in a visit.
    pub(super) fn ends(&self, state: &State, steps: &mut Steps<State>) {
        for (job, row) in state.jobs.iter().enumerate() {
            let (Status::Running(process), Some(gate)) = (row.status, row.gate) else { continue };
            if row.locked_by.is_some() || !state.processes[process].lives {
                continue;
            }
            let mut end = |is_left: u8, words: &str, change: &dyn Fn(&mut State)| {
                if is_left > 0 {
                    let mut next = state.clone();
                    change(&mut next);
                    steps.add(|| format!("job {job}, run by P{process}, {words}"), next);
                }
            };
            let in_order = self.scenario.in_order;
            end(state.left.returns, "is given back", &|next| {
                next.left.returns -= 1;
                next.change(job, Status::Waiting);
                next.write(gate, AT_ONCE, 1, in_order.then_some(job));
            });
            end(state.left.retries, "fails, and waits for its retry", &|next| {
                next.left.retries -= 1;
                next.change(job, Status::Waiting);
                if in_order {
                    next.write(gate, RETRY, 1, Some(job));
                } else {
                    next.jobs[job].run_at = RETRY;
                    next.write(gate, AT_ONCE, 1, None);
                    next.write(gate, RETRY, 0, None);
                }
            });
            end(state.left.failures, "fails for good", &|next| {
                next.left.failures -= 1;
                next.change(job, Status::Dead);
                let due_at = if in_order { NEVER } else { AT_ONCE };
                next.write(gate, due_at, 1, in_order.then_some(job));
            });
            let is_open = state.job_tx.is_some();
            end(
                if is_open { 0 } else { state.left.job_txs },
                "ends in a transaction that stays open",
                &|next| {
                    next.left.job_txs -= 1;
                    next.job_tx = Some(job);
                    next.jobs[job].locked_by = Some(JOB_TX);
                },
            );
        }
        if let Some(job) = state.job_tx {
            let mut next = state.clone();
            next.job_tx = None;
            next.release_locks(JOB_TX);
            steps.add(|| format!("the transaction of job {job} is rolled back"), next.clone());
            next.change(job, Status::Gone);
            if let Some(gate) = next.jobs[job].gate {
                next.write(gate, AT_ONCE, 1, None);
            }
            steps.add(|| format!("the transaction of job {job} commits"), next);
        }
    }

    /// `cancel_jobs`, in a transaction that may stay open.
    pub(super) fn cancels(&self, state: &State, steps: &mut Steps<State>) {
        let Some(Cancel { job, has_locked }) = state.cancel else {
            for job in 0..JOBS {
                let status = state.jobs[job].status;
                if state.left.cancels > 0 && matches!(status, Status::Waiting | Status::Running(_))
                {
                    let mut next = state.clone();
                    next.left.cancels -= 1;
                    next.cancel = Some(Cancel { job, has_locked: false });
                    steps.add(|| format!("the cancellation of job {job} begins"), next);
                }
            }
            return;
        };
        let mut next = state.clone();
        if !has_locked {
            if state.jobs[job].locked_by.is_some() {
                return;
            }
            if self.keeps(Rule::LooksAgainAfterWaiting) && state.jobs[job].newer_than.has(CANCEL) {
                next.release_locks(CANCEL);
            }
            if state.jobs[job].status != Status::Waiting {
                // It asks the process for the end, or finds nothing.
                next.release_locks(CANCEL);
                next.cancel = None;
                steps.add(
                    || format!("the cancellation of job {job} finds that it does not wait"),
                    next,
                );
                return;
            }
            next.jobs[job].locked_by = Some(CANCEL);
            for turn in &mut next.turns {
                let is_read = turn.job == Some(job) && !turn.unseen_by.has(CANCEL);
                if is_read && turn.locked_by.is_none() && self.keeps(Rule::MovesTheRelease) {
                    turn.locked_by = Some(CANCEL);
                }
            }
            next.turns.sort_unstable();
            next.cancel = Some(Cancel { job, has_locked: true });
            steps.add(
                || format!("the cancellation locks job {job}, and its release if it sees one"),
                next,
            );
            return;
        }
        next.cancel = None;
        let moved: i8 = moved(&next, CANCEL);
        let mut committed = next.clone();
        next.release_locks(CANCEL);
        steps.add(|| format!("the cancellation of job {job} is rolled back"), next);
        let has_release = committed.turns.iter().any(|turn| turn.job == Some(job));
        committed.delete_locked_turns(CANCEL, |_| true);
        committed.release_locks(CANCEL);
        committed.change(job, Status::Gone);
        if let Some(gate) = committed.jobs[job].gate {
            if moved > 0 {
                committed.write(gate, AT_ONCE, moved, None);
            }
            if has_release && !self.keeps(Rule::MovesTheRelease) {
                committed.write(gate, AT_ONCE, 1, None);
            }
        }
        steps.add(|| format!("the cancellation of job {job} commits"), committed);
    }

    /// `replace_jobs`: a waiting job gets another key, or none.
    pub(super) fn moves(&self, state: &State, steps: &mut Steps<State>) {
        let Some(Move { job, to }) = state.moving else {
            for (job, row) in state.jobs.iter().enumerate() {
                let waits = row.status == Status::Waiting && row.locked_by.is_none();
                if state.left.moves == 0 || !waits {
                    continue;
                }
                let to = if self.scenario.in_order { None } else { row.gate.map(|gate| 1 - gate) };
                let mut next = state.clone();
                next.left.moves -= 1;
                next.moving = Some(Move { job, to });
                next.jobs[job].locked_by = Some(MOVE);
                steps.add(
                    || format!("job {job} is replaced, in a transaction that stays open"),
                    next,
                );
            }
            return;
        };
        let mut next = state.clone();
        next.moving = None;
        next.release_locks(MOVE);
        steps.add(|| format!("the replacement of job {job} is rolled back"), next.clone());
        next.change(job, Status::Waiting);
        next.jobs[job].gate = to;
        if let Some(gate) = to
            && self.keeps(Rule::TurnsForMovedJobs)
        {
            next.write(gate, AT_ONCE, 0, None);
        }
        steps.add(|| format!("the replacement of job {job} commits: its key is {to:?}"), next);
    }

    /// `redrive_dead_letters` and `skip_in_sequence`.
    pub(super) fn operators(state: &State, steps: &mut Steps<State>) {
        for (number, turn) in state.turns.iter().enumerate() {
            let Some(job) = turn.job.filter(|_| turn.due_at == NEVER) else { continue };
            let mut next = state.clone();
            next.turns.remove(number);
            next.write(turn.gate, AT_ONCE, turn.released, None);
            steps.add(|| format!("job {job}, which halts its sequence, is skipped"), next.clone());
            if next.jobs[job].status == Status::Dead {
                next.change(job, Status::Waiting);
                next.write(turn.gate, AT_ONCE, 0, None);
                steps.add(|| format!("job {job}, which halts its sequence, is redriven"), next);
            }
        }
    }

    /// Changes of the limit, and the turns that they owe.
    pub(super) fn changes(&self, state: &State, steps: &mut Steps<State>) {
        let with_jobs = || -> Set {
            let gates = state
                .jobs
                .iter()
                .filter(|job| matches!(job.status, Status::Waiting | Status::Running(_)));
            gates.filter_map(|job| job.gate).collect()
        };
        let free = (0..PAYERS.len()).find(|&payer| state.payers[payer].is_none());
        if let Some(&most) = self.scenario.changes.get(state.changes) {
            let mut next = state.clone();
            next.changes += 1;
            if self.keeps(Rule::RaisesInTwoCommits) {
                next.change_limit(most, true);
                steps.add(|| format!("the limit becomes {most}, and turns are owed"), next);
            } else if let Some(payer) = free {
                next.payers[payer] = Some(Payer { gates: with_jobs(), raises_to: Some(most) });
                steps.add(|| format!("a statement that sets the limit to {most} begins"), next);
            }
        }
        if let Some(payer) = free.filter(|_| state.limit.turns_owed) {
            let mut next = state.clone();
            next.payers[payer] = Some(Payer { gates: with_jobs(), raises_to: None });
            steps.add(|| "a statement that writes the owed turns begins".to_owned(), next);
        }
        for (slot, payer) in state.payers.iter().enumerate() {
            let Some(payer) = *payer else { continue };
            let mut next = state.clone();
            let is_newer = state.limit.newer_than.has(PAYERS[slot]);
            next.payers[slot] = None;
            next.release_locks(PAYERS[slot]);
            if let Some(most) = payer.raises_to {
                next.change_limit(most, false);
            } else if state.limit.turns_owed {
                let pays = !is_newer || !self.keeps(Rule::PaysOnlyWhatItSaw);
                next.change_limit(state.limit.most, !pays);
            }
            if payer.raises_to.is_some() || state.limit.turns_owed {
                payer.gates.iter().for_each(|gate| next.write(gate, AT_ONCE, 0, None));
            }
            steps.add(
                || {
                    format!(
                        "the turns of the keys {:?} are written",
                        payer.gates.iter().collect::<Vec<_>>()
                    )
                },
                next,
            );
        }
    }

    /// Processes that die, and the reaper, which locks their rows first and returns their jobs with a later snapshot.
    pub(super) fn deaths(&self, state: &State, steps: &mut Steps<State>) {
        for process in 0..self.scenario.processes {
            let row = state.processes[process];
            if row.lives && state.left.crashes > 0 {
                let mut next = state.clone();
                next.left.crashes -= 1;
                next.processes[process].lives = false;
                steps.add(|| format!("P{process} dies; its statement goes on"), next.clone());
                if next.visits[process].take().is_some() {
                    next.release_locks(process);
                    steps.add(|| format!("P{process} dies, and its statement with it"), next);
                }
            }
            let is_suspected = !row.lives || state.left.burials > 0;
            if row.has_row && !row.reaped && is_suspected && !self.is_claiming(state, process) {
                let mut next = state.clone();
                next.left.burials -= u8::from(row.lives);
                next.processes[process].reaped = true;
                steps.add(|| format!("the reaper locks the row of P{process}"), next);
            }
            if row.reaped {
                let mut next = state.clone();
                next.processes[process].reaped = false;
                self.bury(&mut next, process);
                steps.add(
                    || format!("the reaper returns the jobs of P{process}, and commits"),
                    next,
                );
            }
        }
    }

    fn bury(&self, next: &mut State, process: usize) {
        for job in 0..JOBS {
            let row = next.jobs[job];
            if row.status == Status::Running(process) && row.locked_by.is_none() {
                next.change(job, Status::Waiting);
                if let Some(gate) = row.gate
                    && self.keeps(Rule::ReleasesOnReturn)
                {
                    next.write(gate, AT_ONCE, 1, None);
                }
            }
        }
        // The row stays while a job is in its name, for the next time.
        next.processes[process].has_row =
            next.jobs.iter().any(|job| job.status == Status::Running(process));
    }

    /// Whether a claim holds the row of the process.
    fn is_claiming(&self, state: &State, process: usize) -> bool {
        let visit = state.visits[process].as_ref();
        self.keeps(Rule::LocksItsProcess) && visit.is_some_and(|visit| visit.has_locked_process)
    }
}

/// How many places the locked turns release.
fn moved(state: &State, holder: usize) -> i8 {
    let locked = state.turns.iter().filter(|turn| turn.locked_by == Some(holder));
    locked.map(|turn| turn.released).sum()
}
