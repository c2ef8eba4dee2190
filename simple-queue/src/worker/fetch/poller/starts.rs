//! How claimed jobs start.

use std::sync::Arc;

use super::Poller;
use crate::{
    finalize::FinishedRun,
    queue::{config::Config, registry::Registered},
    stats::SeriesId,
    store::{Fetched, FetchedJob},
    worker::{Start, fetch::prefetch::PrefetchedJob, run::suspect::SUSPECT_FROM},
};

/// What is known of the jobs of one kind in one queue.
struct Known {
    queue: String,
    kind: String,
    handler: Arc<Registered>,
    series: Option<SeriesId>,
}

impl Poller {
    /// Starts the jobs for which there is a permit. The others are prefetched, or given back.
    pub(super) fn start(&self, fetched: Fetched, config: &Config) {
        let (worker, jobs) = (&self.worker, fetched.jobs);
        worker.running.insert(jobs.iter().map(|fetched| &fetched.claim));
        let mut ahead = Vec::new();
        let mut last = None;
        for mut fetched in jobs {
            let lease = fetched.claim.lease;
            let handler = self.known(&mut last, &mut fetched);
            // Only runnable jobs are requested. But a handler can be replaced in the meantime, its kind can be paused, and a
            // stop can begin.
            let Some(handler) = handler.filter(|_| !worker.stopping.is_cancelled()) else {
                worker.finish(FinishedRun::given_back(lease));
                continue;
            };
            match worker.permits.take(&fetched.job.queue, &handler, config) {
                Some(permit) => worker.spawn(Start { handler, fetched, permit }),
                // A waiting suspect must not delay other jobs. A job with a limit of its own, which two priorities can
                // reach together, must not delay jobs without one.
                // One of a key keeps others of its key from starting elsewhere.
                None if fetched.claim.crash_count >= SUSPECT_FROM
                    || lease.rule.is_some()
                    || handler.is_limited_here()
                    || !worker.permits.are_covered(&fetched.job.queue, &handler.limits, config) =>
                {
                    worker.finish(FinishedRun::given_back(lease));
                }
                None => ahead.push(PrefetchedJob::new(handler, fetched)),
            }
        }
        worker.prefetched.push(ahead);
    }

    /// The handler of a job that may start, whose counts are found too. Most jobs of a fetch are of one kind, so what was found last is
    /// tried before it is looked up.
    fn known(&self, last: &mut Option<Known>, fetched: &mut FetchedJob) -> Option<Arc<Registered>> {
        let (queue, kind) = (&fetched.job.queue, fetched.job.kind());
        let is_last = |known: &Known| known.queue == *queue && known.kind == kind;
        if !last.as_ref().is_some_and(is_last) {
            if self.worker.pauses.has(queue, kind) {
                return None;
            }
            let handler = self.worker.client.handler(queue, kind)?;
            let series = self.worker.tally.as_ref().map(|tally| tally.series(queue, kind));
            let (queue, kind) = (queue.clone(), kind.to_owned());
            *last = Some(Known { queue, kind, handler, series });
        }
        let known = last.as_ref()?;
        fetched.series = known.series;
        Some(Arc::clone(&known.handler))
    }

    /// Starts prefetched jobs for which permits have become free.
    pub(super) fn start_prefetched(&self, config: &Config) {
        while let Some((start, _)) = self.worker.next_prefetched(None, config, |_, _| None) {
            self.worker.spawn(start);
        }
    }
}
