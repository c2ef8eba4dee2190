//! Enqueues in the manner that was asked for.

use std::{
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use futures_util::{TryStreamExt, stream::FuturesUnordered};
use tokio::{task::JoinSet, time::Instant};

use super::protocol::{Manner, Produced, Production};
use crate::{
    clock::now_ns,
    contestant::{Contestant, NewJob, Payload, Placement, Result},
};

pub(super) async fn produce<C: Contestant>(
    contestant: &Arc<C>,
    production: &Production,
) -> Result<Produced> {
    let calls_us = match production.manner {
        Manner::Bulk { chunk } => {
            let jobs = bulk(&**contestant, production, chunk).await?;
            return Ok(Produced { jobs, calls_us: Vec::new() });
        }
        Manner::Callers { callers } => call_at_once(contestant, production, callers).await?,
        Manner::Paced { per_second } => paced(contestant, production, per_second, false).await?,
        Manner::Held { per_second } => paced(contestant, production, per_second, true).await?,
    };
    Ok(Produced { jobs: u64::try_from(calls_us.len())?, calls_us })
}

async fn bulk<C: Contestant>(contestant: &C, production: &Production, chunk: u64) -> Result<u64> {
    let (mut next, deadline) = (0, deadline(production));
    while next < production.jobs && Instant::now() < deadline {
        let end = std::cmp::min(next + chunk, production.jobs);
        contestant.enqueue_all((next..end).map(|n| job(production, n)).collect()).await?;
        next = end;
    }
    Ok(next)
}

fn deadline(production: &Production) -> Instant {
    const FOR_EVER: u64 = 24 * 60 * 60;
    Instant::now() + Duration::from_secs(production.seconds.unwrap_or(FOR_EVER))
}

async fn call_at_once<C: Contestant>(
    contestant: &Arc<C>,
    production: &Production,
    callers: u64,
) -> Result<Vec<u32>> {
    let (next, deadline) = (Arc::new(AtomicU64::new(0)), deadline(production));
    let tasks: FuturesUnordered<_> = (0..callers)
        .map(|_| {
            let (contestant, production, next) =
                (Arc::clone(contestant), production.clone(), Arc::clone(&next));
            tokio::spawn(async move {
                let mut calls = Vec::new();
                loop {
                    let n = next.fetch_add(1, Ordering::Relaxed);
                    if n >= production.jobs || Instant::now() >= deadline {
                        return Ok::<_, crate::contestant::BoxError>(calls);
                    }
                    let begun = Instant::now();
                    contestant.enqueue(job(&production, n)).await?;
                    calls.push(micros(begun.elapsed()));
                }
            })
        })
        .collect();
    let calls: Vec<Result<Vec<u32>>> = tasks.try_collect().await?;
    Ok(calls.into_iter().collect::<Result<Vec<_>>>()?.concat())
}

/// Begins the calls when they are due, not when the ones before have ended: a contestant that is slow for a
/// moment gets what piles up then, as it would from users.
async fn paced<C: Contestant>(
    contestant: &Arc<C>,
    production: &Production,
    per_second: f64,
    held: bool,
) -> Result<Vec<u32>> {
    let begun = Instant::now();
    let mut calls = JoinSet::new();
    for n in 0..production.jobs {
        tokio::time::sleep_until(begun + Duration::from_secs_f64(n as f64 / per_second)).await;
        let (contestant, production) = (Arc::clone(contestant), production.clone());
        calls.spawn(async move {
            let (called, mut job) = (Instant::now(), job(&production, n));
            if held {
                // 1 to 500 ms, the same in every trial.
                let open_for = Duration::from_millis(1 + n * 337 % 500);
                job.payload.due += u64::try_from(open_for.as_nanos()).expect("half a second");
                contestant.enqueue_and_hold(job, open_for).await?;
            } else {
                contestant.enqueue(job).await?;
            }
            Ok::<_, crate::contestant::BoxError>(micros(called.elapsed()))
        });
    }
    calls.join_all().await.into_iter().collect()
}

fn job(production: &Production, n: u64) -> NewJob {
    let delay = production.placement.delay_ms * 1_000_000;
    let spread = usize::try_from(n).unwrap_or(usize::MAX) % production.queues;
    NewJob {
        payload: Payload::new(production.first + n, now_ns() + delay),
        placement: Placement { queue: production.placement.queue + spread, ..production.placement },
    }
}

fn micros(elapsed: Duration) -> u32 {
    u32::try_from(elapsed.as_micros()).unwrap_or(u32::MAX)
}
