//! Runs jobs in a transaction of the test.

use std::{mem, sync::Arc, time::Duration};

use sqlx::{PgConnection, Postgres, Transaction};
use uuid::Uuid;

use super::{Drained, Left, Run};
use crate::{
    SimpleQueue,
    enqueue::{EnqueueOn, insert},
    finalize::write_one,
    queue::observed::{LentTransaction, ObservedRun, Unit},
    store::{Completed, Demand, DemandedShare, FetchedJob, Reach, WorkerRow},
    worker::run_alone,
};

/// 10,000 runs, after which a drain gives up.
const ENDLESS: usize = 10_000;

/// 64 priorities that no declaration has are looked for.
const PROBES: usize = 64;

/// 1 h between two heartbeats of a process that ends with the transaction.
const HEARTBEAT: Duration = Duration::from_hours(1);

/// Runs the due jobs one by one.
pub(super) async fn drain_in(
    queue: &SimpleQueue,
    tx: &mut Transaction<'static, Postgres>,
) -> Drained {
    // A job owns the transaction while it runs, so another one takes its place.
    let other = queue.pool().begin().await.unwrap_or_else(failed);
    let lent = LentTransaction::default();
    *lent.lock() = Some(mem::replace(tx, other));
    let id = Uuid::now_v7();
    let mut runs = Vec::new();
    let mut own = take(&lent, "");
    let worker = WorkerRow { id, heartbeat_interval: HEARTBEAT, queues: queue.queue_names() };
    queue.store().register_worker(&mut own, &worker).await.unwrap_or_else(failed);
    while let Some(fetched) = claim(queue, &mut own, id).await.unwrap_or_else(failed) {
        assert!(runs.len() < ENDLESS, "a drain gave up after {ENDLESS} runs");
        *lent.lock() = Some(own);
        let (run, back) = run_in(queue, &lent, fetched).await;
        own = back;
        runs.push(run);
    }
    queue.store().retire_worker(&mut own, id).await.unwrap_or_else(failed);
    *tx = own;
    Drained { runs, left: Left::default() }
}

#[expect(clippy::needless_pass_by_value, reason = "the form that `unwrap_or_else` takes")]
fn failed<T>(error: sqlx::Error) -> T {
    panic!("jobs cannot run in a transaction: {error}")
}

/// Takes the transaction after the run of a job.
fn take(lent: &LentTransaction, kind: &str) -> Transaction<'static, Postgres> {
    lent.lock().take().unwrap_or_else(|| {
        panic!("`{kind}` was dropped with its `JobTx`, so the transaction of the test is lost")
    })
}

async fn claim(
    queue: &SimpleQueue,
    connection: &mut PgConnection,
    worker_id: Uuid,
) -> sqlx::Result<Option<Box<FetchedJob>>> {
    let demand = |served: crate::queue::served::Served| {
        let shares = served.shares.into_iter().map(|share| DemandedShare {
            permits: 1,
            kinds: share.kinds,
            excluded: share.excluded,
            floors: Vec::new(),
        });
        Demand {
            queue: served.queue,
            permits: 1,
            priorities: served.priorities,
            probe_after: i32::from(i16::MIN) - 1,
            probes: PROBES,
            shares: shares.collect(),
        }
    };
    let demands: Vec<Demand> = queue.served().into_iter().map(demand).collect();
    if demands.is_empty() {
        return Ok(None);
    }
    let config = queue.config();
    let ages = &config.priority_ages;
    let reach = Reach { demands: &demands, limit: 1, include_touched: true, ages };
    let none = Completed { runs: &[], keep: true };
    let store = queue.store();
    let (fetched, _) = store.fetch_jobs(&mut *connection, worker_id, none, reach).await?;
    let Some(mut fetched) = fetched.jobs.into_iter().next() else { return Ok(None) };
    if fetched.job.stored.is_none() {
        // A long payload is not claimed along with the job.
        let payload = store.read_payload(connection, fetched.job.id, i32::MAX).await?;
        fetched.job.stored = payload.and_then(|(text, _)| text);
    }
    Ok(Some(fetched))
}

/// Runs a job, and writes its end and what it has enqueued.
async fn run_in(
    queue: &SimpleQueue,
    lent: &LentTransaction,
    fetched: Box<FetchedJob>,
) -> (Run, Transaction<'static, Postgres>) {
    let kind = fetched.job.kind().to_owned();
    let failed = |error: sqlx::Error| panic!("the end of `{kind}` cannot be written: {error}");
    let handler = queue.handler(&fetched.job.queue, &kind).expect("its kind was demanded");
    let (job, signal) = (fetched.job.clone(), Arc::clone(&fetched.claim.run));
    let unit = Unit { lent: Some(Arc::clone(lent)), ..Unit::default() };
    let enqueued = Arc::clone(&unit.enqueued);
    let keep = queue.config().retention.keeps_completed();
    let run_queue = queue.beside(|_config, _registry| {}).into_unit(unit);
    let run = run_alone(run_queue, &handler, fetched).await;
    let mut tx = take(lent, &kind);
    let observed = ObservedRun::new(job, run.transition.clone(), signal.ran());
    let rows = mem::take(&mut *enqueued.lock());
    let inserted = insert(queue.on(&mut tx).target(), rows).await;
    inserted.unwrap_or_else(|error| panic!("what `{kind}` has enqueued is refused: {error}"));
    let written = write_one(queue.store(), &mut tx, run, keep).await.unwrap_or_else(failed);
    assert!(written, "`{kind}` was changed while it ran");
    (Run::of(&observed), tx)
}
