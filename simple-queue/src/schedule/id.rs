//! The id of a tick's job.

use chrono::{DateTime, Utc};
use sha2::{Digest, Sha256};
use uuid::{Builder, Uuid};

/// Returns the id of the job of a tick: the same in every process and at every repetition.
///
/// A UUID of version 8. Like one of version 7 it begins with 48 bits of milliseconds, here the tick's, so that ids of
/// jobs lie side by side in an index. A hash is the rest.
pub(crate) fn id_of_tick(schema: &str, schedule: &str, tick: DateTime<Utc>) -> Uuid {
    let micros = tick.timestamp_micros().to_be_bytes();
    // No name of a schema or a schedule has a NUL.
    let hash = Sha256::new()
        .chain_update(schema)
        .chain_update([0])
        .chain_update(schedule)
        .chain_update([0])
        .chain_update(micros)
        .finalize();
    let mut bytes = [0; 16];
    bytes.copy_from_slice(&hash[..16]);
    bytes[..6].copy_from_slice(&tick.timestamp_millis().to_be_bytes()[2..]);
    Builder::from_custom_bytes(bytes).into_uuid()
}
