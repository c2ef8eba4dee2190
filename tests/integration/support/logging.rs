//! What the library says, for a test that is looked into: `RUST_LOG=simple_queue=debug cargo test …`

use std::{
    io,
    sync::{Arc, Mutex, Once},
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

/// What is logged on this thread while it exists.
pub(crate) struct Heard {
    text: Arc<Mutex<Vec<u8>>>,
    _here: tracing::subscriber::DefaultGuard,
}

impl Heard {
    pub(crate) fn here() -> Self {
        let text = Arc::new(Mutex::new(Vec::new()));
        let writer = Writer(Arc::clone(&text));
        let subscriber = tracing_subscriber::fmt()
            .with_max_level(tracing::Level::INFO)
            .with_ansi(false)
            .with_writer(move || writer.clone())
            .finish();
        Self { text, _here: tracing::subscriber::set_default(subscriber) }
    }

    pub(crate) fn has(&self, words: &str) -> bool {
        String::from_utf8_lossy(&self.text.lock().unwrap()).contains(words)
    }
}

#[derive(Clone)]
struct Writer(Arc<Mutex<Vec<u8>>>);

impl io::Write for Writer {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().unwrap().extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
