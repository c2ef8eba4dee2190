//! The rates that hold for all processes together: the tokens that this process has taken of each.
//!
//! A fetch sees only how many tokens there are. The role in `worker/limits.rs` takes them.

use std::{
    collections::{BTreeMap, HashMap},
    sync::Arc,
    time::Instant,
};

use parking_lot::{Mutex, RwLock};
use tokio::sync::Notify;

use super::{
    PermitScope, PermitSource, UNLIMITED,
    lending::{Look, Steps},
    search::Short,
    tokens::{TokenStep, Tokens},
};
use crate::{
    queue::{config::Config, registry::Registered, shared_limit::SharedLimit},
    store::{DueLook, TakenTokens, TokenAsk},
};

/// The rates of a process.
#[derive(Debug)]
pub(super) struct RatedPermits {
    rates: RwLock<HashMap<String, Arc<Mutex<Tokens>>>>,
    /// Wakes the role that takes tokens.
    changed: Arc<Notify>,
}

fn rated<'l>(
    limits: impl IntoIterator<Item = &'l SharedLimit>,
) -> impl Iterator<Item = &'l SharedLimit> {
    limits.into_iter().filter(|limit| limit.rate.is_some())
}

impl RatedPermits {
    pub(super) fn new(changed: Arc<Notify>) -> Self {
        Self { rates: RwLock::default(), changed }
    }

    fn tokens(&self, limit: &SharedLimit) -> Arc<Mutex<Tokens>> {
        if let Some(tokens) = self.rates.read().get(&limit.name) {
            return Arc::clone(tokens);
        }
        let new = || Arc::new(Mutex::new(Tokens::new(limit.clone(), Instant::now())));
        Arc::clone(self.rates.write().entry(limit.name.clone()).or_insert_with(new))
    }

    /// Returns the fewest tokens of these limits. Without a rate no clock is read.
    fn least_free<'l>(&self, limits: impl IntoIterator<Item = &'l SharedLimit>) -> usize {
        let free = |limit: &SharedLimit| self.tokens(limit).lock().free(Instant::now());
        rated(limits).map(free).min().unwrap_or(UNLIMITED)
    }

    pub(super) fn fetch_begins(&self) {
        for tokens in self.rates.read().values() {
            tokens.lock().count(Instant::now());
        }
    }

    pub(super) fn fetch_ended(&self) {
        self.notify_if(self.any(|tokens| tokens.fetch_ended(Instant::now())));
    }

    pub(super) fn exhausted<'l>(
        &self,
        limits: impl IntoIterator<Item = &'l SharedLimit>,
    ) -> Vec<SharedLimit> {
        let has_none = |limit: &&SharedLimit| self.tokens(limit).lock().free(Instant::now()) == 0;
        rated(limits).filter(has_none).cloned().collect()
    }

    /// Returns those of these limits of which it is known that there is no token now.
    pub(super) fn closed(&self, limits: &[SharedLimit], now: Instant) -> Vec<SharedLimit> {
        let is_closed = |limit: &&SharedLimit| self.tokens(limit).lock().is_closed(now);
        limits.iter().filter(is_closed).cloned().collect()
    }

    /// Records which jobs fall short of tokens since the last fetch.
    pub(super) fn fell_short(&self, mut by_limit: BTreeMap<String, Short>, now: Instant) {
        let mut concerns = false;
        for (name, tokens) in &*self.rates.read() {
            concerns |= tokens.lock().fell_short(by_limit.remove(name), now);
        }
        self.notify_if(concerns);
    }

    pub(super) fn heard(&self, limit: &str) {
        self.notify_if(self.with(limit, Tokens::heard).unwrap_or_default());
    }

    pub(super) fn heard_all(&self) {
        self.notify_if(self.any(Tokens::heard));
    }

    pub(super) fn is_active(&self) -> bool {
        self.rates.read().values().any(|tokens| tokens.lock().is_active())
    }

    /// Adds what the database is to be asked now.
    pub(super) fn next(&self, now: Instant, steps: &mut Steps) {
        for (name, tokens) in &*self.rates.read() {
            let mut tokens = tokens.lock();
            match tokens.next(now) {
                TokenStep::Declare => steps.declare.push(tokens.declared.clone()),
                TokenStep::Look(Short { demands, .. }) => {
                    steps.look.push(Look { limit: name.clone(), demands, for_tokens: true });
                }
                TokenStep::Ask(ask) => steps.take.push(ask),
                TokenStep::Wait(until) => {
                    steps.again_at = steps.again_at.into_iter().chain(until).min();
                }
            }
        }
    }

    pub(super) fn declared(&self, limits: &[SharedLimit]) {
        for limit in limits {
            self.with(&limit.name, Tokens::declared);
        }
    }

    pub(super) fn looked(&self, limit: &str, found: DueLook) {
        self.with(limit, |tokens| tokens.looked(found, Instant::now()));
    }

    /// Takes in the answers to these asks. Returns whether there are tokens now.
    pub(super) fn took(&self, asks: &[TokenAsk], answers: &[TakenTokens], sent: Instant) -> bool {
        let now = Instant::now();
        let mut grew = false;
        for ask in asks {
            let answer = answers.iter().find(|answer| answer.name == ask.name);
            self.with(&ask.name, |tokens| match answer {
                Some(answer) => grew |= tokens.took(answer, ask.wanted, sent, now),
                // Its row is gone, or has no rate.
                None => tokens.forget(),
            });
        }
        grew
    }

    pub(super) fn were_late<'l>(&self, limits: impl IntoIterator<Item = &'l SharedLimit>) {
        for limit in rated(limits) {
            self.with(&limit.name, |tokens| tokens.was_late(Instant::now()));
        }
    }

    pub(super) fn hold(&self, limits: &[String]) {
        for limit in limits {
            self.with(limit, Tokens::hold);
        }
    }

    /// Changes all. Returns whether the change says so of any.
    fn any(&self, change: impl Fn(&mut Tokens) -> bool) -> bool {
        let changed =
            self.rates.read().values().filter(|tokens| change(&mut tokens.lock())).count();
        changed > 0
    }

    fn with<T>(&self, limit: &str, change: impl FnOnce(&mut Tokens) -> T) -> Option<T> {
        self.rates.read().get(limit).map(|tokens| change(&mut tokens.lock()))
    }

    fn notify_if(&self, concerns: bool) {
        if concerns {
            self.changed.notify_one();
        }
    }
}

impl PermitSource for RatedPermits {
    /// When the job must have started; `None`: it is under no rate.
    type Permit = Option<Instant>;

    fn free(&self, of: PermitScope<'_>, config: &Config) -> usize {
        match of {
            PermitScope::All => UNLIMITED,
            PermitScope::Queue(queue) => self.least_free(config.limit_of(queue)),
            PermitScope::Share(share) => self.least_free(&share.limits),
        }
    }

    fn take(&self, queue: &str, handler: &Registered, config: &Config) -> Option<Option<Instant>> {
        let (mut taken, mut start_by) = (Vec::new(), None);
        for limit in rated(config.limit_of(queue).into_iter().chain(&handler.limits)) {
            let tokens = self.tokens(limit);
            let Some(by) = tokens.lock().take(Instant::now()) else {
                let put_back = |tokens: Arc<Mutex<Tokens>>| tokens.lock().put_back();
                taken.into_iter().for_each(put_back);
                return None;
            };
            start_by = start_by.into_iter().chain([by]).min();
            taken.push(tokens);
        }
        Some(start_by)
    }

    /// A token is for one start.
    fn are_reusable(&self) -> bool {
        true
    }
}
