//! Coalesces calls: they leave their work for one task, which does much of it together.
//!
//! No timer is involved. The first call starts the task. Work that arrives while the task is busy
//! is its next batch. The task ends when nothing is left.

use std::{mem, sync::Arc};

use parking_lot::Mutex;

/// Work that is left for the task.
pub(super) trait Pending {
    /// One batch of work.
    type Batch;

    /// Takes the next batch. `None` means that nothing is left, which ends the task.
    fn take(&mut self) -> Option<Self::Batch>;

    /// Called when the task is gone with its runtime, perhaps before it began.
    fn abandoned(&mut self) {}
}

/// Work for a task, of which at most one runs.
#[derive(Debug, Default)]
pub(super) struct Coalesced<P>(Arc<Mutex<State<P>>>);

#[derive(Debug, Default)]
struct State<P> {
    pending: P,
    /// Whether a task is at work. It takes what is left before it ends.
    has_task: bool,
}

impl<P: Pending> Coalesced<P> {
    /// Leaves work. If no task is at work, returns what the caller must spawn one with.
    pub(super) fn leave(&self, leave: impl FnOnce(&mut P)) -> Option<Batches<P>> {
        let mut state = self.0.lock();
        leave(&mut state.pending);
        let has_task = mem::replace(&mut state.has_task, true);
        (!has_task).then(|| Batches { state: Arc::clone(&self.0), ended: false })
    }

    /// Accesses what is left; the second argument is whether a task is at work.
    pub(super) fn look<R>(&self, look: impl FnOnce(&mut P, bool) -> R) -> R {
        let State { pending, has_task } = &mut *self.0.lock();
        look(pending, *has_task)
    }
}

/// The batches of the one task. If this is dropped before its end, the next call starts another
/// task.
pub(super) struct Batches<P: Pending> {
    state: Arc<Mutex<State<P>>>,
    ended: bool,
}

impl<P: Pending> Batches<P> {
    /// Returns the next batch; `None` at the end.
    pub(super) fn next(&mut self) -> Option<P::Batch> {
        let mut state = self.state.lock();
        let batch = state.pending.take();
        // Under the same lock as the look at what is left, so that work which arrives later starts
        // a task.
        state.has_task = batch.is_some();
        self.ended = batch.is_none();
        batch
    }
}

impl<P: Pending> Drop for Batches<P> {
    fn drop(&mut self) {
        if !self.ended {
            let mut state = self.state.lock();
            state.has_task = false;
            state.pending.abandoned();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Default)]
    struct Numbers {
        left: Vec<i32>,
        abandoned: usize,
    }

    impl Pending for Numbers {
        type Batch = Vec<i32>;

        fn take(&mut self) -> Option<Vec<i32>> {
            (!self.left.is_empty()).then(|| mem::take(&mut self.left))
        }

        fn abandoned(&mut self) {
            self.abandoned += 1;
        }
    }

    fn leave(numbers: &Coalesced<Numbers>, number: i32) -> Option<Batches<Numbers>> {
        numbers.leave(|numbers| numbers.left.push(number))
    }

    #[test]
    fn what_is_left_while_the_task_works_is_its_next_batch() {
        let numbers = Coalesced::<Numbers>::default();
        let mut task = leave(&numbers, 1).expect("no task is at work");
        assert_eq!(task.next(), Some(vec![1]));
        assert!(leave(&numbers, 2).is_none() && leave(&numbers, 3).is_none());
        assert_eq!(task.next(), Some(vec![2, 3]));
        assert_eq!(task.next(), None);
        let mut second = leave(&numbers, 4).expect("the first task has seen that nothing is left");
        drop(task);
        assert!(numbers.look(|numbers, has_task| has_task && numbers.abandoned == 0));
        assert_eq!(second.next(), Some(vec![4]));
    }

    #[test]
    fn a_task_that_is_dropped_before_its_end_leaves_its_place_to_another() {
        let numbers = Coalesced::<Numbers>::default();
        drop(leave(&numbers, 1));
        assert!(numbers.look(|numbers, has_task| !has_task && numbers.abandoned == 1));
        let mut task = leave(&numbers, 2).expect("the first task is gone");
        assert_eq!(task.next(), Some(vec![1, 2]));
    }
}
