//! simple-queue, as `SimpleQueue::connect` gives it: one configuration for every workload.

use std::{borrow::Cow, time::Duration};

use simple_queue::{Retention, WorkerHandle, prelude::*};

use crate::{
    agent::Probe,
    contestant::{
        About, Contestant, Duty, Limit, NewJob, Payload, Placement, Result, Role, Setup, Suits,
        Urgency,
    },
};

/// This library, with its history or without.
#[derive(Debug)]
pub(super) struct Ours<const HISTORY: bool> {
    queue: SimpleQueue,
}

/// The measured job.
#[job(queue = "bench")]
async fn measured(probe: &Probe, id: u64, due: u64, data: String) -> std::io::Result<()> {
    probe.run(&Payload { id, due, data }).await
}

/// As above, under a limit.
macro_rules! limited {
    ($name:ident, $($limit:tt)*) => {
        #[job(queue = "bench", $($limit)*)]
        async fn $name(probe: &Probe, id: u64, due: u64, data: String, key: u64) -> std::io::Result<()> {
            let _ = key;
            probe.run(&Payload { id, due, data }).await
        }
    };
}

limited!(limited, concurrency(limit = 1_000_000));
limited!(one_per_key, concurrency(limit = 1, key = "{key}"));
limited!(ten_per_key, concurrency(limit = 10, key = "{key}"));
limited!(in_order, order(key = "{key}"));

#[derive(JobState)]
struct State {
    probe: Probe,
}

impl<const HISTORY: bool> Contestant for Ours<HISTORY> {
    const ABOUT: About = About {
        name: Cow::Borrowed(if HISTORY { "simple-queue" } else { "simple-queue-forgetting" }),
        version: Cow::Borrowed("this tree"),
        settings: Cow::Borrowed(if HISTORY {
            "the defaults"
        } else {
            "the defaults, but jobs that are done are deleted"
        }),
        role: Role::Ours,
        history: HISTORY,
        without_history_of: if HISTORY { None } else { Some(Cow::Borrowed("simple-queue")) },
        suits: Suits::Everything,
        many_queues: true,
        limits: true,
        transactions: true,
        recovers: true,
        count_left: Cow::Borrowed("select count(*) from simple_queue.jobs"),
        count_kept: Some(Cow::Borrowed("select count(*) from simple_queue.archive")),
        claim_all: Some(Cow::Borrowed(
            "with other as (
                insert into simple_queue.workers (id, heartbeat_interval, pid, host, queues)
                values (gen_random_uuid(), '1 day', 0, 'elsewhere', '{}') returning id
            )
            update simple_queue.jobs set worker_id = other.id, lease = lease + 1, attempt = attempt + 1
            from other",
        )),
        fetch: Cow::Borrowed("fetch_jobs"),
    };

    type Worker = WorkerHandle;

    async fn connect(setup: Setup) -> Result<Self> {
        let queue = SimpleQueue::connect(&setup.url).await?;
        let retention = Retention::new().archive(Duration::ZERO);
        Ok(Self { queue: if HISTORY { queue } else { queue.with_retention(retention) } })
    }

    async fn migrate(&self) -> Result<()> {
        Ok(self.queue.migrate().await?)
    }

    async fn enqueue(&self, job: NewJob) -> Result<()> {
        placed(job).enqueue(&self.queue).await?;
        Ok(())
    }

    async fn enqueue_all(&self, jobs: Vec<NewJob>) -> Result<()> {
        let declared = |job: &NewJob| {
            let Placement { delay_ms, urgency, queue, .. } = job.placement;
            delay_ms == 0 && queue == 0 && matches!(urgency, Urgency::Usual)
        };
        if let Some(first) = jobs.first()
            && !matches!(first.placement.limit, Limit::Nothing)
        {
            return self.enqueue_limited(first.placement.limit, jobs).await;
        }
        if jobs.iter().all(declared) {
            Measured::enqueue_all(jobs.into_iter().map(payload), &self.queue).await?;
            return Ok(());
        }
        // The bulk call takes jobs as they are declared. Where others fill the table around what is measured,
        // a statement of our own is as good.
        let payloads = jobs.iter().map(|job| serde_json::to_string(&job.payload));
        sqlx::query(include_str!("ours_fill.sql"))
            .bind(jobs.iter().map(|job| name_of(job.placement.queue)).collect::<Vec<_>>())
            .bind(jobs.iter().map(|job| priority(job.placement.urgency)).collect::<Vec<_>>())
            .bind(jobs.iter().map(|job| job.placement.delay().as_secs_f64()).collect::<Vec<_>>())
            .bind(payloads.collect::<Result<Vec<_>, _>>()?)
            .execute(self.queue.pool())
            .await?;
        Ok(())
    }

    async fn enqueue_and_hold(&self, job: NewJob, hold: Duration) -> Result<()> {
        let mut tx = self.queue.pool().begin().await?;
        placed(job).enqueue(&mut tx).await?;
        tokio::time::sleep(hold).await;
        Ok(tx.commit().await?)
    }

    async fn start(&self, duty: Duty, probe: Probe) -> Result<WorkerHandle> {
        let limited = jobs![Measured, Limited, OnePerKey, TenPerKey, InOrder];
        let mut jobs = jobs![Measured];
        for queue in (0..duty.queues).map(name_of) {
            if let Some(concurrency) = duty.concurrency {
                self.queue.with_queue_semaphore(queue.clone(), concurrency);
            }
            if queue != name_of(0) {
                jobs = jobs.also_on(queue);
            }
        }
        if duty.limits {
            self.queue.register(limited, State { probe })?;
        } else {
            self.queue.register(jobs, State { probe })?;
        }
        Ok(self.queue.start().await)
    }

    async fn stop(worker: WorkerHandle) -> Result<()> {
        worker.shutdown(Duration::from_secs(30)).await;
        Ok(())
    }
}

impl<const HISTORY: bool> Ours<HISTORY> {
    async fn enqueue_limited(&self, limit: Limit, jobs: Vec<NewJob>) -> Result<()> {
        let key = |id: u64, keys: u64| if keys == 0 { id } else { id % keys };
        macro_rules! all {
            ($job:ident, $keys:expr) => {{
                let jobs = jobs.into_iter().map(
                    |NewJob { payload: Payload { id, due, data }, .. }| $job {
                        id,
                        due,
                        data,
                        key: key(id, $keys),
                    },
                );
                $job::enqueue_all(jobs, &self.queue).await?;
            }};
        }
        match limit {
            Limit::Nothing => return Err("no limit is no limit".into()),
            Limit::All => all!(Limited, 0),
            Limit::OnePerKey(keys) => all!(OnePerKey, keys),
            Limit::TenPerKey(keys) => all!(TenPerKey, keys),
            Limit::InOrder(keys) => all!(InOrder, keys),
        }
        Ok(())
    }
}

fn payload(job: NewJob) -> Measured {
    let Payload { id, due, data } = job.payload;
    Measured { id, due, data }
}

fn placed(job: NewJob) -> simple_queue::Enqueue<Measured> {
    let Placement { urgency, queue, .. } = job.placement;
    let delay = job.placement.delay();
    let mut placed =
        simple_queue::Enqueue::new(payload(job)).queue(name_of(queue)).priority(priority(urgency));
    if !delay.is_zero() {
        placed = placed.delay(delay);
    }
    placed
}

fn name_of(queue: usize) -> String {
    if queue == 0 { "bench".to_owned() } else { format!("bench-{queue}") }
}

const fn priority(urgency: Urgency) -> i16 {
    match urgency {
        Urgency::Urgent => -1,
        Urgency::Usual => 0,
        Urgency::Low => 1,
    }
}
