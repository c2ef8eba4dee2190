//! Size limits of a job's parts.

/// 63, the longest name of a queue, in bytes.
pub const MAX_QUEUE_NAME_BYTES: usize = 63;

/// 512, the longest unique key or fingerprint, in bytes.
///
/// A Postgres index entry must fit a third of a page. A bound far below that keeps the index small.
pub const MAX_KEY_BYTES: usize = 512;

/// 1 MiB, the largest payload, in bytes of its JSON text.
///
/// Every attempt reads the payload and every transition rewrites its row. So store large data in a
/// table or a store of its own, and put its key in the payload.
pub const MAX_PAYLOAD_BYTES: usize = 1024 * 1024;
