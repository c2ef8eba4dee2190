//! Borrows and gives back permits of the limits that all processes share.
//!
//! It sends nothing while no limit is declared, and nothing while demand does not change: a run takes and puts back a
//! permit in memory.

use std::{
    sync::{Arc, atomic::Ordering},
    time::{Duration, Instant},
};

use super::Worker;
use crate::{
    admission::{SharedPermits, Steps},
    database::{Dedicated, Servers, failure::described},
    store::{Ask, Demand, DueLook},
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
        let Steps { declare, look, ask, again_at } = self.permits().next(Instant::now());
        self.again_at = again_at;
        if declare.is_empty() && look.is_empty() && ask.is_empty() {
            return Ok(Next::AtOnce);
        }
        let done = self.exchange(&declare, look, &ask).await;
        if done.is_err() {
            self.permits().failed(&ask);
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

    fn permits(&self) -> &SharedPermits {
        self.worker.permits.shared()
    }

    /// Waits for a change here, for the time of the next step, or for the next refresh.
    async fn wait(&self) {
        let refresh_at =
            self.permits().is_active().then(|| self.refreshed_at + self.between_refreshes());
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

    async fn exchange(
        &mut self,
        declare: &[(String, usize)],
        look: Vec<(String, Vec<Demand>)>,
        asks: &[Ask],
    ) -> sqlx::Result<()> {
        let worker_id = self.worker.id();
        let Self { worker, connection, number, .. } = self;
        let (store, permits) = (&worker.store, worker.permits.shared());
        if !declare.is_empty() {
            connection
                .ask(async |connection| store.declare_limits(connection, worker_id, declare).await)
                .await?;
            permits.declared(declare);
        }
        for (limit, mut demands) in look {
            for demand in &mut demands {
                demand.probes = PROBES;
            }
            worker.sweeps.floors().apply(&mut demands);
            let mut found = connection
                .ask(async |connection| store.look_for_due(connection, &demands).await)
                .await?;
            if found != DueLook::Now {
                // Suspects rest apart from other jobs.
                let suspect = connection
                    .ask(async |connection| store.find_suspect(connection, &demands, &[]).await);
                if suspect.await?.is_some() {
                    worker.suspects_wait.store(true, Ordering::Release);
                    found = DueLook::Now;
                }
            }
            permits.looked(&limit, found);
        }
        if !asks.is_empty() {
            *number += 1;
            let answers = connection
                .ask(async |connection| {
                    store.balance_quotas(connection, worker_id, *number, asks).await
                })
                .await?;
            if permits.balanced(asks, answers) {
                worker.client.wake().wake_local();
            }
        }
        Ok(())
    }
}
