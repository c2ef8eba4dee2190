//! The file system in memory, where making a database takes a fraction of the time.

use std::{fs, path::PathBuf};

use rustix::fs::statvfs;

use super::environment::Environment;

/// Where Linux has such a file system, and where it says how much memory is available.
const MEMORY: &str = "dev/shm";
const AVAILABLE: &str = "proc/meminfo";

/// 4 GiB, which must be free: the log of a busy server takes up to 1 GiB, and a container often has only 64 MiB.
const ROOM: u64 = 4 << 30;

/// Returns the file system in memory, if it has room and `TMPDIR` is not set.
pub(super) fn with_room(environment: &Environment) -> Option<PathBuf> {
    if environment.has_tmpdir {
        return None;
    }
    let memory = environment.root.join(MEMORY);
    let free = match statvfs(&memory) {
        Ok(found) => found.f_bavail.saturating_mul(found.f_frsize),
        Err(error) => {
            tracing::debug!(directory = %memory.display(), %error, "no file system in memory");
            return None;
        }
    };
    // The file system may be larger than what is left of the memory.
    let said = fs::read_to_string(environment.root.join(AVAILABLE)).unwrap_or_default();
    let room = std::cmp::min(free, available(&said));
    if room < ROOM {
        tracing::debug!(directory = %memory.display(), room, "less than 4 GiB are free there");
        return None;
    }
    Some(memory)
}

/// The available memory in bytes, as `/proc/meminfo` has it; 0 where it says nothing of it.
fn available(said: &str) -> u64 {
    let line = said.lines().find_map(|line| line.strip_prefix("MemAvailable:"));
    let kibibytes = line.and_then(|line| line.trim().trim_end_matches(" kB").parse().ok());
    kibibytes.map_or(0, |kibibytes: u64| kibibytes.saturating_mul(1024))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn memory_is_used_where_it_has_room_and_no_place_is_chosen() {
        let root = std::env::temp_dir().join(format!("sq-memory-{}", uuid::Uuid::now_v7()));
        let mut environment = Environment::bare(&root);
        assert_eq!(with_room(&environment), None, "there is none");
        let memory = root.join(MEMORY);
        fs::create_dir_all(&memory).unwrap();
        fs::create_dir_all(root.join("proc")).unwrap();
        let say = |available: &str| {
            let said = format!("MemTotal: 9999999 kB\nMemAvailable: {available} kB\n");
            fs::write(root.join(AVAILABLE), said).unwrap();
        };
        say("4194303");
        assert_eq!(with_room(&environment), None, "the memory is used");
        say("4194304");
        // On the disk, but it has the name.
        let free = statvfs(&memory).unwrap();
        let has_room = free.f_bavail * free.f_frsize >= ROOM;
        assert_eq!(with_room(&environment), has_room.then_some(memory));
        environment.has_tmpdir = true;
        assert_eq!(with_room(&environment), None, "another place is chosen");
        fs::remove_dir_all(root).unwrap();
    }

    #[test]
    fn memory_that_nothing_is_said_of_is_not_available() {
        assert_eq!(available("MemAvailable:   12 kB"), 12 * 1024);
        assert_eq!(available("MemFree:   12 kB"), 0);
        assert_eq!(available("MemAvailable: much"), 0);
    }
}
