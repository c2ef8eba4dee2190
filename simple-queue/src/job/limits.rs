//! How large the parts of a job may be.

/// The longest name of a queue, in bytes.
pub const MAX_QUEUE_NAME_BYTES: usize = 63;

/// The longest unique key or fingerprint, in bytes.
///
/// A Postgres index entry must fit a third of a page; a bound far below that keeps the index small.
pub const MAX_KEY_BYTES: usize = 512;

/// The largest payload, in bytes of its JSON text: 1 MiB.
///
/// Every attempt reads the payload and every transition rewrites its row, so large data belongs into
/// a table or a store of its own, with its key in the payload.
pub const MAX_PAYLOAD_BYTES: usize = 1024 * 1024;
