//! Takes calls out of the files when the database is back, and takes over files of processes that
//! have died.

use std::{
    collections::HashSet,
    io::{self, ErrorKind, Write as _},
    path::{Path, PathBuf},
    sync::Arc,
};

use serde_json::json;
use tokio::task;

use super::{
    call::{Call, Kept, text_of},
    log::{Files, Log},
    segment::{Entry, Reader, Segment, TakenOver},
};
use crate::{row::NewJob, telemetry};

/// 1,000 jobs and 4 MiB, about the most that a batch has: what one statement writes.
const BATCH_JOBS: u64 = 1000;
const BATCH_BYTES: u64 = 4 << 20;

/// The oldest calls of a file.
#[derive(Debug)]
pub(super) struct Batch {
    path: PathBuf,
    /// Where the calls end in the file.
    end: u64,
    /// The jobs to insert.
    pub(super) jobs: Vec<NewJob>,
    /// What cannot be inserted, and why.
    pub(super) refused: Vec<(String, String)>,
}

impl Log {
    /// Returns the oldest calls; `None` if no call waits.
    ///
    /// A caller inserts them and then calls [`Log::stored`].
    pub(super) async fn next_batch(self: &Arc<Self>) -> io::Result<Option<Batch>> {
        self.blocking(|log| {
            let Some((path, calls, mut reader)) = log.oldest()? else { return Ok(None) };
            let (mut jobs, mut refused) = (Vec::new(), Vec::new());
            for &entry in &calls {
                match read(&mut reader, entry)? {
                    Ok(call) => {
                        let Call { asked, jobs: kept } = call;
                        for job in kept {
                            match job.into_row(asked) {
                                Ok(row) => jobs.push(row),
                                Err(unknown) => {
                                    refused.push((text_of(&unknown.0)?, unknown.1));
                                }
                            }
                        }
                    }
                    Err(text) => refused.push(text),
                }
            }
            let end = calls.last().map_or(0, |call| call.at + call.bytes);
            Ok(Some(Batch { path, end, jobs, refused }))
        })
        .await
    }

    /// The oldest calls of the first file that has any. Files without any are removed.
    fn oldest(&self) -> io::Result<Option<(PathBuf, Vec<Entry>, Reader)>> {
        let mut files = self.files.lock();
        while let Some(done) = files.full.pop_front_if(|segment| segment.calls.is_empty()) {
            self.directory.remove(&done.path)?;
        }
        let segment = files.full.front().or(files.active.as_ref());
        let Some(segment) = segment.filter(|segment| !segment.calls.is_empty()) else {
            return Ok(None);
        };
        let (mut jobs, mut bytes) = (0, 0);
        let fits = |call: &&Entry| {
            jobs += call.jobs;
            bytes += call.bytes;
            jobs <= BATCH_JOBS && bytes <= BATCH_BYTES
        };
        let most = std::cmp::max(1, segment.calls.iter().take_while(fits).count());
        let calls = segment.calls.iter().take(most).copied().collect();
        Ok(Some((segment.path.clone(), calls, segment.reader()?)))
    }

    /// Keeps what the database refused in a file beside, with the reasons, and records that the batch
    /// is done. The file is removed when it was the last one.
    pub(super) async fn stored(
        self: &Arc<Self>,
        batch: Batch,
        refused: Vec<(NewJob, String)>,
    ) -> io::Result<()> {
        self.blocking(move |log| {
            let of_rows = refused
                .iter()
                .map(|(job, reason)| text_of(&Kept::of(job)).map(|text| (text, reason.clone())));
            let aside = of_rows.collect::<Result<Vec<_>, _>>()?;
            let aside: Vec<_> = batch.refused.into_iter().chain(aside).collect();
            if !aside.is_empty() {
                log.set_aside(&batch.path, &aside)?;
            }
            log.advance(&batch.path, batch.end)
        })
        .await
    }

    fn set_aside(&self, jobs: &Path, refused: &[(String, String)]) -> io::Result<()> {
        let mut lines = String::new();
        for (text, reason) in refused {
            let job = serde_json::from_str(text).unwrap_or_else(|_| json!(text));
            lines.push_str(&text_of(&json!({ "reason": reason, "job": job }))?);
            lines.push('\n');
        }
        let mut beside = self.directory.open_beside(jobs, "rejected")?;
        beside.write_all(lines.as_bytes())?;
        beside.sync_all()?;
        telemetry::spool::set_aside(&jobs.with_extension("rejected").display(), refused.len());
        Ok(())
    }

    /// Records that the calls before this offset are done. A caller that was dropped may have its batch
    /// recorded later than that of the next one, so it goes by the offset and not by a number.
    fn advance(&self, path: &Path, end: u64) -> io::Result<()> {
        let mut files = self.files.lock();
        let Files { active, full, .. } = &mut *files;
        let is_active = active.as_ref().is_some_and(|active| active.path == *path);
        let segment = if is_active {
            active.as_mut()
        } else {
            full.iter_mut().find(|segment| segment.path == *path)
        };
        let Some(segment) = segment else { return Ok(()) };
        let calls = segment.calls.partition_point(|call| call.at < end);
        let is_done = segment.calls.len() == calls;
        if !is_done && let Err(error) = segment.mark(end) {
            // Without it a crash repeats the batch, and its ids make that harmless. A full disk may be the reason.
            telemetry::spool::not_marked(&segment.path.display(), &error);
        }
        let done: Vec<Entry> = segment.calls.drain(..calls).collect();
        // Locked until it is removed, so that no other process takes it over.
        let removed = match is_done {
            true if is_active => active.take(),
            true => {
                let at = full.iter().position(|segment| segment.path == *path);
                at.and_then(|at| full.remove(at))
            }
            false => None,
        };
        let next = full.iter().chain(&*active).find_map(|segment| segment.calls.front());
        let mut waiting = self.waiting.lock();
        waiting.oldest = next.and_then(|call| call.asked);
        for Entry { jobs, bytes, .. } in done {
            waiting.jobs -= jobs;
            waiting.bytes -= bytes;
        }
        drop(waiting);
        removed.map_or(Ok(()), |removed| self.directory.remove(&removed.path))
    }

    /// Takes over the files of processes that have died.
    ///
    /// One caller at a time does. A file that cannot be read keeps no other from being read.
    pub(super) async fn take_over(self: &Arc<Self>) -> io::Result<()> {
        self.blocking(|log| {
            let known: HashSet<PathBuf> = {
                let files = log.files.lock();
                let ours = files.full.iter().chain(&files.active).map(|segment| &segment.path);
                ours.chain(&files.foreign).cloned().collect()
            };
            for path in log.directory.list()?.into_iter().filter(|path| !known.contains(path)) {
                match log.take_over_one(&path) {
                    Ok(()) => {}
                    Err(error) => {
                        telemetry::spool::not_taken_over(&path.display(), &error);
                        if error.kind() == ErrorKind::PermissionDenied {
                            log.files.lock().foreign.insert(path);
                        }
                    }
                }
            }
            Ok(())
        })
        .await
    }

    fn take_over_one(&self, path: &Path) -> io::Result<()> {
        let Some(file) = self.directory.take_over(path)? else { return Ok(()) };
        match Segment::take_over(&self.directory, &self.origin, path, file)? {
            TakenOver::Segment(segment) => {
                let jobs = self.count_in(&segment);
                telemetry::spool::taken_over(&path.display(), jobs);
                let full = &mut self.files.lock().full;
                let at = full.partition_point(|other| other.path < segment.path);
                full.insert(at, segment);
            }
            TakenOver::Empty => {}
            TakenOver::Foreign => {
                telemetry::spool::foreign(&path.display());
                self.files.lock().foreign.insert(path.to_owned());
            }
        }
        Ok(())
    }

    fn count_in(&self, segment: &Segment) -> u64 {
        let mut waiting = self.waiting.lock();
        let mut found = 0;
        for Entry { jobs, bytes, asked, .. } in &segment.calls {
            found += jobs;
            waiting.jobs += jobs;
            waiting.bytes += bytes;
            waiting.oldest = match (waiting.oldest, *asked) {
                (Some(a), Some(b)) => Some(std::cmp::min(a, b)),
                (a, b) => a.or(b),
            };
        }
        found
    }

    /// Works with the files on a thread that may block.
    async fn blocking<T: Send + 'static>(
        self: &Arc<Self>,
        work: impl FnOnce(&Self) -> io::Result<T> + Send + 'static,
    ) -> io::Result<T> {
        let log = Arc::clone(self);
        let done = task::spawn_blocking(move || work(&log)).await;
        done.unwrap_or_else(|error| Err(io::Error::other(error)))
    }
}

/// Reads a call, or returns its text and why it cannot be read.
fn read(reader: &mut Reader, entry: Entry) -> io::Result<Result<Call<'static>, (String, String)>> {
    let Some(body) = reader.read(entry)? else {
        let raw = String::from_utf8_lossy(&reader.raw(entry)?).into_owned();
        return Ok(Err((raw, "the file is damaged here".to_owned())));
    };
    Ok(serde_json::from_slice(&body).map_err(|error| {
        // A later release may have written it, and the error may quote a value.
        let problem = format!("this release cannot read it: {:?} error", error.classify());
        (String::from_utf8_lossy(&body).into_owned(), problem)
    }))
}
