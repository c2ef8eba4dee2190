//! What the library says, for a test that is looked into: `RUST_LOG=simple_queue=debug cargo test …`

use std::{
    io,
    sync::{
        Arc, Once,
        atomic::{AtomicUsize, Ordering},
    },
};

use tracing_subscriber::EnvFilter;

/// Once for the binary; without `RUST_LOG` nothing is said.
pub(crate) fn init() {
    static INIT: Once = Once::new();
    INIT.call_once(|| {
        if std::env::var_os("RUST_LOG").is_some() {
            tracing_subscriber::fmt()
                .with_env_filter(EnvFilter::from_default_env())
                .with_test_writer()
                .init();
        }
    });
}

/// Counts what is logged on this thread, on which a test with its tasks runs.
#[derive(Clone, Default)]
pub(crate) struct Logged(Arc<AtomicUsize>);

impl Logged {
    /// From now on, until what it returns is dropped.
    pub(crate) fn begin(self) -> tracing::subscriber::DefaultGuard {
        let subscriber = tracing_subscriber::fmt().with_writer(move || self.clone()).finish();
        tracing::subscriber::set_default(subscriber)
    }

    /// How many bytes there were.
    pub(crate) fn bytes(&self) -> usize {
        self.0.load(Ordering::Relaxed)
    }
}

impl io::Write for Logged {
    fn write(&mut self, text: &[u8]) -> io::Result<usize> {
        self.0.fetch_add(text.len(), Ordering::Relaxed);
        Ok(text.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
