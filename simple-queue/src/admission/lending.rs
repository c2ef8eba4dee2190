//! What the process asks the database about its limits, of permits and of tokens.

use std::{
    collections::BTreeMap,
    time::{Duration, Instant},
};

use super::{Permits, search::Short};
use crate::{
    queue::shared_limit::SharedLimit,
    store::{Ask, Balanced, Demand, DueLook, TakenTokens, TokenAsk},
};

/// Jobs that could start if some limits had permits or tokens.
#[derive(Debug)]
pub(crate) struct FellShort {
    /// The limits without a free permit.
    pub(crate) limits: Vec<SharedLimit>,
    /// The limits without a token.
    pub(crate) rates: Vec<SharedLimit>,
    pub(crate) wanted: usize,
    pub(crate) demand: Demand,
}

/// A look for due jobs that fall short of a limit.
#[derive(Debug)]
pub(crate) struct Look {
    pub(super) limit: String,
    pub(crate) demands: Vec<Demand>,
    /// They fall short of tokens, not of permits.
    pub(super) for_tokens: bool,
}

/// What the database is to be asked next.
#[derive(Debug, Default)]
pub(crate) struct Steps {
    /// Limits to declare.
    pub(crate) declare: Vec<SharedLimit>,
    pub(crate) look: Vec<Look>,
    pub(crate) ask: Vec<Ask>,
    pub(crate) take: Vec<TokenAsk>,
    /// When there may be more to ask.
    pub(crate) again_at: Option<Instant>,
}

impl Steps {
    pub(crate) fn is_empty(&self) -> bool {
        let Self { declare, look, ask, take, again_at: _ } = self;
        declare.is_empty() && look.is_empty() && ask.is_empty() && take.is_empty()
    }
}

impl Permits {
    /// A fetch begins, which counts on what is free.
    pub(crate) fn fetch_begins(&self) {
        self.shared.fetch_begins();
        self.rated.fetch_begins();
    }

    /// The jobs of the fetch have started.
    pub(crate) fn fetch_ended(&self) {
        self.shared.fetch_ended();
        self.rated.fetch_ended();
    }

    /// Returns those of these limits that have no free permit, and those that have no token.
    pub(crate) fn exhausted<'l>(
        &self,
        limits: impl IntoIterator<Item = &'l SharedLimit> + Clone,
    ) -> (Vec<SharedLimit>, Vec<SharedLimit>) {
        (self.shared.exhausted(limits.clone()), self.rated.exhausted(limits))
    }

    /// Returns how many of these permits the process holds of all these limits.
    pub(crate) fn at_most<'l>(
        &self,
        limits: impl IntoIterator<Item = &'l SharedLimit>,
        permits: usize,
    ) -> usize {
        std::cmp::min(self.shared.least_countable(limits), permits)
    }

    /// Records which jobs fall short since the last fetch.
    ///
    /// A job that needs several limits wants one after the other, so that it takes nothing from others that it cannot
    /// use: first it waits until its rates may have tokens, then it wants permits, and last the tokens, which do not
    /// keep.
    pub(crate) fn fell_short(&self, short: Vec<FellShort>) {
        let (mut of_permits, mut of_tokens) = (BTreeMap::new(), BTreeMap::new());
        let now = Instant::now();
        for FellShort { limits, rates, wanted, demand } in short {
            let closed = self.rated.closed(&rates, now);
            let (by_limit, limits) = match (closed.is_empty(), limits.is_empty()) {
                (false, _) => (&mut of_tokens, closed),
                (true, false) => (&mut of_permits, limits),
                (true, true) => (&mut of_tokens, rates),
            };
            for limit in limits {
                let none = Short { wanted: 0, demands: Vec::new() };
                let short: &mut Short = by_limit.entry(limit.name).or_insert(none);
                short.wanted = std::cmp::max(short.wanted, wanted);
                short.demands.push(demand.clone());
            }
        }
        self.shared.fell_short(of_permits);
        self.rated.fell_short(of_tokens, now);
    }

    /// A notification said that something has changed about this limit.
    pub(crate) fn heard(&self, limit: &str) {
        self.shared.heard(limit);
        self.rated.heard(limit);
    }

    /// Notifications may have been missed.
    pub(crate) fn heard_all(&self) {
        self.shared.heard_all();
        self.rated.heard_all();
    }

    /// Whether changes of limits concern the process.
    pub(crate) fn are_active(&self) -> bool {
        self.shared.is_active() || self.rated.is_active()
    }

    /// Forgets all borrowed permits: the process was declared dead, and the database has taken them back.
    pub(crate) fn forget(&self) {
        self.shared.forget();
    }

    /// Waits until something has changed here.
    pub(crate) async fn changed(&self) {
        self.shared.on_change().notified().await;
    }

    /// Returns what the database is to be asked now.
    pub(crate) fn next(&self, now: Instant) -> Steps {
        let mut steps = Steps::default();
        self.shared.next(now, &mut steps);
        self.rated.next(now, &mut steps);
        // A limit may have both a number and a rate.
        steps.declare.sort_unstable_by(|a, b| a.name.cmp(&b.name));
        steps.declare.dedup_by(|a, b| a.name == b.name);
        steps
    }

    pub(crate) fn declared(&self, limits: &[SharedLimit]) {
        self.shared.declared(limits);
        self.rated.declared(limits);
    }

    pub(crate) fn looked(&self, look: &Look, found: DueLook) {
        if look.for_tokens {
            self.rated.looked(&look.limit, found);
        } else {
            self.shared.looked(&look.limit, found);
        }
    }

    /// Takes in the answers to these asks. Returns whether there are more permits now.
    pub(crate) fn balanced(&self, asks: &[Ask], answers: Vec<Balanced>) -> bool {
        self.shared.balanced(asks, answers)
    }

    /// Takes in the answers to these asks, which were sent at this time. Returns whether there are tokens now.
    pub(crate) fn took(&self, asks: &[TokenAsk], answers: &[TakenTokens], sent: Instant) -> bool {
        self.rated.took(asks, answers, sent)
    }

    /// The exchange failed, and what it did is unknown. Tokens that it took are lost.
    pub(crate) fn failed(&self, asks: &[Ask]) {
        self.shared.failed(asks);
    }

    /// A job of these limits was not started in the time of its tokens.
    pub(crate) fn was_late<'l>(&self, limits: impl IntoIterator<Item = &'l SharedLimit>) {
        self.rated.were_late(limits);
    }

    /// A job of the limit for each key with this number was not started in the time of its token.
    pub(crate) fn was_late_in(&self, rule: usize, within: Duration) {
        self.slow_keys.was_late(rule, within, Instant::now());
    }

    /// Returns how long jobs of this limit need from their token to their start, where that is more than was thought.
    pub(crate) fn needs_of(&self, rule: usize) -> Duration {
        self.slow_keys.needs(rule, Instant::now())
    }

    /// No job of these limits starts for a while.
    pub(crate) fn hold(&self, limits: &[String]) {
        self.rated.hold(limits);
    }
}
