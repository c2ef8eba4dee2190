//! The files of a spool: who appends, how much there is, what is read and removed.

use std::{
    collections::{HashSet, VecDeque},
    io,
    path::PathBuf,
    sync::Arc,
};

use parking_lot::Mutex;
use tokio::{sync::oneshot, task};

use super::{
    Spool,
    call::Asked,
    directory::Directory,
    segment::{Framed, Origin, Segment},
};
use crate::{
    enqueue::coalesced::{Batches, Coalesced, Pending},
    telemetry,
};

/// 8 MiB, from which on a file gets no more jobs. So what is in the database is removed in parts.
const SEGMENT_BYTES: u64 = 8 << 20;

/// 8 MiB, about the most that one write to the disk has.
const BATCH_BYTES: usize = 8 << 20;

/// Why a call was not kept.
#[derive(Debug, Clone, thiserror::Error)]
pub(crate) enum NotKept {
    #[error("the spool is full: {0}")]
    Full(String),
    #[error("the spool cannot be written: {0}")]
    Io(Arc<io::Error>),
    #[error("the runtime that wrote the spool has ended")]
    Abandoned,
}

/// What waits in the files of this process.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Waiting {
    pub(super) jobs: u64,
    pub(super) bytes: u64,
    pub(super) oldest: Option<Asked>,
}

/// The files of one queue in this process.
#[derive(Debug)]
pub(super) struct Log {
    pub(super) directory: Directory,
    pub(super) origin: Origin,
    limits: Spool,
    pending: Coalesced<PendingCalls>,
    /// Held while files are written, so only by threads that may block.
    pub(super) files: Mutex<Files>,
    /// Never held for long.
    pub(super) waiting: Mutex<Waiting>,
}

#[derive(Debug, Default)]
pub(super) struct Files {
    /// The one that gets new calls.
    pub(super) active: Option<Segment>,
    /// Those that get no more, the oldest first.
    pub(super) full: VecDeque<Segment>,
    /// Files of others that hold jobs of another database.
    pub(super) foreign: HashSet<PathBuf>,
}

#[derive(Debug, Default)]
struct PendingCalls(VecDeque<(Framed, Answer)>);

type Answer = oneshot::Sender<Result<(), NotKept>>;

impl Pending for PendingCalls {
    type Batch = Vec<(Framed, Answer)>;

    fn take(&mut self) -> Option<Self::Batch> {
        let mut bytes = 0;
        let fits = |(call, _): &&(Framed, Answer)| {
            bytes += call.record.len();
            bytes <= BATCH_BYTES
        };
        let most = std::cmp::max(1, self.0.iter().take_while(fits).count());
        (!self.0.is_empty()).then(|| self.0.drain(..most).collect())
    }

    /// Dropping the senders tells the waiting callers.
    fn abandoned(&mut self) {
        self.0.clear();
    }
}

impl Log {
    pub(super) fn new(directory: Directory, origin: Origin, limits: Spool) -> Self {
        let (pending, files, waiting) = (Coalesced::default(), Mutex::default(), Mutex::default());
        Self { directory, origin, limits, pending, files, waiting }
    }

    pub(super) fn waiting(&self) -> Waiting {
        *self.waiting.lock()
    }

    /// Appends a call. Calls that come while a write is in flight share the next one.
    ///
    /// When it returns, the jobs survive a loss of power. A call that is dropped may be kept.
    pub(super) async fn append(self: &Arc<Self>, call: Framed) -> Result<(), NotKept> {
        let (answer, answered) = oneshot::channel();
        if let Some(batches) = self.pending.leave(|pending| pending.0.push_back((call, answer))) {
            let log = Arc::clone(self);
            task::spawn_blocking(move || log.write(batches));
        }
        answered.await.unwrap_or(Err(NotKept::Abandoned))
    }

    fn write(&self, mut batches: Batches<PendingCalls>) {
        while let Some(batch) = batches.next() {
            let mut files = self.files.lock();
            let (calls, answers) = self.refuse_surplus(batch);
            let kept = if calls.is_empty() { Ok(()) } else { self.write_to(&mut files, &calls) };
            drop(files);
            for answer in answers {
                if answer.send(kept.clone()).is_err() {
                    telemetry::enqueue::caller_gone();
                }
            }
        }
    }

    /// Answers the calls for which there is no room, and returns the others.
    fn refuse_surplus(&self, batch: Vec<(Framed, Answer)>) -> (Vec<Framed>, Vec<Answer>) {
        let (mut calls, mut answers) = (Vec::new(), Vec::new());
        let mut waiting = self.waiting();
        for (call, answer) in batch {
            if let Err(full) = self.has_room(&waiting, &call) {
                if answer.send(Err(full)).is_err() {
                    telemetry::enqueue::caller_gone();
                }
                continue;
            }
            waiting.jobs += call.jobs;
            waiting.bytes += call.record.len() as u64;
            calls.push(call);
            answers.push(answer);
        }
        (calls, answers)
    }

    fn has_room(&self, waiting: &Waiting, call: &Framed) -> Result<(), NotKept> {
        let Spool { max_bytes, max_jobs, max_age, .. } = self.limits;
        // Without a number that changes with each call, so that it is logged once.
        let full = |problem: String| Err(NotKept::Full(problem));
        let (jobs, bytes) = (waiting.jobs + call.jobs, waiting.bytes + call.record.len() as u64);
        if jobs > max_jobs {
            return full(format!("more jobs would wait than `max_jobs`, which is {max_jobs}"));
        }
        if bytes > max_bytes {
            return full(format!("more bytes would wait than `max_bytes`, which is {max_bytes}"));
        }
        match waiting.oldest.map(Asked::age) {
            Some(age) if age > max_age => full(format!(
                "the oldest job has waited for longer than `max_age`, which is {max_age:?}"
            )),
            _ => Ok(()),
        }
    }

    fn write_to(&self, files: &mut Files, calls: &[Framed]) -> Result<(), NotKept> {
        let failed = |error: io::Error| NotKept::Io(Arc::new(error));
        if let Some(full) = files.active.take_if(|active| active.length() >= SEGMENT_BYTES) {
            files.full.push_back(full);
        }
        let active = match &mut files.active {
            Some(active) => active,
            none => none.insert(Segment::create(&self.directory, &self.origin).map_err(failed)?),
        };
        if let Err(error) = active.append(calls) {
            if let Some(broken) = files.active.take_if(|active| active.is_broken()) {
                files.full.push_back(broken);
            }
            return Err(failed(error));
        }
        let mut waiting = self.waiting.lock();
        for Framed { record, jobs, asked } in calls {
            waiting.jobs += jobs;
            waiting.bytes += record.len() as u64;
            waiting.oldest.get_or_insert(*asked);
        }
        Ok(())
    }
}
