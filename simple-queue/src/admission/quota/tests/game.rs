//! Processes that share a limit, played at random against the rules of `balance_quotas.sql`.

use std::time::{Duration, Instant};

use super::super::{Quota, Short, Step};
use crate::{
    queue::shared_limit::SharedLimit,
    store::{Ask, Balanced, DueLook},
};

/// The rows of a limit and of its quotas, as `balance_quotas.sql` changes them.
pub(super) struct Rows {
    most: usize,
    pub(super) lent: usize,
    /// What each process holds and wants; `None`: its row is gone.
    quotas: Vec<Option<(usize, usize)>>,
    /// The number of the last statement of each process.
    asked: Vec<u32>,
}

impl Rows {
    /// Returns the answer, and whether a notification is sent.
    fn balance(&mut self, process: usize, number: u32, ask: &Ask) -> Option<(Balanced, bool)> {
        let (held_before, wanted_before) = self.quotas[process]?;
        if number <= self.asked[process] {
            return None;
        }
        self.asked[process] = number;
        let others = self.quotas.iter().enumerate().filter(|(other, _)| *other != process);
        let others: Vec<(usize, usize)> = others.filter_map(|(_, quota)| *quota).collect();
        let others_want = others.iter().any(|(_, wanted)| *wanted > 0);
        let sharing = 1 + others.iter().filter(|(held, wanted)| held + wanted > 0).count();
        let keep = std::cmp::min(ask.keep, held_before);
        let room = (self.most + held_before).saturating_sub(self.lent);
        let fair = self.most.div_ceil(sharing);
        let most = if others_want { std::cmp::min(room, fair) } else { room };
        let held = std::cmp::max(keep, std::cmp::min(ask.want, most));
        let lent_before = self.lent;
        self.lent = self.lent + held - held_before;
        assert!(self.lent <= std::cmp::max(self.most, lent_before), "more than there is is lent");
        let is_short = ask.want > held;
        self.quotas[process] = Some((held, ask.want.saturating_sub(held)));
        let their_part_grows = held < held_before || wanted_before > 0 && !is_short;
        let notifies = others_want && their_part_grows || is_short && wanted_before == 0;
        let is_over = self.lent > self.most;
        let name = ask.name.clone();
        let most = self.most;
        Some((Balanced { name, held, most, sharing, is_short, others_want, is_over }, notifies))
    }

    fn bury(&mut self, process: usize) {
        let (held, _) = self.quotas[process].take().unwrap_or_default();
        self.lent -= held;
    }
}

pub(super) struct Game {
    pub(super) rows: Rows,
    pub(super) processes: Vec<Quota>,
    /// Runs of each process.
    pub(super) runs: Vec<usize>,
    /// Whether jobs of other kinds have all other permits of each process.
    pub(super) are_full: Vec<bool>,
    /// How many jobs the fetch in flight of each process may claim.
    fetches: Vec<Option<usize>>,
    /// The number of the last statement that each process sent.
    numbers: Vec<u32>,
    /// When the role of each process that moves permits has something to do.
    lends_at: Vec<Option<Instant>>,
    /// Statements that the network holds up, with their processes and numbers.
    late: Vec<(usize, u32, Ask)>,
    pub(super) waiting: usize,
    pub(super) now: Instant,
    random: fastrand::Rng,
    /// Notifications and answers may be lost, and processes die.
    pub(super) is_rough: bool,
}

/// Permits of each process without the limit.
const HERE: usize = 4;

impl Game {
    pub(super) fn new(seed: u64, processes: usize, most: usize) -> Self {
        let now = Instant::now();
        let limit = SharedLimit { most: Some(most), ..SharedLimit::of_queue("q") };
        Self {
            rows: Rows { most, lent: 0, quotas: vec![None; processes], asked: vec![0; processes] },
            processes: (0..processes).map(|_| Quota::new(limit.clone(), now)).collect(),
            runs: vec![0; processes],
            are_full: vec![false; processes],
            fetches: vec![None; processes],
            numbers: vec![0; processes],
            lends_at: vec![None; processes],
            late: Vec::new(),
            waiting: 0,
            now,
            random: fastrand::Rng::with_seed(seed),
            is_rough: true,
        }
    }

    /// A fetch, from its plan to the start of its jobs.
    pub(super) fn poll(&mut self, process: usize) {
        self.plan(process);
        self.start(process);
    }

    /// A fetch begins: it counts the permits, and says what falls short.
    fn plan(&mut self, process: usize) {
        if self.fetches[process].is_some() {
            return;
        }
        let quota = &mut self.processes[process];
        quota.count();
        let room = if self.are_full[process] { 0 } else { HERE - self.runs[process] };
        let short = (room > 0 && quota.countable() == 0)
            .then(|| Short { wanted: room, demands: Vec::new() });
        let concerns = quota.fell_short(short, self.now);
        self.fetches[process] = Some(std::cmp::min(room, quota.countable()));
        self.wake_if(concerns, process);
    }

    /// The jobs of a fetch start. Each has the permit that the fetch counted on.
    fn start(&mut self, process: usize) {
        let claimed = std::cmp::min(self.fetches[process].take().unwrap_or(0), self.waiting);
        for _ in 0..claimed {
            assert!(self.processes[process].take(), "a job was claimed in vain");
        }
        self.runs[process] += claimed;
        self.waiting -= claimed;
    }

    pub(super) fn end_a_run(&mut self, process: usize) {
        if self.runs[process] > 0 {
            self.runs[process] -= 1;
            let is_surplus = self.processes[process].put();
            self.wake_if(is_surplus, process);
        }
    }

    fn wake_if(&mut self, concerns: bool, process: usize) {
        if concerns {
            self.lends_at[process] = Some(self.now);
        }
    }

    /// One step of the role that moves permits, if something woke it.
    pub(super) fn lend(&mut self, process: usize) {
        if self.lends_at[process].is_none_or(|at| at > self.now) {
            return;
        }
        let quota = &mut self.processes[process];
        let step = quota.next(self.now, self.fetches[process].is_some());
        self.lends_at[process] = if let Step::Wait(until) = step { until } else { Some(self.now) };
        match step {
            Step::Declare => {
                self.rows.quotas[process].get_or_insert((0, 0));
                quota.declared();
            }
            Step::Look(_) => {
                let found = if self.waiting > 0 { DueLook::Now } else { DueLook::Later(None) };
                quota.looked(found, self.now);
            }
            Step::Ask(ask) => {
                self.numbers[process] += 1;
                let number = self.numbers[process];
                if self.is_rough && self.random.u8(..) < 25 {
                    quota.failed();
                    self.late.push((process, number, ask));
                    return;
                }
                let (answer, notifies) = self.rows.balance(process, number, &ask).unzip();
                // Meanwhile a run may end.
                if self.is_rough && self.random.bool() && self.runs[process] > 0 {
                    self.runs[process] -= 1;
                    quota.put();
                }
                match answer {
                    _ if self.is_rough && self.random.u8(..) < 25 => quota.failed(),
                    Some(answer) => {
                        quota.balanced(answer, ask.keep, self.now);
                    }
                    None => quota.forget(),
                }
                if notifies == Some(true) {
                    self.notify(process);
                }
            }
            Step::Wait(_) => {}
        }
    }

    /// A statement arrives that the network held up; its answer reaches no one.
    fn arrive_late(&mut self) {
        if self.late.is_empty() {
            return;
        }
        let (process, number, ask) = self.late.swap_remove(self.random.usize(..self.late.len()));
        if let Some((_, true)) = self.rows.balance(process, number, &ask) {
            self.notify(process);
        }
    }

    fn notify(&mut self, from: usize) {
        for (process, quota) in self.processes.iter_mut().enumerate() {
            let is_lost = self.is_rough && self.random.u8(..) < 25;
            if process != from && !is_lost && quota.heard() {
                self.lends_at[process] = Some(self.now);
            }
        }
    }

    pub(super) fn step(&mut self) {
        let process = self.random.usize(..self.processes.len());
        match self.random.u8(..100) {
            0..15 => self.plan(process),
            15..30 => self.start(process),
            30..45 => self.end_a_run(process),
            45..72 => self.lend(process),
            72..77 => self.are_full[process] ^= true,
            77..80 => self.arrive_late(),
            80..90 => self.waiting += self.random.usize(..4),
            90..98 => self.now += Duration::from_millis(self.random.u64(..200)),
            98 if self.is_rough => {
                // It dies, or is declared dead: its runs are abandoned before, and their jobs return.
                self.rows.bury(process);
                self.waiting += self.runs[process];
                for _ in 0..std::mem::take(&mut self.runs[process]) {
                    self.processes[process].put();
                }
                self.processes[process].forget();
                self.fetches[process] = None;
                // Its statements carry an id that is gone.
                self.late.retain(|(late, _, _)| *late != process);
            }
            _ if self.is_rough => {
                self.rows.most = self.random.usize(..6);
                self.notify(usize::MAX);
            }
            _ => {}
        }
        self.check();
    }

    fn check(&self) {
        let held: usize = self.rows.quotas.iter().flatten().map(|(held, _)| held).sum();
        assert_eq!(held, self.rows.lent);
        for (process, quota) in self.processes.iter().enumerate() {
            let (held, _) = self.rows.quotas[process].unwrap_or_default();
            assert!(quota.held <= held, "a process lends itself what it was not lent");
            assert!(self.runs[process] <= held, "more runs than permits");
            assert_eq!(quota.used, self.runs[process]);
        }
    }

    /// From now on nothing is lost or late, and every second each process that holds or wants something asks anew.
    pub(super) fn calm_down(&mut self, most: usize) {
        (self.is_rough, self.rows.most) = (false, most);
        self.late.clear();
        self.are_full.fill(false);
        for round in 0..4_000 {
            for process in 0..self.processes.len() {
                let quota = &mut self.processes[process];
                let is_refreshed = round % 20 == 0 && quota.is_active() && quota.heard();
                self.wake_if(is_refreshed, process);
                self.end_a_run(process);
                self.lend(process);
                self.poll(process);
                self.lend(process);
                self.check();
            }
            self.now += Duration::from_millis(50);
            if self.waiting == 0 && self.runs.iter().all(|runs| *runs == 0) {
                return;
            }
        }
        panic!(
            "{} jobs wait without end, {:?} {:?}",
            self.waiting, self.rows.quotas, self.processes
        );
    }
}
