//! What every contestant's handler does.

use std::{
    fs::File,
    io::Write,
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use super::{
    now_ns,
    protocol::{Arrivals, HandlerKind},
};
use crate::contestant::{Payload, Result};

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
    late_us: Mutex<Vec<(u64, i64)>>,
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
        if payload.id < inner.arrivals_below {
            let late = i64::try_from(now_ns()).unwrap_or(i64::MAX)
                - i64::try_from(payload.due).unwrap_or(i64::MAX);
            inner
                .late_us
                .lock()
                .unwrap_or_else(PoisonError::into_inner)
                .push((payload.id, late / 1000));
        }
        if let Some(mut log) = inner.log.as_ref() {
            // One write of a few bytes to a file that is only appended to: whole, whoever else writes.
            log.write_all(format!("{}\n", payload.id).as_bytes())?;
        }
        if !inner.job.is_zero() {
            tokio::time::sleep(inner.job).await;
        }
        inner.finished.fetch_add(1, Ordering::Relaxed);
        Ok(())
    }

    pub(super) fn finished(&self) -> u64 {
        self.inner.finished.load(Ordering::Relaxed)
    }

    pub(super) fn take_arrivals(&self) -> Arrivals {
        let mut late_us = self.inner.late_us.lock().unwrap_or_else(PoisonError::into_inner);
        Arrivals { late_us: std::mem::take(&mut *late_us) }
    }
}
