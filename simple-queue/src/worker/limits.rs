//! Borrows and gives back permits of the limits that all processes share, and takes tokens of the rates.
//!
//! It sends nothing while no limit is declared, and nothing while demand does not change: a run takes and puts back a
//! permit in memory.

use std::{
    sync::{Arc, atomic::Ordering},
    time::{Duration, Instant},
};

use super::Worker;
use crate::{
    admission::{Permits, Steps},
    database::{Dedicated, Servers, failure::described},
    queue::shared_limit::SharedLimit,
    store::{DeclaredLimit, DueLook},
    telemetry,
    upkeep::role::{Next, Role},
};

/// The role that moves permits between this process and the limits.
pub(super) struct Lender {
    worker: Arc<Worker>,
    connection: Dedicated,
    /// The number of the last statement that moved permits.
    number: i64,
    /// When to look without a reason.
    again_at: Option<Instant>,
    /// When it last asked about every limit that concerns this process.
    refreshed_at: Instant,
}

/// 1 s between two questions about the limits of a process that cannot listen for changes, while it holds or wants
/// permits.
const WITHOUT_LISTENING: Duration = Duration::from_secs(1);

/// 30 s between two such questions of a process that listens.
const WHILE_LISTENING: Duration = Duration::from_secs(30);

/// 64, upper bound of the unknown priorities that a look for due jobs probes.
const PROBES: usize = 64;

/// An exchange may be cut off anywhere: the next one says again what the process keeps.
impl Role for Lender {
    const NAME: &'static str = "limits";

    async fn run_once(&mut self) -> sqlx::Result<Next> {
        self.wait().await;
        if self.worker.heartbeat_lost.load(Ordering::Acquire) {
            // The process may be declared dead, and its permits taken back. When it has a row, it asks again.
            self.again_at = Some(Instant::now() + WITHOUT_LISTENING);
            return Ok(Next::AtOnce);
        }
        if self.refreshed_at.elapsed() >= self.between_refreshes() {
            self.refreshed_at = Instant::now();
            self.permits().heard_all();
        }
        let mut steps = self.permits().next(Instant::now());
        self.again_at = steps.again_at;
        if steps.is_empty() {
            return Ok(Next::AtOnce);
        }
        #[cfg(feature = "testing")]
        self.worker.client.note_lending(true);
        let done = self.exchange(&mut steps).await;
        #[cfg(feature = "testing")]
        self.worker.client.note_lending(false);
        if done.is_err() {
            self.permits().failed(&steps.ask);
        }
        // What follows from the answers.
        self.again_at = Some(Instant::now());
        done.map(|()| Next::AtOnce)
    }

    fn failed(error: &sqlx::Error) {
        telemetry::worker::limits_failed(&described(error));
    }
}

impl Lender {
    pub(super) fn new(worker: Arc<Worker>, servers: &Servers) -> Self {
        let connection = Dedicated::new(servers);
        Self { worker, connection, number: 0, again_at: None, refreshed_at: Instant::now() }
    }

    fn permits(&self) -> &Permits {
        &self.worker.permits
    }

    /// Waits for a change here, for the time of the next step, or for the next refresh.
    async fn wait(&self) {
        let refresh_at =
            self.permits().are_active().then(|| self.refreshed_at + self.between_refreshes());
        let until = self.again_at.into_iter().chain(refresh_at).min();
        match until {
            None => self.permits().changed().await,
            Some(until) => tokio::select! {
                () = self.permits().changed() => {}
                () = tokio::time::sleep_until(until.into()) => {}
            },
        }
    }

    fn between_refreshes(&self) -> Duration {
        let listens = self.worker.listening.load(Ordering::Acquire);
        if listens { WHILE_LISTENING } else { WITHOUT_LISTENING }
    }

    async fn exchange(&mut self, steps: &mut Steps) -> sqlx::Result<()> {
        let worker_id = self.worker.id();
        let Self { worker, connection, number, .. } = self;
        let (store, permits) = (&worker.store, &worker.permits);
        let Steps { declare, look, ask, take, again_at: _ } = steps;
        if !declare.is_empty() {
            let limits: Vec<DeclaredLimit<'_>> =
                declare.iter().map(SharedLimit::declared).collect();
            connection
                .ask(async |connection| store.declare_limits(connection, worker_id, &limits).await)
                .await?;
            permits.declared(declare);
        }
        for look in look {
            for demand in &mut look.demands {
                demand.probes = PROBES;
            }
            worker.sweeps.set_floors(&mut look.demands, &worker.client).await;
            let demands = &look.demands;
            let (mut found, now) = connection
                .ask(async |connection| store.look_for_due(connection, demands).await)
                .await?;
            if found != DueLook::Now && !worker.sweeps.floors().looked(demands, now) {
                found = DueLook::Now;
            }
            // No fetch asks for these jobs, and a sweep finds those below the floors.
            worker.sweeps.ask();
            if found != DueLook::Now {
                // Suspects rest apart from other jobs.
                let suspect = connection
                    .ask(async |connection| store.find_suspect(connection, demands, &[]).await);
                if suspect.await?.is_some() {
                    worker.suspects_wait.store(true, Ordering::Release);
                    found = DueLook::Now;
                }
            }
            permits.looked(look, found);
        }
        if !ask.is_empty() {
            *number += 1;
            let answers = connection
                .ask(async |connection| {
                    store.balance_quotas(connection, worker_id, *number, ask).await
                })
                .await?;
            if permits.balanced(ask, answers) {
                worker.client.wake().wake_local();
            }
        }
        if !take.is_empty() {
            let sent = Instant::now();
            let answers = connection
                .ask(async |connection| store.take_tokens(connection, take).await)
                .await?;
            if permits.took(take, &answers, sent) {
                worker.client.wake().wake_local();
            }
        }
        Ok(())
    }
}
