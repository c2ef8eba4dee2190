//! The tokens of one rate that a process has taken, and when it takes more. Pure.
//!
//! A token is the right to start one job, soon: its time counts from the statement that took it. So a process takes
//! tokens only for jobs that are due and that it could start, and starts them with its next fetch. What a fetch leaves
//! over is given back, if no other statement has taken any in the meantime; else it is lost.

use std::time::{Duration, Instant};

use chrono::{DateTime, Utc};

use super::search::{Search, Short};
use crate::{
    queue::shared_limit::SharedLimit,
    store::{DueLook, TakenTokens, TokenAsk},
};

/// 30 s until a process asks again for tokens of a paused limit, of whose resumption it was not notified.
const WHILE_PAUSED: Duration = Duration::from_secs(30);

/// 1 min after which a process no longer asks for more time, unless jobs are late again.
pub(super) const WHILE_SLOW: Duration = Duration::from_mins(1);

/// 10 s, upper bound of the time that it asks for.
pub(super) const MOST_TO_START: Duration = Duration::from_secs(10);

/// The tokens of one rate.
#[derive(Debug)]
pub(super) struct Tokens {
    pub(super) declared: SharedLimit,
    /// The database knows the declaration.
    is_declared: bool,
    /// Tokens for jobs that start before `start_by`.
    stock: usize,
    start_by: Instant,
    /// How long jobs may take to start.
    start_within: Duration,
    /// How long they need, as far as that was more, and when that was found.
    needs: Option<(Duration, Instant)>,
    /// The fetch in flight counts on the stock.
    is_counted: bool,
    /// Tokens that no job used, to be given back.
    unused: usize,
    /// The `tat` that the last statement of this process left.
    mark: Option<DateTime<Utc>>,
    /// Jobs that could start if there were tokens.
    short: Option<Short>,
    search: Search,
    /// There is no token before.
    opens_at: Option<Instant>,
}

/// What is to be done for a rate.
#[derive(Debug)]
pub(super) enum TokenStep {
    Declare,
    /// To look whether a job is due that falls short.
    Look(Short),
    Ask(TokenAsk),
    /// Nothing, before this moment.
    Wait(Option<Instant>),
}

impl Tokens {
    pub(super) fn new(declared: SharedLimit, now: Instant) -> Self {
        Self {
            declared,
            is_declared: false,
            stock: 0,
            start_by: now,
            start_within: Duration::ZERO,
            needs: None,
            is_counted: false,
            unused: 0,
            mark: None,
            short: None,
            search: Search::new(),
            opens_at: None,
        }
    }

    /// The tokens that jobs may use now.
    pub(super) fn free(&self, now: Instant) -> usize {
        if now < self.start_by { self.stock } else { 0 }
    }

    /// Takes a token for a job. Returns when the job must have started.
    pub(super) fn take(&mut self, now: Instant) -> Option<Instant> {
        (self.free(now) > 0).then(|| {
            self.stock -= 1;
            self.start_by
        })
    }

    /// Puts back the token of a job that does not start, as another of its limits has none.
    pub(super) fn put_back(&mut self) {
        self.stock += 1;
    }

    /// A fetch begins, which counts on the tokens.
    pub(super) fn count(&mut self, now: Instant) {
        self.is_counted = self.free(now) > 0;
    }

    /// The jobs of the fetch have started. Returns whether tokens are to be given back.
    pub(super) fn fetch_ended(&mut self, now: Instant) -> bool {
        if std::mem::take(&mut self.is_counted) && self.stock > 0 {
            if now < self.start_by {
                // Fewer jobs were due.
                self.search.rest();
            } else {
                self.was_late(now);
            }
            self.set_aside();
        }
        self.unused > 0
    }

    /// A job could not start in the time of its token: the next ones need more.
    pub(super) fn was_late(&mut self, now: Instant) {
        let needs = std::cmp::min(self.start_within * 2, MOST_TO_START);
        self.needs = Some((needs, now));
    }

    fn set_aside(&mut self) {
        // Those of an earlier mark are lost.
        self.unused = std::mem::take(&mut self.stock);
    }

    /// Whether it is known that there is no token now.
    pub(super) fn is_closed(&self, now: Instant) -> bool {
        self.opens_at.is_some_and(|at| at > now)
    }

    /// Records what falls short since the last fetch. Returns whether that is to be looked into.
    pub(super) fn fell_short(&mut self, short: Option<Short>, now: Instant) -> bool {
        self.short = short;
        if self.short.is_some() {
            self.search.begin(now);
        }
        self.short.is_some()
    }

    /// An operator changed the limit. Returns whether that concerns this process.
    pub(super) fn heard(&mut self) -> bool {
        self.opens_at = None;
        self.short.is_some()
    }

    /// Whether it waits for tokens, so that changes concern it.
    pub(super) fn is_active(&self) -> bool {
        self.short.is_some() && self.opens_at.is_some()
    }

    /// All jobs of the limit were put off.
    pub(super) fn hold(&mut self) {
        self.stock = 0;
    }

    /// The database does not know the limit, or may not.
    pub(super) fn forget(&mut self) {
        self.is_declared = false;
    }

    pub(super) fn declared(&mut self) {
        self.is_declared = true;
    }

    pub(super) fn looked(&mut self, found: DueLook, now: Instant) {
        self.search.looked(found, now);
    }

    /// Returns what is to be done now.
    pub(super) fn next(&mut self, now: Instant) -> TokenStep {
        if !self.is_declared {
            return if self.short.is_some() { TokenStep::Declare } else { TokenStep::Wait(None) };
        }
        if self.stock > 0 && !self.is_counted && now >= self.start_by {
            self.was_late(now);
            self.set_aside();
        }
        self.needs = self.needs.filter(|(_, since)| now < *since + WHILE_SLOW);
        let mut wanted = 0;
        if let Some(short) = self.short.as_ref().filter(|_| self.stock == 0 && !self.is_closed(now))
        {
            if self.unused == 0 && self.search.at().is_some_and(|at| at <= now) {
                return TokenStep::Look(short.clone());
            }
            wanted = if self.search.found_due() { short.wanted } else { 0 };
        }
        if wanted > 0 || self.unused > 0 {
            let unused = std::mem::take(&mut self.unused);
            let (name, mark) = (self.declared.name.clone(), self.mark);
            let needs = self.needs.map_or(Duration::ZERO, |(needs, _)| needs);
            return TokenStep::Ask(TokenAsk { name, wanted, unused, mark, needs });
        }
        let expires_at = Some(self.start_by).filter(|_| self.stock > 0 && !self.is_counted);
        let opens_at = self.opens_at.filter(|at| *at > now);
        let for_short = opens_at.or(self.search.at()).filter(|_| self.short.is_some());
        TokenStep::Wait([expires_at, for_short].into_iter().flatten().min())
    }

    /// Takes in the answer to an ask. Returns whether there are tokens now.
    pub(super) fn took(
        &mut self,
        taken: &TakenTokens,
        wanted: usize,
        asked_at: Instant,
        now: Instant,
    ) -> bool {
        (self.mark, self.start_within) = (Some(taken.mark), taken.start_within);
        if taken.tokens > 0 {
            (self.stock, self.is_counted) = (taken.tokens, false);
            // Their time is that of the server, which is no earlier than the moment of the ask.
            self.start_by = asked_at + taken.start_within;
        }
        if wanted > 0 {
            let is_short = taken.tokens < wanted;
            self.opens_at = is_short.then(|| now + taken.wait.unwrap_or(WHILE_PAUSED));
        }
        taken.tokens > 0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tokens(now: Instant) -> Tokens {
        let mut tokens = Tokens::new(SharedLimit::of_queue("l"), now);
        tokens.declared();
        tokens
    }

    fn short(wanted: usize) -> Short {
        Short { wanted, demands: Vec::new() }
    }

    fn taken(tokens: usize, wait: Option<u64>) -> TakenTokens {
        TakenTokens {
            name: "queue:l".to_owned(),
            tokens,
            mark: DateTime::UNIX_EPOCH,
            wait: wait.map(Duration::from_millis),
            start_within: Duration::from_millis(20),
        }
    }

    fn asked(tokens: &mut Tokens, now: Instant) -> TokenAsk {
        match tokens.next(now) {
            TokenStep::Ask(ask) => ask,
            other => panic!("{other:?}"),
        }
    }

    fn waits_until(tokens: &mut Tokens, now: Instant) -> Option<Instant> {
        match tokens.next(now) {
            TokenStep::Wait(until) => until,
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn tokens_are_taken_for_due_jobs_only_and_until_none_is_left() {
        let now = Instant::now();
        let mut tokens = tokens(now);
        assert_eq!(waits_until(&mut tokens, now), None, "nothing waits");
        assert!(tokens.fell_short(Some(short(50)), now));
        assert!(matches!(tokens.next(now), TokenStep::Look(_)));
        tokens.looked(DueLook::Later(None), now);
        assert_eq!(waits_until(&mut tokens, now), None, "nothing is due");
        tokens.looked(DueLook::Now, now);
        assert_eq!(asked(&mut tokens, now).wanted, 50);
        assert!(tokens.took(&taken(10, Some(56)), 50, now, now));
        tokens.count(now);
        for _ in 0..10 {
            assert_eq!(tokens.take(now), Some(now + Duration::from_millis(20)));
        }
        assert!(!tokens.fetch_ended(now), "all were used");
        assert!(tokens.fell_short(Some(short(40)), now));
        let opens_at = now + Duration::from_millis(56);
        assert!(tokens.is_closed(now) && !tokens.is_closed(opens_at));
        assert_eq!(waits_until(&mut tokens, now), Some(opens_at));
        assert_eq!(asked(&mut tokens, opens_at).wanted, 40, "without another look");
    }

    #[test]
    fn what_a_fetch_leaves_over_is_given_back_and_due_jobs_are_looked_for() {
        let now = Instant::now();
        let mut tokens = tokens(now);
        tokens.fell_short(Some(short(5)), now);
        tokens.looked(DueLook::Now, now);
        asked(&mut tokens, now);
        tokens.took(&taken(5, None), 5, now, now);
        tokens.count(now);
        tokens.take(now);
        assert!(tokens.fetch_ended(now));
        assert_eq!(tokens.free(now), 0, "they are out of use before they are given back");
        tokens.fell_short(Some(short(4)), now);
        let ask = asked(&mut tokens, now);
        assert_eq!((ask.wanted, ask.unused, ask.mark), (0, 4, Some(DateTime::UNIX_EPOCH)));
        assert_eq!(ask.needs, Duration::ZERO);
        let later = now + Duration::from_millis(200);
        assert!(matches!(tokens.next(later), TokenStep::Look(_)));
        tokens.looked(DueLook::Later(None), later);
        assert_eq!(waits_until(&mut tokens, later), None);
    }

    #[test]
    fn tokens_that_no_fetch_uses_in_time_are_given_back() {
        let now = Instant::now();
        let mut tokens = tokens(now);
        tokens.fell_short(Some(short(5)), now);
        tokens.looked(DueLook::Now, now);
        asked(&mut tokens, now);
        tokens.took(&taken(5, None), 5, now, now);
        let expired = now + Duration::from_millis(20);
        assert_eq!(waits_until(&mut tokens, now), Some(expired));
        assert_eq!((tokens.free(expired), tokens.take(expired)), (0, None));
        let ask = asked(&mut tokens, expired);
        assert_eq!((ask.wanted, ask.unused), (5, 5), "and others are taken");
        assert_eq!(ask.needs, Duration::from_millis(40), "of which jobs have more time");
        let minute = expired + WHILE_SLOW;
        tokens.took(&taken(0, None), 5, expired, expired);
        tokens.heard();
        assert_eq!(asked(&mut tokens, minute).needs, Duration::ZERO, "until that is over");
    }

    #[test]
    fn a_paused_limit_is_asked_again_when_it_is_heard_of() {
        let now = Instant::now();
        let mut tokens = tokens(now);
        tokens.fell_short(Some(short(5)), now);
        tokens.looked(DueLook::Now, now);
        asked(&mut tokens, now);
        assert!(!tokens.took(&taken(0, None), 5, now, now));
        assert_eq!(waits_until(&mut tokens, now), Some(now + WHILE_PAUSED));
        assert!(tokens.is_active() && tokens.heard());
        assert_eq!(asked(&mut tokens, now).wanted, 5);
    }
}
