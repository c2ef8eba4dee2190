//! The file system in memory, where making a database takes a fraction of the time.

use std::path::PathBuf;

use rustix::fs::statvfs;

use super::environment::Environment;

/// Where Linux has such a file system.
const MEMORY: &str = "dev/shm";

/// 4 GiB, which must be free: the log of a busy server takes up to 1 GiB, and a container often has only 64 MiB.
const ROOM: u64 = 4 << 30;

/// Returns the file system in memory, if there is room and nobody has chosen another place.
pub(super) fn with_room(environment: &Environment) -> Option<PathBuf> {
    if environment.has_tmpdir {
        return None;
    }
    let memory = environment.root.join(MEMORY);
    match statvfs(&memory) {
        Ok(found) if found.f_bavail.saturating_mul(found.f_frsize) >= ROOM => Some(memory),
        Ok(_) => {
            tracing::debug!(directory = %memory.display(), "less than 4 GiB are free there");
            None
        }
        Err(error) => {
            tracing::debug!(directory = %memory.display(), %error, "no file system in memory");
            None
        }
    }
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    #[test]
    fn memory_is_used_where_it_exists_and_no_place_is_chosen() {
        let root = std::env::temp_dir().join(format!("sq-memory-{}", uuid::Uuid::now_v7()));
        let mut environment = Environment::bare(&root);
        assert_eq!(with_room(&environment), None);
        // On the disk, but it has the name and, on a machine that can compile this, the room.
        let memory = root.join(MEMORY);
        fs::create_dir_all(&memory).unwrap();
        assert_eq!(with_room(&environment), Some(memory));
        environment.has_tmpdir = true;
        assert_eq!(with_room(&environment), None);
        fs::remove_dir_all(root).unwrap();
    }
}
