//! Claims that the database refuses. One bad row may be the cause, and must not hold up all other jobs.

use uuid::Uuid;

use super::Poller;
use crate::{
    database::failure::{described, is_about_a_row, is_statement_timeout},
    queue::{config::Config, registry::KeyRule},
    store::{
        Aside, Demand, Division, Fetched, LAST_TIME, LanePart, Position, Reach, log_set_aside,
    },
    telemetry,
    worker::fetch::floor::BEFORE_ALL,
};

/// 100, upper bound of the jobs of a queue that one poll claims apart.
const MOST_APART: usize = 100;

/// A number above every priority.
const AFTER_ALL: i32 = i16::MAX as i32 + 1;

impl Poller {
    /// Claims for each queue apart, and where that is refused too, claims its jobs in halves. Returns whether a queue may
    /// have more due jobs.
    pub(super) async fn claim_apart(
        &mut self,
        demands: &[Demand],
        config: &Config,
    ) -> sqlx::Result<bool> {
        let mut has_more = false;
        for demand in demands {
            let reach = Reach {
                demands: std::slice::from_ref(demand),
                limit: demand.permits,
                include_touched: true,
                ages: &config.priority_ages,
            };
            match self.claim(reach).await {
                Ok(fetched) => self.start(fetched, config),
                Err(error) if is_about_a_row(&error) || is_statement_timeout(&error) => {
                    telemetry::fetch::claim_refused(&demand.queue, &described(&error));
                    self.lost_claims.return_what_is_due(&self.worker).await;
                    let due = self.find_due(demand).await?;
                    has_more |= due.len() == most_apart(demand);
                    self.claim_listed(due, config).await?;
                }
                Err(error) => return Err(error),
            }
        }
        Ok(has_more)
    }

    /// Claims these jobs, in halves where that is refused. A job that cannot be claimed alone becomes a dead letter
    /// with the database's error; one that cannot be moved either is stuck and left out from then on.
    pub(super) async fn claim_listed(
        &mut self,
        ids: Vec<Uuid>,
        config: &Config,
    ) -> sqlx::Result<()> {
        let (mut division, mut was_late) = (Division::of(ids), false);
        while let Some(ids) = division.next() {
            let (worker_id, store) = (self.worker.id(), &self.worker.store);
            let claimed = self
                .connection
                .ask(async |connection| {
                    store.claim_overtaken_jobs(connection, worker_id, &ids).await
                })
                .await
                .inspect_err(|error| self.note_if_lost(error));
            match claimed {
                Ok(claimed) => {
                    was_late = false;
                    self.start(claimed, config);
                }
                // A timeout may come from a lock or a slow disk, and not from a job.
                Err(error) if is_statement_timeout(&error) && !was_late => {
                    was_late = division.refused(ids).is_some();
                }
                Err(error) if is_about_a_row(&error) => {
                    self.lost_claims.return_what_is_due(&self.worker).await;
                    if let Some(id) = division.refused(ids) {
                        self.set_aside(id, &error).await?;
                    }
                }
                Err(error) => return Err(error),
            }
        }
        Ok(())
    }

    /// Moves jobs of a limit for each key away for which its visits are refused. They are found by claims that are rolled
    /// back, because a claim of a key's job counts. Returns whether one was moved.
    pub(super) async fn set_aside_of(
        &mut self,
        rule: &KeyRule,
        config: &Config,
    ) -> sqlx::Result<bool> {
        // What a visit claimed whose answer could not be read.
        self.lost_claims.return_what_is_due(&self.worker).await;
        let store = self.worker.store.clone();
        let (after, permits) = (self.rules[rule.id.0].after.clone(), config.global_permits);
        let mut due = self
            .connection
            .ask(async |connection| {
                let of = (rule.name.as_str(), rule.limit);
                store.find_due_of_keys(connection, of, &after, permits).await
            })
            .await?;
        due.retain(|id| !self.stuck.ids().contains(id));
        let (mut division, mut moved) = (Division::of(due), false);
        while let Some(ids) = division.next() {
            let worker_id = self.worker.id();
            let tried = self
                .connection
                .ask(async |connection| store.try_jobs_of_keys(connection, worker_id, &ids).await)
                .await;
            match tried {
                Ok(()) => {}
                Err(error) if is_about_a_row(&error) => {
                    if let Some(id) = division.refused(ids) {
                        self.set_aside(id, &error).await?;
                        moved = true;
                    }
                }
                Err(error) => return Err(error),
            }
        }
        Ok(moved)
    }

    /// As [`Poller::claim_listed`], for one suspect: the one that has been due longest and is not refused.
    pub(super) async fn claim_suspects_by_id(
        &mut self,
        demands: &[Demand],
        config: &Config,
    ) -> sqlx::Result<()> {
        for _ in 0..MOST_APART {
            self.lost_claims.return_what_is_due(&self.worker).await;
            let (store, stuck) = (&self.worker.store, self.stuck.ids());
            let found = self
                .connection
                .ask(async |connection| store.find_suspect(connection, demands, stuck).await)
                .await?;
            let Some(id) = found else { break };
            match self.ask_for_suspect(demands, Some(id)).await {
                Err(error) if is_about_a_row(&error) => {
                    self.lost_claims.return_what_is_due(&self.worker).await;
                    self.set_aside(id, &error).await?;
                }
                claimed => {
                    self.start(claimed?, config);
                    break;
                }
            }
        }
        Ok(())
    }

    pub(super) async fn ask_for_suspect(
        &mut self,
        demands: &[Demand],
        only: Option<Uuid>,
    ) -> sqlx::Result<Fetched> {
        let (worker_id, store) = (self.worker.id(), &self.worker.store);
        let stuck = self.stuck.ids();
        let claimed = self
            .connection
            .ask(async |connection| {
                store.claim_suspect(connection, worker_id, demands, only, stuck).await
            })
            .await
            .inspect_err(|error| self.note_if_lost(error))?;
        if !claimed.jobs.is_empty() {
            self.worker.suspects.claimed();
        }
        Ok(claimed)
    }

    /// Moves a job away, or remembers it as stuck. Jobs that were claimed and could not be read have been returned
    /// before.
    async fn set_aside(&mut self, id: Uuid, refusal: &sqlx::Error) -> sqlx::Result<()> {
        let (why, store) = (("it could not be claimed", refusal), &self.worker.store);
        let aside = self
            .connection
            .ask(async |connection| store.set_aside_job(connection, id, None, why).await)
            .await;
        if log_set_aside(id, why, aside)? == Aside::Stuck {
            self.stuck.add(id);
        }
        Ok(())
    }

    /// Returns the due jobs in the lanes that a fetch for this demand reads, the most urgent first.
    async fn find_due(&mut self, demand: &Demand) -> sqlx::Result<Vec<Uuid>> {
        let unknown = self.find_lanes(demand).await?;
        let parts = parts(demand, &unknown, self.worker.sweeps.floors().present());
        let stuck = self.stuck.ids();
        let limit = i64::try_from(most_apart(demand) + stuck.len()).unwrap_or(1);
        let store = &self.worker.store;
        let due = self
            .connection
            .ask(async |connection| store.find_overtaken_jobs(connection, &parts, limit).await)
            .await?;
        let ids = due.jobs.into_iter().map(|(_, job)| job.id).filter(|id| !stuck.contains(id));
        Ok(ids.take(most_apart(demand)).collect())
    }

    /// Returns the priorities that a fetch for this demand finds beside the known ones.
    async fn find_lanes(&mut self, demand: &Demand) -> sqlx::Result<Vec<i16>> {
        let (store, queue) = (&self.worker.store, &demand.queue);
        let (mut low, mut found) = (std::cmp::max(BEFORE_ALL, demand.probe_after), Vec::new());
        for high in demand.priorities.iter().copied().map(i32::from).chain([AFTER_ALL]) {
            while low + 1 < high && found.len() < demand.probes {
                let next = self
                    .connection
                    .ask(async |connection| store.find_lane(connection, queue, low, high).await)
                    .await?;
                let Some(priority) = next else { break };
                found.push(priority);
                low = priority.into();
            }
            low = std::cmp::max(low, high);
        }
        Ok(found)
    }
}

fn most_apart(demand: &Demand) -> usize {
    std::cmp::min(demand.permits, MOST_APART)
}

/// Returns the lanes of a demand from their floors on, the most urgent first. A lane that a share does not know is read
/// from its beginning, as a fetch reads it.
fn parts<'d>(demand: &'d Demand, unknown: &[i16], present: Option<Position>) -> Vec<LanePart<'d>> {
    let mut priorities = [&demand.priorities, unknown].concat();
    priorities.sort_unstable();
    let of_priority = |priority| demand.shares.iter().map(move |share| (priority, share));
    let lanes = priorities.into_iter().flat_map(of_priority);
    lanes
        .zip(0..)
        .map(|((priority, share), part)| {
            let floor = share.floors.iter().find(|floor| floor.priority == priority);
            let from = floor.and_then(|floor| floor.at.or(present));
            LanePart {
                part,
                queue: &demand.queue,
                priority,
                kinds: share.kinds.as_deref(),
                excluded: &share.excluded,
                from_run_at: from.map(|at| at.run_at),
                from_id: from.map(|at| at.id),
                until_run_at: Some(LAST_TIME),
                until_id: None,
            }
        })
        .collect()
}
