//! The log of the library, to look into a test: `RUST_LOG=simple_queue=debug cargo test …`

use std::sync::Once;

use test_support::ask_every_time;
use tracing_subscriber::EnvFilter;

/// Sets it up once for the binary; without `RUST_LOG` nothing is logged.
pub(crate) fn init() {
    static INIT: Once = Once::new();
    INIT.call_once(|| {
        ask_every_time();
        if std::env::var_os("RUST_LOG").is_some() {
            tracing_subscriber::fmt()
                .with_env_filter(EnvFilter::from_default_env())
                .with_test_writer()
                .init();
        }
    });
}
