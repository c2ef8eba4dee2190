//! What every contestant's handler does.

use std::{
    fs::File,
    io::Write,
    path::PathBuf,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
    time::{Duration, Instant},
};

use serde::{Deserialize, Serialize};

use super::{Payload, Result};
use crate::clock::now_ns;

/// What the handler does besides decoding and counting.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub(crate) struct HandlerKind {
    /// How long it takes; not with the jobs of which it notes when they began.
    pub(crate) job_ms: u64,
    /// It notes when each job with a smaller number than this began.
    pub(crate) arrivals_below: u64,
    /// The number of jobs of which each tenth is timed when it is done; 0 times none.
    pub(crate) tenths_of: u64,
    /// A file that gets the number of each job that begins, and keeps it when the process is killed.
    pub(crate) log: Option<PathBuf>,
}

/// When jobs ran, since the last time that was asked.
#[derive(Debug, Default, Serialize, Deserialize)]
pub(crate) struct Times {
    /// The number of each job, and how many microseconds after it was due it began.
    pub(crate) late_us: Vec<(u64, i64)>,
    /// When the first job and each tenth of all were done, on the machine's monotonic clock.
    pub(crate) tenths_ns: Vec<u64>,
}

/// Counts the runs of a worker's handler. A cheap clone.
#[derive(Debug, Clone, Default)]
pub struct Probe {
    inner: Arc<Inner>,
}

#[derive(Debug, Default)]
struct Inner {
    finished: AtomicU64,
    job: Duration,
    arrivals_below: u64,
    tenths_of: u64,
    times: Mutex<Times>,
    log: Option<File>,
}

impl Probe {
    pub(crate) fn new(kind: &HandlerKind) -> Result<Self> {
        let log = match &kind.log {
            Some(path) => Some(
                File::options()
                    .create(true)
                    .append(true)
                    .open(path)
                    .map_err(|error| format!("the log of runs {}: {error}", path.display()))?,
            ),
            None => None,
        };
        let inner = Inner {
            job: Duration::from_millis(kind.job_ms),
            arrivals_below: kind.arrivals_below,
            tenths_of: kind.tenths_of,
            log,
            ..Inner::default()
        };
        Ok(Self { inner: Arc::new(inner) })
    }

    /// One run of the handler.
    ///
    /// # Errors
    /// When the run cannot be logged.
    pub async fn run(&self, payload: &Payload) -> std::io::Result<()> {
        let inner = &*self.inner;
        let is_timed = payload.id < inner.arrivals_below;
        if is_timed {
            let late = i64::try_from(now_ns()).unwrap_or(i64::MAX)
                - i64::try_from(payload.due).unwrap_or(i64::MAX);
            self.times().late_us.push((payload.id, late / 1000));
        }
        if let Some(mut log) = inner.log.as_ref() {
            // One write of a few bytes to a file that is only appended to is whole, whichever other process writes.
            log.write_all(format!("{}\n", payload.id).as_bytes())?;
        }
        if !inner.job.is_zero() && !is_timed {
            tokio::time::sleep(inner.job).await;
        }
        let before = inner.finished.fetch_add(1, Ordering::Relaxed);
        if inner.tenths_of > 0 && ends_tenth(before + 1, inner.tenths_of) {
            self.times().tenths_ns.push(now_ns());
        }
        Ok(())
    }

    /// What the bench itself adds to each job of every contestant, in microseconds: the count and, in a job that
    /// is timed, the clock.
    ///
    /// # Errors
    /// Never: these runs are not logged.
    pub(crate) async fn cost_us(is_timed: bool) -> std::io::Result<f64> {
        const RUNS: u32 = 50_000;
        let arrivals_below = if is_timed { u64::MAX } else { 0 };
        let inner = Inner { arrivals_below, ..Inner::default() };
        let (probe, payload) = (Self { inner: Arc::new(inner) }, Payload::new(0, 0));
        let begun = Instant::now();
        for _ in 0..RUNS {
            probe.run(std::hint::black_box(&payload)).await?;
        }
        Ok(begun.elapsed().as_secs_f64() * 1e6 / f64::from(RUNS))
    }

    pub(crate) fn finished(&self) -> u64 {
        self.inner.finished.load(Ordering::Relaxed)
    }

    pub(crate) fn take_times(&self) -> Times {
        std::mem::take(&mut *self.times())
    }

    fn times(&self) -> MutexGuard<'_, Times> {
        self.inner.times.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Whether a job is the first, or the last of a tenth.
const fn ends_tenth(nth: u64, of: u64) -> bool {
    nth == 1 || (nth <= of && nth * 10 / of != (nth - 1) * 10 / of)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_job_and_the_last_of_each_tenth_are_noted() {
        let noted = |of| (1..=of + 5).filter(|&nth| ends_tenth(nth, of)).collect::<Vec<u64>>();
        assert_eq!(noted(100), [1, 10, 20, 30, 40, 50, 60, 70, 80, 90, 100]);
        assert_eq!(noted(25), [1, 3, 5, 8, 10, 13, 15, 18, 20, 23, 25]);
    }

    #[tokio::test]
    async fn timed_jobs_take_no_time_and_the_others_do() {
        let kind = HandlerKind { job_ms: 20, arrivals_below: 10, ..HandlerKind::default() };
        let probe = Probe::new(&kind).unwrap();
        let begun = Instant::now();
        probe.run(&Payload::new(9, now_ns())).await.unwrap();
        assert_eq!(probe.take_times().late_us.len(), 1);
        probe.run(&Payload::new(10, now_ns())).await.unwrap();
        assert!(begun.elapsed() >= Duration::from_millis(20));
        assert_eq!((probe.take_times().late_us.len(), probe.finished()), (0, 2));
    }
}
