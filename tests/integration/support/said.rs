//! What the library says on this thread.

use std::{
    io,
    sync::{Arc, Mutex, PoisonError},
};

use tracing::subscriber::DefaultGuard;
use tracing_subscriber::fmt::MakeWriter;

/// The log of the thread of a test, and so of all its tasks where the runtime has one thread.
#[derive(Clone, Default)]
pub(crate) struct Said(Arc<Mutex<Vec<u8>>>);

impl Said {
    /// Listens to this thread until the guard is dropped.
    pub(crate) fn here() -> (Self, DefaultGuard) {
        let said = Self::default();
        let subscriber =
            tracing_subscriber::fmt().with_ansi(false).with_writer(said.clone()).finish();
        (said, tracing::subscriber::set_default(subscriber))
    }

    /// How often it was said.
    pub(crate) fn count(&self, text: &str) -> usize {
        String::from_utf8_lossy(&self.bytes()).matches(text).count()
    }

    /// How many bytes were said.
    pub(crate) fn length(&self) -> usize {
        self.bytes().len()
    }

    fn bytes(&self) -> std::sync::MutexGuard<'_, Vec<u8>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl<'w> MakeWriter<'w> for Said {
    type Writer = Self;

    fn make_writer(&'w self) -> Self {
        self.clone()
    }
}

impl io::Write for Said {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.bytes().extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
