//! What a process holds of one limit, and what it should ask of the database next. Pure.
//!
//! A process keeps what it uses, and gives back what it does not: soon if another process wants permits, else after a
//! while. While others want some, it gives back what is above its fair part, and where there are more processes than
//! permits, each has its turn.

use std::time::{Duration, Instant};

use super::search::{Search, Short};
use crate::{
    queue::shared_limit::SharedLimit,
    store::{Ask, Balanced, Demand, DueLook},
};

/// 100 ms without use, after which a permit is given back if another process wants it. Also the pause before a process
/// wants again what it gave back for others.
const IDLE_WHILE_WANTED: Duration = Duration::from_millis(100);

/// 30 s without use, after which a permit is given back.
const IDLE: Duration = Duration::from_secs(30);

/// 1 s, for which a process holds permits before it gives them all back, where there are fewer permits than processes
/// that want some.
const TURN: Duration = Duration::from_secs(1);

/// 10 ms between two looks whether a fetch is still in flight.
const WHILE_FETCHING: Duration = Duration::from_millis(10);

/// The permits that a process holds of one limit.
#[derive(Debug)]
pub(super) struct Quota {
    pub(super) declared: SharedLimit,
    /// The database knows the declaration and has a row for the quota.
    is_declared: bool,
    /// Permits that the database has lent to this process.
    lent: usize,
    /// Permits that its runs may use: those that are lent, without those that are about to be given back.
    held: usize,
    /// Permits that its runs use.
    used: usize,
    /// Permits to give back: those that are free, and others as runs end. The next fetch does not count on them.
    surplus: usize,
    /// Permits that are free and that the fetch in flight does not count on.
    uncounted: usize,
    /// The least number of permits that were free since `watched_since`.
    least_free: usize,
    watched_since: Instant,
    /// Since when it holds permits without a break.
    held_since: Instant,
    /// Jobs that could start if there were permits.
    short: Option<Short>,
    search: Search,
    /// Nothing is wanted before.
    not_before: Instant,
    /// The state in the database may have changed.
    has_news: bool,
    /// An ask is on its way.
    is_asked: bool,
    last_answer: Balanced,
}

/// What is to be done for a limit.
#[derive(Debug)]
pub(super) enum Step {
    Declare,
    /// To look whether a job is due that falls short.
    Look(Vec<Demand>),
    Ask(Ask),
    /// Nothing, before this moment.
    Wait(Option<Instant>),
}

impl Quota {
    pub(super) fn new(declared: SharedLimit, now: Instant) -> Self {
        let (name, most) = (declared.name.clone(), declared.most.unwrap_or_default());
        Self {
            declared,
            is_declared: false,
            lent: 0,
            held: 0,
            used: 0,
            surplus: 0,
            uncounted: 0,
            least_free: 0,
            watched_since: now,
            held_since: now,
            short: None,
            search: Search::new(),
            not_before: now,
            has_news: false,
            is_asked: false,
            last_answer: Balanced {
                name,
                held: 0,
                most,
                sharing: 1,
                is_short: false,
                others_want: false,
                is_over: false,
            },
        }
    }

    pub(super) fn held(&self) -> usize {
        self.held
    }

    pub(super) fn free(&self) -> usize {
        self.held.saturating_sub(self.used)
    }

    /// The permits that a fetch may count on.
    pub(super) fn countable(&self) -> usize {
        self.free().saturating_sub(self.surplus)
    }

    /// A fetch begins, which counts on the countable permits.
    pub(super) fn count(&mut self) {
        self.uncounted = std::cmp::min(self.surplus, self.free());
    }

    /// Takes a permit for a run. Returns whether one was free.
    pub(super) fn take(&mut self) -> bool {
        let is_free = self.free() > 0;
        if is_free {
            self.used += 1;
            self.least_free = std::cmp::min(self.least_free, self.free());
        }
        is_free
    }

    /// Puts the permit of a run back. Returns whether it can be given back now.
    pub(super) fn put(&mut self) -> bool {
        self.used = self.used.saturating_sub(1);
        let is_surplus = self.surplus > 0;
        if is_surplus {
            self.surplus -= 1;
            self.held = self.held.saturating_sub(1);
        }
        is_surplus
    }

    /// Records what falls short since the last fetch. Returns whether that is to be looked into.
    pub(super) fn fell_short(&mut self, short: Option<Short>, now: Instant) -> bool {
        let fell_short_before = self.short.is_some();
        self.short = short;
        if self.short.is_none() || self.last_answer.is_short {
            return false;
        }
        if self.search.found_due() {
            // They were found while the process had no permits of its own for them, so nothing was asked for.
            return !fell_short_before;
        }
        self.search.begin(now);
        true
    }

    /// Another process changed something about the limit. Returns whether that concerns this process.
    pub(super) fn heard(&mut self) -> bool {
        // The answer to an ask that is on its way may be older.
        self.has_news |= self.is_active() || self.short.is_some() || self.is_asked;
        self.has_news
    }

    /// Whether it holds or wants something, so that changes concern it.
    pub(super) fn is_active(&self) -> bool {
        self.lent > 0 || self.last_answer.is_short
    }

    /// Forgets all permits, because the process was declared dead: the database has taken them back.
    pub(super) fn forget(&mut self) {
        (self.lent, self.held, self.surplus) = (0, 0, 0);
        (self.uncounted, self.least_free) = (0, 0);
        (self.is_declared, self.has_news, self.is_asked) = (false, false, false);
        self.search.rest();
        self.last_answer.is_short = false;
    }

    pub(super) fn declared(&mut self) {
        self.is_declared = true;
    }

    pub(super) fn looked(&mut self, found: DueLook, now: Instant) {
        self.search.looked(found, now);
    }

    /// Returns what is to be done now. While a fetch is in flight, no permit that it counts on is given back.
    pub(super) fn next(&mut self, now: Instant, is_fetching: bool) -> Step {
        if !self.is_declared {
            return if self.short.is_some() { Step::Declare } else { Step::Wait(None) };
        }
        let look_at = self.look_at();
        if let (Some(short), Some(at)) = (&self.short, look_at)
            && at <= now
        {
            return Step::Look(short.demands.clone());
        }
        let wakes_at = self.give(now, is_fetching);
        let wanted = self.wanted(now);
        let wants_more = wanted > 0 && !self.last_answer.is_short;
        if self.has_news || self.held < self.lent || wants_more {
            (self.has_news, self.is_asked) = (false, true);
            let Balanced { name, .. } = &self.last_answer;
            return Step::Ask(Ask {
                name: name.clone(),
                keep: self.held,
                want: self.held + wanted,
            });
        }
        let is_due = self.search.found_due();
        let want_at = Some(self.not_before).filter(|at| *at > now && is_due);
        Step::Wait([wakes_at, look_at, want_at].into_iter().flatten().min())
    }

    /// When to look for due jobs, if there is a reason.
    fn look_at(&self) -> Option<Instant> {
        let has_reason = self.short.is_some() && !self.last_answer.is_short;
        self.search.at().filter(|_| has_reason)
    }

    /// Sets aside the permits to give back. Returns when there may be more of them.
    fn give(&mut self, now: Instant, is_fetching: bool) -> Option<Instant> {
        let Balanced { most, sharing, others_want, is_over, .. } = self.last_answer;
        if self.held == 0 {
            self.surplus = 0;
            return None;
        }
        let is_pressed = others_want || is_over;
        let turn_ends = self.held_since + TURN;
        let takes_turns = is_pressed && sharing > most;
        let is_over_for_now = takes_turns && now >= turn_ends;
        let fair = if is_over_for_now { 0 } else { most.div_ceil(std::cmp::max(sharing, 1)) };
        let above = if is_pressed { self.held.saturating_sub(fair) } else { 0 };
        let patience = if is_pressed { IDLE_WHILE_WANTED } else { IDLE };
        let is_watched = now >= self.watched_since + patience;
        let idle = if is_watched { std::cmp::min(self.least_free, self.free()) } else { 0 };

        self.surplus = std::cmp::max(above, idle);
        let free = if is_fetching { self.uncounted } else { self.free() };
        self.hand_in(std::cmp::min(self.surplus, std::cmp::min(free, self.free())));
        if is_fetching && self.surplus > 0 && self.free() > 0 {
            return Some(now + WHILE_FETCHING);
        }
        if is_watched {
            self.watch(now);
        }
        let next_turn = Some(turn_ends).filter(|at| takes_turns && *at > now);
        let idle_at = (self.held > 0).then(|| self.watched_since + patience);
        next_turn.into_iter().chain(idle_at).min()
    }

    fn hand_in(&mut self, permits: usize) {
        self.held -= permits;
        self.surplus -= permits;
        self.uncounted = self.uncounted.saturating_sub(permits);
        self.least_free = std::cmp::min(self.least_free, self.free());
    }

    fn watch(&mut self, now: Instant) {
        (self.watched_since, self.least_free) = (now, self.free());
    }

    /// How many permits more it wants.
    fn wanted(&self, now: Instant) -> usize {
        if now < self.not_before || !(self.search.found_due() || self.last_answer.is_short) {
            return 0;
        }
        self.short.as_ref().map_or(0, |short| short.wanted)
    }

    /// Takes in the answer to an ask that kept this number of permits. Returns whether there are more permits now.
    pub(super) fn balanced(&mut self, answer: Balanced, kept: usize, now: Instant) -> bool {
        if !std::mem::take(&mut self.is_asked) {
            // The permits were forgotten in the meantime.
            return false;
        }
        let (lent_before, held_before) = (self.lent, self.held);
        // Runs that ended meanwhile have put surplus permits back, which are given back next.
        let put_back = kept.saturating_sub(self.held);
        self.lent = answer.held;
        self.held = answer.held.saturating_sub(put_back);
        if lent_before == 0 && self.lent > 0 {
            self.held_since = now;
        }
        if answer.held < lent_before && answer.others_want {
            // The others go first.
            self.not_before = now + IDLE_WHILE_WANTED;
        }
        let grew = self.held > held_before;
        if grew {
            self.search.rest();
            self.watch(now);
        }
        self.last_answer = answer;
        grew
    }

    /// The exchange failed, and what it did is unknown.
    pub(super) fn failed(&mut self) {
        self.has_news = true;
    }
}

#[cfg(test)]
mod tests;
