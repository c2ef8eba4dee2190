//! The limits that hold for all processes together: the permits that this process has borrowed of each.
//!
//! A fetch sees only how many permits are free here. The role in `worker/limits.rs` moves permits between the processes.

use std::{
    collections::{BTreeMap, HashMap},
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Instant,
};

use parking_lot::{Mutex, RwLock};
use tokio::sync::Notify;

use super::{
    PermitScope, PermitSource, UNLIMITED,
    lending::{Look, Steps},
    quota::{Quota, Step},
    search::Short,
};
use crate::{
    queue::{config::Config, registry::Registered, shared_limit::SharedLimit},
    store::{Ask, Balanced, DueLook},
};

/// The shared limits of a process.
#[derive(Debug, Default)]
pub(crate) struct SharedPermits {
    quotas: RwLock<HashMap<String, Arc<Mutex<Quota>>>>,
    /// Wakes the role that moves permits.
    changed: Arc<Notify>,
    /// A fetch is in flight that counts on the free permits.
    is_fetching: AtomicBool,
}

/// The permits of one job, one of each of its limits.
#[derive(Debug)]
pub(super) struct SharedPermit {
    quotas: Vec<Arc<Mutex<Quota>>>,
    changed: Arc<Notify>,
}

impl Drop for SharedPermit {
    fn drop(&mut self) {
        let mut is_surplus = false;
        for quota in &self.quotas {
            is_surplus |= quota.lock().put();
        }
        if is_surplus {
            self.changed.notify_one();
        }
    }
}

impl SharedPermits {
    fn quota(&self, limit: &SharedLimit) -> Arc<Mutex<Quota>> {
        if let Some(quota) = self.quotas.read().get(&limit.name) {
            return Arc::clone(quota);
        }
        let new = || Arc::new(Mutex::new(Quota::new(limit.clone(), Instant::now())));
        Arc::clone(self.quotas.write().entry(limit.name.clone()).or_insert_with(new))
    }

    /// Returns the fewest permits of these limits that a fetch may count on.
    pub(super) fn least_countable<'l>(
        &self,
        limits: impl IntoIterator<Item = &'l SharedLimit>,
    ) -> usize {
        let countable = |limit| self.quota(limit).lock().countable();
        limits
            .into_iter()
            .filter(|limit| limit.most.is_some())
            .map(countable)
            .min()
            .unwrap_or(UNLIMITED)
    }

    /// A fetch begins, which counts on the permits that are free and not to be given back.
    pub(super) fn fetch_begins(&self) {
        for quota in self.quotas.read().values() {
            quota.lock().count();
        }
        self.is_fetching.store(true, Ordering::Release);
    }

    /// The jobs of the fetch have started.
    pub(super) fn fetch_ended(&self) {
        self.is_fetching.store(false, Ordering::Release);
    }

    /// Returns whether the process holds at least this many permits of each of these limits.
    pub(super) fn hold<'l>(
        &self,
        limits: impl IntoIterator<Item = &'l SharedLimit>,
        permits: usize,
    ) -> bool {
        let holds = |limit: &SharedLimit| self.quota(limit).lock().held() >= permits;
        limits.into_iter().filter(|limit| limit.most.is_some()).all(holds)
    }

    /// Returns those of these limits that have no free permit.
    pub(super) fn exhausted<'l>(
        &self,
        limits: impl IntoIterator<Item = &'l SharedLimit>,
    ) -> Vec<SharedLimit> {
        let is_exhausted = |limit: &&SharedLimit| {
            limit.most.is_some() && self.quota(limit).lock().countable() == 0
        };
        limits.into_iter().filter(is_exhausted).cloned().collect()
    }

    /// Records which jobs fall short of permits since the last fetch.
    pub(super) fn fell_short(&self, mut by_limit: BTreeMap<String, Short>) {
        let (now, mut concerns) = (Instant::now(), false);
        for (name, quota) in &*self.quotas.read() {
            concerns |= quota.lock().fell_short(by_limit.remove(name), now);
        }
        if concerns {
            self.changed.notify_one();
        }
    }

    /// A notification said that something has changed about this limit.
    pub(super) fn heard(&self, limit: &str) {
        let concerns = self.quotas.read().get(limit).is_some_and(|quota| quota.lock().heard());
        if concerns {
            self.changed.notify_one();
        }
    }

    /// Notifications may have been missed.
    pub(super) fn heard_all(&self) {
        let mut concerns = false;
        for quota in self.quotas.read().values() {
            concerns |= quota.lock().heard();
        }
        if concerns {
            self.changed.notify_one();
        }
    }

    /// Whether the process holds or wants permits, so that changes concern it.
    pub(super) fn is_active(&self) -> bool {
        self.quotas.read().values().any(|quota| quota.lock().is_active())
    }

    /// Forgets all permits: the process was declared dead, and the database has taken them back.
    pub(super) fn forget(&self) {
        for quota in self.quotas.read().values() {
            quota.lock().forget();
        }
        self.changed.notify_one();
    }

    /// Wakes the role that moves permits.
    pub(super) fn on_change(&self) -> &Arc<Notify> {
        &self.changed
    }

    /// Adds what the database is to be asked now.
    pub(super) fn next(&self, now: Instant, steps: &mut Steps) {
        for (name, quota) in &*self.quotas.read() {
            let mut quota = quota.lock();
            // Read under the lock under which the fetch counts.
            match quota.next(now, self.is_fetching.load(Ordering::Acquire)) {
                Step::Declare => steps.declare.push(quota.declared.clone()),
                Step::Look(demands) => {
                    steps.look.push(Look { limit: name.clone(), demands, for_tokens: false });
                }
                Step::Ask(ask) => steps.ask.push(ask),
                Step::Wait(until) => {
                    steps.again_at = steps.again_at.into_iter().chain(until).min();
                }
            }
        }
    }

    pub(super) fn declared(&self, limits: &[SharedLimit]) {
        for limit in limits {
            self.with(&limit.name, Quota::declared);
        }
    }

    pub(super) fn looked(&self, limit: &str, found: DueLook) {
        self.with(limit, |quota| quota.looked(found, Instant::now()));
    }

    /// Takes in the answers to these asks. Returns whether there are more permits now.
    pub(super) fn balanced(&self, asks: &[Ask], answers: Vec<Balanced>) -> bool {
        let now = Instant::now();
        let mut answers: HashMap<String, Balanced> =
            answers.into_iter().map(|answer| (answer.name.clone(), answer)).collect();
        let mut grew = false;
        for ask in asks {
            let answer = answers.remove(&ask.name);
            self.with(&ask.name, |quota| match answer {
                Some(answer) => grew |= quota.balanced(answer, ask.keep, now),
                // The row of the process is gone, and with it the quota.
                None => quota.forget(),
            });
        }
        grew
    }

    /// The exchange failed, and what it did is unknown.
    pub(super) fn failed(&self, asks: &[Ask]) {
        for ask in asks {
            self.with(&ask.name, Quota::failed);
        }
    }

    fn with(&self, limit: &str, change: impl FnOnce(&mut Quota)) {
        if let Some(quota) = self.quotas.read().get(limit) {
            change(&mut quota.lock());
        }
    }
}

impl PermitSource for SharedPermits {
    type Permit = Option<SharedPermit>;

    fn free(&self, of: PermitScope<'_>, config: &Config) -> usize {
        match of {
            PermitScope::All => UNLIMITED,
            PermitScope::Queue(queue) => self.least_countable(config.limit_of(queue)),
            PermitScope::Share(share) => self.least_countable(&share.limits),
        }
    }

    fn take(
        &self,
        queue: &str,
        handler: &Registered,
        config: &Config,
    ) -> Option<Option<SharedPermit>> {
        let limits = || {
            let limits = config.limit_of(queue).into_iter().chain(&handler.limits);
            limits.filter(|limit| limit.most.is_some())
        };
        if limits().next().is_none() {
            return Some(None);
        }
        let mut permit = SharedPermit { quotas: Vec::new(), changed: Arc::clone(&self.changed) };
        for limit in limits() {
            let quota = self.quota(limit);
            if !quota.lock().take() {
                // Those that were taken are put back with `permit`.
                return None;
            }
            permit.quotas.push(quota);
        }
        Some(Some(permit))
    }

    fn are_reusable(&self) -> bool {
        true
    }
}
