//! A claim that the database refuses may be the fault of one row, which must not hold up all others.

use super::Poller;
use crate::{
    database::failure::{is_about_a_row, is_statement_timeout},
    queue::config::Config,
    store::{Demand, LAST_TIME, LanePart, Position, Reach},
};

/// 100 jobs of a queue are claimed one by one in a turn.
const ONE_BY_ONE: usize = 100;

impl Poller {
    /// Claims for each queue apart, and where that is refused too, job by job. A job that cannot be claimed by itself
    /// becomes a dead letter, with the database's words.
    pub(super) async fn claim_apart(
        &mut self,
        demands: &[Demand],
        config: &Config,
    ) -> sqlx::Result<()> {
        for demand in demands {
            let reach = Reach {
                demands: std::slice::from_ref(demand),
                limit: demand.permits,
                careful: true,
            };
            match self.claim(reach).await {
                Ok(fetched) => self.start(fetched, config),
                Err(error) if is_of_a_row(&error) => {
                    tracing::warn!(%error, queue = demand.queue, "jobs of this queue could not be claimed together; claiming them one by one");
                    self.claim_one_by_one(demand, config).await?;
                }
                Err(error) => return Err(error),
            }
        }
        Ok(())
    }

    async fn claim_one_by_one(&mut self, demand: &Demand, config: &Config) -> sqlx::Result<()> {
        let present = self.worker.sweeps.floors().present();
        let parts = parts(demand, present);
        let limit = i64::try_from(std::cmp::min(demand.permits, ONE_BY_ONE)).unwrap_or(1);
        let (worker_id, worker) = (self.worker.id(), self.worker.clone());
        let store = &worker.store;
        let due = self
            .connection
            .ask(async |connection| store.find_overtaken_jobs(connection, &parts, limit).await)
            .await?;
        let mut was_late = false;
        for (_, job) in due.jobs.into_iter().take(demand.permits) {
            let claimed = self
                .connection
                .ask(async |connection| {
                    store.claim_overtaken_jobs(connection, worker_id, &[job.id]).await
                })
                .await;
            match claimed {
                Ok(claimed) => {
                    was_late = false;
                    self.start(claimed, config);
                }
                // A lock, or a slow disk, is no fault of the job's.
                Err(error) if is_statement_timeout(&error) && !was_late => {
                    self.note_if_unheard(&error);
                    was_late = true;
                }
                Err(error) if is_about_a_row(&error) => {
                    self.note_if_unheard(&error);
                    let reason = format!("it could not be claimed: {error}");
                    let aside = async |connection: &mut sqlx::PgConnection| {
                        store.set_aside_job(connection, job.id, None, &reason).await
                    };
                    if self.connection.ask(aside).await? {
                        tracing::error!(%error, job_id = %job.id, queue = demand.queue, "a job that cannot be claimed was moved to the dead letters; mend it and redrive it");
                    }
                }
                Err(error) => {
                    self.note_if_unheard(&error);
                    return Err(error);
                }
            }
        }
        Ok(())
    }
}

/// Whether a claim that failed so is to be divided.
pub(super) fn is_of_a_row(error: &sqlx::Error) -> bool {
    is_about_a_row(error) || is_statement_timeout(error)
}

/// The known lanes of a demand, from their floors to the present.
fn parts(demand: &Demand, present: Option<Position>) -> Vec<LanePart<'_>> {
    let lanes =
        demand.shares.iter().flat_map(|share| share.floors.iter().map(move |lane| (share, lane)));
    lanes
        .zip(0..)
        .map(|((share, lane), part)| LanePart {
            part,
            queue: &demand.queue,
            priority: lane.priority,
            kinds: share.kinds.as_deref(),
            excluded: &share.excluded,
            from_run_at: lane.at.or(present).map(|at| at.run_at),
            from_id: lane.at.or(present).map(|at| at.id),
            until_run_at: Some(LAST_TIME),
            until_id: None,
        })
        .collect()
}
