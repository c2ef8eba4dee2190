use std::{
    fmt, io,
    sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError},
};

use tracing::{Dispatch, subscriber::DefaultGuard};
use tracing_subscriber::{
    filter::dynamic_filter_fn, fmt::MakeWriter, layer::SubscriberExt as _, registry,
};

/// What is logged on the thread of a test, and so by all its tasks where the runtime has one thread.
#[derive(Clone, Default)]
pub struct Log(Arc<Mutex<Vec<u8>>>);

impl Log {
    /// Records the log of this thread until the guard is dropped.
    #[must_use]
    pub fn of_this_thread() -> (Self, DefaultGuard) {
        ask_every_time();
        let log = Self::default();
        let subscriber =
            tracing_subscriber::fmt().with_ansi(false).with_writer(log.clone()).finish();
        (log, tracing::subscriber::set_default(subscriber))
    }

    /// How often the log has this text.
    #[must_use]
    pub fn count(&self, text: &str) -> usize {
        String::from_utf8_lossy(&self.bytes()).matches(text).count()
    }

    /// The length of the log in bytes.
    #[must_use]
    pub fn length(&self) -> usize {
        self.bytes().len()
    }

    fn bytes(&self) -> MutexGuard<'_, Vec<u8>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Makes each thread say by itself whether it wants a log line.
///
/// Without this, the thread that comes first to a line decides for all, because `tracing` keeps the
/// answer; a log that another thread begins at the same moment misses the line. Two subscribers that
/// take nothing and never decide for good prevent it: with one alone, `tracing` asks only the thread.
/// Call it before anything is logged.
pub fn ask_every_time() {
    static UNDECIDED: OnceLock<[Dispatch; 2]> = OnceLock::new();
    UNDECIDED.get_or_init(|| {
        let undecided = || registry().with(dynamic_filter_fn(|_, _| false)).into();
        [undecided(), undecided()]
    });
}

impl fmt::Debug for Log {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&String::from_utf8_lossy(&self.bytes()))
    }
}

impl<'w> MakeWriter<'w> for Log {
    type Writer = Self;

    fn make_writer(&'w self) -> Self {
        self.clone()
    }
}

impl io::Write for Log {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.bytes().extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
