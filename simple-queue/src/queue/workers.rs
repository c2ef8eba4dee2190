//! The workers that this process has started on a queue, and what they report.

use std::{
    sync::{
        Arc, Weak,
        atomic::{AtomicBool, Ordering},
    },
    time::Instant,
};

use parking_lot::Mutex;

use super::health::Unhealthy;

/// A worker, which knows its health without asking the database.
pub(crate) trait Reports: Send + Sync {
    /// Whether it fetches no more jobs.
    fn is_over(&self) -> bool;

    /// Returns the reasons why it is not ready.
    fn problems(&self) -> Vec<Unhealthy>;
}

/// The workers that this process has started on a queue.
#[derive(Default)]
pub(crate) struct Workers {
    has_started: AtomicBool,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    workers: Vec<Weak<dyn Reports>>,
    /// Start of a worker that is not among them yet.
    pending_since: Option<Instant>,
    /// Why a worker ended by itself; cleared when another one is started.
    ended: Option<String>,
}

impl Workers {
    pub(crate) fn has_started(&self) -> bool {
        self.has_started.load(Ordering::Acquire)
    }

    pub(crate) fn note_start(&self) {
        self.has_started.store(true, Ordering::Release);
        self.state.lock().pending_since.get_or_insert_with(Instant::now);
    }

    /// A worker has ended by itself, and may be gone before it is asked.
    pub(crate) fn note_end(&self, problem: String) {
        self.state.lock().ended.get_or_insert(problem);
    }

    pub(crate) fn add<R: Reports + 'static>(&self, worker: &Arc<R>) {
        let worker: Weak<R> = Arc::downgrade(worker);
        let mut state = self.state.lock();
        state.workers.retain(|worker| worker.upgrade().is_some_and(|worker| !worker.is_over()));
        state.workers.push(worker);
        (state.pending_since, state.ended) = (None, None);
    }

    pub(super) fn problems(&self) -> Vec<Unhealthy> {
        let (workers, pending_since, ended) = {
            let state = self.state.lock();
            let workers: Vec<_> = state.workers.iter().filter_map(Weak::upgrade).collect();
            (workers, state.pending_since, state.ended.clone())
        };
        let mut problems: Vec<_> =
            ended.into_iter().map(|problem| Unhealthy::WorkerEnded { problem }).collect();
        if let Some(since) = pending_since {
            problems.push(Unhealthy::Starting { elapsed: since.elapsed(), problem: None });
        }
        let (over, working): (Vec<_>, Vec<_>) =
            workers.into_iter().partition(|worker| worker.is_over());
        problems.extend(working.iter().flat_map(|worker| worker.problems()));
        // One that was told to stop is missed only where no other one works.
        if working.is_empty() && problems.is_empty() {
            problems.extend(over.iter().flat_map(|worker| worker.problems()));
            if problems.is_empty() {
                problems.push(Unhealthy::Stopped);
            }
        }
        problems
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    struct Known(Vec<Unhealthy>);

    impl Reports for Known {
        fn is_over(&self) -> bool {
            self.0 == [Unhealthy::Stopped]
        }

        fn problems(&self) -> Vec<Unhealthy> {
            self.0.clone()
        }
    }

    #[test]
    fn a_worker_that_ended_by_itself_is_told_of_when_it_is_gone_until_another_is_started() {
        let workers = Workers::default();
        workers.note_start();
        workers.add(&Arc::new(Known(Vec::new())));
        assert_eq!(workers.problems(), [Unhealthy::Stopped], "it is gone");
        workers.note_end("its poller panicked".to_owned());
        let ended = Unhealthy::WorkerEnded { problem: "its poller panicked".to_owned() };
        assert_eq!(workers.problems(), [ended]);
        let working = Arc::new(Known(Vec::new()));
        workers.add(&working);
        assert_eq!(workers.problems(), []);
    }

    #[test]
    fn a_worker_that_was_told_to_stop_is_missed_only_where_no_other_one_works() {
        let workers = Workers::default();
        let (working, stopped) = (Known(Vec::new()), Known(vec![Unhealthy::Stopped]));
        let (working, stopped) = (Arc::new(working), Arc::new(stopped));
        workers.add(&working);
        workers.add(&stopped);
        assert_eq!(workers.problems(), []);
        drop(working);
        assert_eq!(workers.problems(), [Unhealthy::Stopped]);
    }
}
