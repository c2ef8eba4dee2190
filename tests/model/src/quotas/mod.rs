//! Permits of a limit that the database lends to processes: `balance_quotas`, the answers that a process takes in
//! (`admission/quota`), and `delete_dead_workers`.
//!
//! Between two steps any answer may be lost, a statement may arrive late, and a process may die or lose its row. Left out:
//! times, so a process gives back what is free whenever it may; several limits at once, whose rows are locked in one order;
//! the refresh each 30 s, because a process that only it would wake has missed its notification.

mod rules;
mod state;

pub use rules::Rule;

use crate::search::{Model, Steps, Verdict, fingerprint, search};
use state::{
    Answer, Ask, Events, Exchange, MOST, NOTHING, PROCESSES, Process, Row, State, forget, notify,
};

/// What a search lets happen.
#[derive(Debug)]
pub struct Scenario {
    name: &'static str,
    events: Events,
}

impl Scenario {
    /// What it is called.
    pub fn name(&self) -> &'static str {
        self.name
    }
}

const QUIET: Events =
    Events { arrivals: 3, departures: 0, idles: 0, losses: 0, deaths: 0, fences: 0 };

/// All scenarios.
pub const SCENARIOS: &[Scenario] = &[
    Scenario { name: "permits", events: Events { arrivals: 4, idles: 1, ..QUIET } },
    Scenario { name: "lost answers", events: Events { departures: 1, losses: 1, ..QUIET } },
    Scenario { name: "processes that die", events: Events { deaths: 1, fences: 1, ..QUIET } },
];

#[derive(Debug)]
struct Quotas {
    scenario: &'static Scenario,
    broken: Option<Rule>,
}

/// Looks at the states of a scenario, at most at `limit` of them, with all rules but the broken one.
pub fn check(scenario: &'static Scenario, broken: Option<Rule>, limit: usize) -> Verdict {
    search(&Quotas { scenario, broken }, limit)
}

impl Quotas {
    fn keeps(&self, rule: Rule) -> bool {
        self.broken != Some(rule)
    }

    /// Runs begin and end, and free permits are set aside to be given back.
    fn runs(state: &State, process: usize, steps: &mut Steps<State>) {
        let now = state.processes[process];
        let mut change = |words: &str, change: &dyn Fn(&mut State)| {
            let mut next = state.clone();
            change(&mut next);
            steps.add(|| format!("P{process}: {words}"), next);
        };
        if state.left.arrivals > 0 {
            change("a job becomes due", &|next| {
                next.left.arrivals -= 1;
                next.processes[process].due += 1;
            });
        }
        if state.left.departures > 0 && now.due > 0 {
            change("a due job runs elsewhere", &|next| {
                next.left.departures -= 1;
                next.processes[process].due -= 1;
            });
        }
        // A claim needs the row of its process.
        if now.due > 0 && now.free() > 0 && !now.is_fenced && state.rows[process].is_some() {
            change("a job starts", &|next| {
                next.processes[process].due -= 1;
                next.processes[process].used += 1;
            });
        }
        if now.used > 0 {
            change("a job ends", &|next| next.processes[process].used -= 1);
        }
        if now.free() > 0 && (now.last.others_want || state.left.idles > 0 && now.due == 0) {
            change("a free permit is to be given back", &|next| {
                next.left.idles -= u8::from(!now.last.others_want);
                next.processes[process].held -= 1;
            });
        }
    }

    fn exchanges(&self, state: &State, process: usize, steps: &mut Steps<State>) {
        let now = state.processes[process];
        if now.asks() {
            let mut next = state.clone();
            let keep = now.held;
            let want = keep + now.falls_short();
            let asking = &mut next.processes[process];
            (asking.has_news, asking.exchange) = (false, Exchange::Sent { kept: keep });
            if !self.keeps(Rule::HandsInFirst) {
                // It goes on with what it gives back until the answer comes.
                asking.held = asking.lent;
            }
            let (seen, is_late) = (state.lent, false);
            next.asks.push(Ask { process, keep, want, seen, is_late, is_of_old_row: false });
            steps.add(|| format!("P{process} asks to keep {keep} and to have {want}"), next);
        }
        if let Exchange::Answered { kept, answer } = now.exchange {
            let mut next = state.clone();
            Self::take_in(&mut next.processes[process], kept, answer);
            steps.add(|| format!("P{process} takes in the answer"), next);
        }
        if now.exchange != Exchange::None && state.left.losses > 0 {
            let mut next = state.clone();
            next.left.losses -= 1;
            next.processes[process].exchange = Exchange::None;
            next.processes[process].has_news |= self.keeps(Rule::AsksAgain);
            steps.add(|| format!("the connection of P{process} breaks"), next);
        }
        if state.notified[process] {
            let mut next = state.clone();
            next.notified[process] = false;
            let is_asking = now.exchange != Exchange::None && self.keeps(Rule::HearsWhileItAsks);
            let concerns = now.lent > 0 || now.last.is_short || now.falls_short() > 0 || is_asking;
            next.processes[process].has_news |= concerns;
            steps.add(|| format!("P{process} is notified"), next);
        }
    }

    fn take_in(process: &mut Process, kept: i8, answer: Option<Answer>) {
        process.exchange = Exchange::None;
        let Some(answer) = answer else { return forget(process) };
        let handed_in = std::cmp::max(0, kept - process.held);
        (process.lent, process.held) = (answer.held, answer.held - handed_in);
        process.last = answer;
    }

    /// A statement arrives at the server.
    fn arrivals(&self, state: &State, steps: &mut Steps<State>) {
        for number in 0..state.asks.len() {
            let mut next = state.clone();
            let ask = next.asks.remove(number);
            let Ask { process, .. } = ask;
            let is_awaited = !ask.is_late
                && !state.asks[number + 1..].iter().any(|later| later.process == process);
            let answer = self.balance(&mut next, ask);
            if let Exchange::Sent { kept } = state.processes[process].exchange
                && is_awaited
            {
                next.processes[process].exchange = Exchange::Answered { kept, answer };
            }
            for earlier in &mut next.asks[..number] {
                earlier.is_late |= earlier.process == process;
            }
            steps.add(|| format!("the statement of P{process} is executed: {ask:?}"), next);
        }
    }

    /// `balance_quotas`.
    fn balance(&self, state: &mut State, ask: Ask) -> Option<Answer> {
        let row = state.rows[ask.process].filter(|_| !ask.is_of_old_row)?;
        if ask.is_late && self.keeps(Rule::NumbersItsStatements) {
            return None;
        }
        let lent = if self.keeps(Rule::CountsUnderTheLock) { state.lent } else { ask.seen };
        let room = MOST - (lent - row.held);
        let others_wanting = state.wanting - i8::from(row.wanted > 0);
        let shares = |(process, row): (usize, &Option<Row>)| {
            row.is_some_and(|row| row.held > 0 || row.wanted > 0 || process == ask.process)
        };
        let sharing = state.rows.iter().enumerate().filter(|row| shares(*row)).count();
        let sharing = i8::try_from(sharing).unwrap_or(i8::MAX);
        let fair = (MOST + sharing - 1) / sharing;
        let most = if others_wanting == 0 { room } else { std::cmp::min(room, fair) };
        let held = std::cmp::max(std::cmp::min(ask.keep, row.held), std::cmp::min(ask.want, most));
        let is_short = ask.want > held;
        state.lent += held - row.held;
        state.wanting = others_wanting + i8::from(is_short);
        let wanted = std::cmp::max(0, ask.want - held);
        state.rows[ask.process] = Some(Row { held, wanted });
        let gives = held < row.held && self.keeps(Rule::NotifiesOfPermits);
        let is_satisfied = row.wanted > 0 && !is_short && self.keeps(Rule::NotifiesOnceSatisfied);
        let begins = is_short && row.wanted == 0 && self.keeps(Rule::NotifiesOfWants);
        let notifies = others_wanting > 0 && (gives || is_satisfied) || begins;
        if notifies {
            notify(state);
        }
        Some(Answer { held, is_short, others_want: others_wanting > 0 })
    }

    fn deaths(&self, state: &State, process: usize, steps: &mut Steps<State>) {
        let now = state.processes[process];
        let mut change = |words: &str, change: &dyn Fn(&mut State)| {
            let mut next = state.clone();
            change(&mut next);
            steps.add(|| format!("P{process} {words}"), next);
        };
        if now.lives && state.left.deaths > 0 {
            change("dies", &|next| {
                next.left.deaths -= 1;
                let dead = &mut next.processes[process];
                forget(dead);
                (dead.lives, dead.due) = (false, 0);
            });
        }
        if now.lives && !now.is_fenced && state.left.fences > 0 {
            change("loses its heartbeat, and abandons its runs", &|next| {
                next.left.fences -= 1;
                (next.processes[process].is_fenced, next.processes[process].used) = (true, 0);
            });
        }
        if let Some(row) = state.rows[process]
            && (!now.lives || now.is_fenced)
        {
            change("is declared dead", &|next| {
                next.rows[process] = None;
                if self.keeps(Rule::TakesBackFromTheDead) {
                    next.lent -= row.held;
                    next.wanting -= i8::from(row.wanted > 0);
                    notify(next);
                }
            });
        }
        if now.lives && now.is_fenced {
            let has_row = state.rows[process].is_some();
            let words = if has_row { "beats again" } else { "gets a new row" };
            change(words, &|next| {
                next.processes[process].is_fenced = false;
                if !has_row {
                    next.rows[process] = Some(Row::default());
                    next.asks
                        .iter_mut()
                        .for_each(|ask| ask.is_of_old_row |= ask.process == process);
                    if self.keeps(Rule::ForgetsWithItsRow) {
                        forget(&mut next.processes[process]);
                    }
                }
            });
        }
    }

    fn violated_in_rest(state: &State) -> Option<String> {
        let moves = !state.asks.is_empty()
            || state.notified.contains(&true)
            || state.processes.iter().any(|process| {
                process.asks() || process.is_fenced || process.exchange != Exchange::None
            })
            || state.rows.iter().zip(&state.processes).any(|(row, of)| row.is_some() && !of.lives);
        let short = state.processes.iter().position(|process| process.falls_short() > 0)?;
        if moves {
            return None;
        }
        if state.rows.iter().flatten().map(|row| row.held).sum::<i8>() < MOST {
            return Some(format!(
                "P{short} wants a permit, and no notification says that one is free"
            ));
        }
        let other = (0..PROCESSES).find(|&other| {
            let (process, row) = (state.processes[other], state.rows[other].unwrap_or_default());
            row.held > process.used && process.due == 0 && !process.last.others_want
        })?;
        Some(format!("P{short} wants a permit, and P{other} is not told, which has a free one"))
    }
}

impl Model for Quotas {
    type State = State;

    fn first(&self) -> State {
        let process = Process {
            lives: true,
            is_fenced: false,
            held: 0,
            used: 0,
            lent: 0,
            due: 0,
            has_news: false,
            last: NOTHING,
            exchange: Exchange::None,
        };
        State {
            lent: 0,
            wanting: 0,
            rows: [Some(Row::default()); PROCESSES],
            processes: [process; PROCESSES],
            asks: Vec::new(),
            notified: [false; PROCESSES],
            left: self.scenario.events,
        }
    }

    fn steps(&self, state: &State, steps: &mut Steps<State>) {
        for process in 0..PROCESSES {
            if state.processes[process].lives {
                Self::runs(state, process, steps);
                self.exchanges(state, process, steps);
            }
            self.deaths(state, process, steps);
        }
        self.arrivals(state, steps);
    }

    fn violation(&self, state: &State) -> Option<String> {
        let used: i8 = state.processes.iter().map(|process| process.used).sum();
        if used > MOST {
            return Some(format!("{used} jobs run at once"));
        }
        let rows = || state.rows.iter().flatten();
        let (held, wanting) =
            (rows().map(|row| row.held).sum::<i8>(), rows().filter(|row| row.wanted > 0).count());
        if held != state.lent || wanting != usize::try_from(state.wanting).unwrap_or(usize::MAX) {
            return Some("the limit's counts differ from the quotas".to_owned());
        }
        for (number, (process, row)) in state.processes.iter().zip(&state.rows).enumerate() {
            if row.is_some_and(|row| !process.is_fenced && process.held > row.held) {
                return Some(format!("P{number} relies on more permits than it was lent"));
            }
        }
        Self::violated_in_rest(state)
    }

    fn show(&self, state: &State) -> String {
        state.to_string()
    }

    /// The processes are alike.
    fn fingerprint(&self, state: &State) -> u64 {
        let mut twin = state.clone();
        twin.rows.swap(0, 1);
        twin.processes.swap(0, 1);
        twin.notified.swap(0, 1);
        twin.asks.iter_mut().for_each(|ask| ask.process = 1 - ask.process);
        std::cmp::min(fingerprint(state), fingerprint(&twin))
    }
}
