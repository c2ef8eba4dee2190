//! The numbers and names that pages show, read once for all visitors, and only while there are viewers.

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use chrono::{DateTime, Utc};
use parking_lot::Mutex;
use simple_queue::{Admin, Count, Error, JobFilter, Rights, SimpleQueue};
use tokio::sync::{Notify, watch};

/// How many jobs there are in each state.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Sample {
    pub(crate) at: DateTime<Utc>,
    pub(crate) waiting: Count,
    pub(crate) later: Count,
    pub(crate) running: Count,
    pub(crate) done: Count,
    pub(crate) dead: Count,
    pub(crate) names: Arc<Names>,
}

/// What can be searched for.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Names {
    pub(crate) queues: Vec<String>,
    pub(crate) kinds: Vec<String>,
}

/// What is not read for each sample.
struct Known {
    read: Instant,
    /// With the rights of the database role, so that it is asked for nothing that it may not read.
    admin: Admin,
    names: Arc<Names>,
    /// `None`: not so many that counting them ends early.
    done: Option<Count>,
    dead: Option<Count>,
}

/// 10 s without a look, after which no more numbers are taken.
const WATCHED_FOR: Duration = Duration::from_secs(10);

/// 150 ms, for which the first look waits for the first numbers.
const FIRST: Duration = Duration::from_millis(150);

/// 5 s between two samples, at least: a sample takes five counts.
const PAUSE: Duration = Duration::from_secs(5);

/// 1,000 running jobs, which are counted one by one.
const MOST_LISTED: usize = 1000;

/// 5,000 jobs that wait: behind fewer of them the running ones are looked for.
const LOOKED_THROUGH: u64 = 5000;

/// 30 s, for which names are remembered, and that there are very many jobs in a table of ended ones.
const KNOWN_FOR: Duration = Duration::from_secs(30);

/// 30 s, the longest pause between two samples.
const LONGEST_PAUSE: Duration = Duration::from_secs(30);

/// 10 times as long as a sample took is the pause after it, at least: so the samples take a tenth of one connection.
const PAUSE_BY: u32 = 10;

#[derive(Debug)]
pub(crate) struct Sampler {
    queue: SimpleQueue,
    admin: Admin,
    pause: Duration,
    /// When a page was last read; `None`: nothing samples.
    watched: Mutex<Option<Instant>>,
    /// Ends a pause.
    again: Notify,
    latest: watch::Sender<Option<Arc<Sample>>>,
}

impl Sampler {
    /// Takes numbers no more often than pages are refreshed.
    pub(crate) fn new(queue: SimpleQueue, admin: Admin, refresh: Duration) -> Arc<Self> {
        Arc::new(Self {
            queue,
            admin: admin.with_rights(Rights::READ_ONLY),
            pause: std::cmp::max(refresh, PAUSE),
            watched: Mutex::new(None),
            again: Notify::new(),
            latest: watch::Sender::new(None),
        })
    }

    /// The numbers as they were taken last, without waiting for more than a moment.
    pub(crate) async fn look(self: &Arc<Self>) -> Option<Arc<Sample>> {
        let mut latest = self.latest.subscribe();
        let begins = self.watched.lock().replace(Instant::now()).is_none();
        if begins {
            let sampler = Arc::clone(self);
            tokio::spawn(async move { sampler.run().await });
        }
        if latest.borrow().is_none() {
            // Numbers that are late are left out of this page, and are in the next one.
            drop(tokio::time::timeout(FIRST, latest.wait_for(Option::is_some)).await);
        }
        self.latest()
    }

    /// Takes new numbers now: an act has changed them.
    pub(crate) fn again(&self) {
        self.again.notify_one();
    }

    /// The numbers as they were taken last.
    pub(crate) fn latest(&self) -> Option<Arc<Sample>> {
        self.latest.borrow().clone()
    }

    async fn run(&self) {
        let mut known = None;
        while self.is_watched() {
            let begun = Instant::now();
            match self.sample(&mut known).await {
                Ok(sample) => drop(self.latest.send_replace(Some(Arc::new(sample)))),
                // The pages say it to their viewers.
                Err(error) => tracing::debug!(%error, "cannot count the jobs, trying again"),
            }
            let least = std::cmp::min(begun.elapsed() * PAUSE_BY, LONGEST_PAUSE);
            tokio::time::sleep(least).await;
            let rest = self.pause.saturating_sub(least);
            if tokio::time::timeout(rest, self.again.notified()).await.is_ok() {
                known = None;
            }
        }
    }

    fn is_watched(&self) -> bool {
        let mut watched = self.watched.lock();
        let is_watched = watched.is_some_and(|at| at.elapsed() < WATCHED_FOR);
        if !is_watched {
            *watched = None;
        }
        is_watched
    }

    async fn sample(&self, known: &mut Option<Known>) -> Result<Sample, Error> {
        let at = crate::now();
        let mut remembered = match known.take() {
            Some(known) if known.read.elapsed() < KNOWN_FOR => known,
            _ => self.known().await?,
        };
        let waiting = remembered.admin.count(&JobFilter::waiting()).await?;
        let later = remembered.admin.count(&JobFilter::later()).await?;
        let running = self.running(waiting.counted() + later.counted()).await?;
        let done = self.ended(&JobFilter::done(), &mut remembered.done).await?;
        let dead = self.ended(&JobFilter::dead(), &mut remembered.dead).await?;
        let Known { names, .. } = known.insert(remembered);
        Ok(Sample { at, waiting, later, running, done, dead, names: Arc::clone(names) })
    }

    /// No index leads to the running jobs: behind a long backlog they are those that the workers told of with their
    /// last heartbeats.
    async fn running(&self, backlog: u64) -> Result<Count, Error> {
        let listed = if backlog < LOOKED_THROUGH {
            let page = self.admin.find(&JobFilter::running()).limit(MOST_LISTED).await?;
            page.complete.then_some(page.jobs.len())
        } else {
            None
        };
        let running = match listed {
            Some(running) => running,
            None => self.queue.workers().await?.iter().map(|worker| worker.claimed).sum(),
        };
        Ok(Count::Exact(u64::try_from(running).unwrap_or(u64::MAX)))
    }

    /// Of very many jobs it is no news that there are still very many.
    async fn ended(&self, filter: &JobFilter, known: &mut Option<Count>) -> Result<Count, Error> {
        if let Some(many) = *known {
            return Ok(many);
        }
        let count = self.admin.count(filter).await?;
        *known = matches!(count, Count::AtLeast(_)).then_some(count);
        Ok(count)
    }

    async fn known(&self) -> Result<Known, Error> {
        let admin = self.admin.clone().for_role().await?;
        Ok(Known {
            read: Instant::now(),
            admin,
            names: self.names().await?,
            done: None,
            dead: None,
        })
    }

    async fn names(&self) -> Result<Arc<Names>, Error> {
        let queues = self.queue.queues().await?.into_iter().map(|queue| queue.name).collect();
        let kinds = self.queue.kinds().await?.into_iter().map(|kind| kind.kind).collect();
        Ok(Arc::new(Names { queues, kinds }))
    }
}
