//! A worker that starts whether or not its handle is awaited.

use std::{
    fmt,
    pin::Pin,
    task::{Context, Poll},
};

use super::WorkerHandle;
use crate::telemetry;

/// A worker that is starting; completes, with its handle, when the worker looks for jobs.
///
/// The worker starts without being awaited, and goes on when this value is dropped. Only where there is no tokio
/// runtime at the call does it start when it is first awaited in one.
pub struct Starting {
    starting: Pin<Box<dyn Future<Output = WorkerHandle> + Send>>,
    /// There was no runtime at the call, so nothing has begun.
    never_started: bool,
}

impl Starting {
    pub(super) fn new(starting: impl Future<Output = WorkerHandle> + Send + 'static) -> Self {
        let Ok(runtime) = tokio::runtime::Handle::try_current() else {
            return Self { starting: Box::pin(starting), never_started: true };
        };
        let task = runtime.spawn(starting);
        let starting = Box::pin(async move {
            match task.await {
                Ok(handle) => handle,
                Err(error) => match error.try_into_panic() {
                    Ok(panic) => std::panic::resume_unwind(panic),
                    // The runtime is shutting down, and this task with it.
                    Err(_) => std::future::pending().await,
                },
            }
        });
        Self { starting, never_started: false }
    }
}

impl Future for Starting {
    type Output = WorkerHandle;

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<WorkerHandle> {
        self.never_started = false;
        self.starting.as_mut().poll(context)
    }
}

impl Drop for Starting {
    fn drop(&mut self) {
        if self.never_started {
            telemetry::worker::started_outside_a_runtime();
        }
    }
}

impl fmt::Debug for Starting {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Starting").finish_non_exhaustive()
    }
}
