//! The kind of file system that a directory is on.

use std::path::Path;

/// The properties of a file system that matter for a spool.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum FileSystem {
    /// On a disk of this host, as far as is known.
    Local,
    /// On another host. Locks may be lost, or be unknown there.
    Network(String),
    /// In memory, so a restart of the host loses it.
    Memory(String),
    /// The layer of a container, which is removed with it.
    Layer(String),
}

/// 17: the file systems of other hosts, by the names that Linux gives them. `fuse.` is followed by
/// the name of a program.
const NETWORK: [&str; 17] = [
    "9p",
    "afs",
    "beegfs",
    "ceph",
    "cifs",
    "fuse.ceph",
    "fuse.glusterfs",
    "fuse.s3fs",
    "fuse.sshfs",
    "gfs2",
    "gpfs",
    "lustre",
    "ncpfs",
    "nfs",
    "nfs4",
    "smb3",
    "smbfs",
];

const MEMORY: [&str; 3] = ["tmpfs", "ramfs", "devtmpfs"];

const LAYER: [&str; 3] = ["overlay", "aufs", "fuse.fuse-overlayfs"];

impl FileSystem {
    /// Looks up the file system of a directory. Only Linux is asked; elsewhere it counts as local.
    pub(super) fn of(directory: &Path) -> Self {
        // Without the table nothing is known, as on other systems.
        let mounts = std::fs::read_to_string("/proc/self/mountinfo").unwrap_or_default();
        kind_of(&mounts, directory).map_or(Self::Local, Self::named)
    }

    fn named(name: &str) -> Self {
        let name_of = || name.to_owned();
        match name {
            name if NETWORK.contains(&name) => Self::Network(name_of()),
            name if MEMORY.contains(&name) => Self::Memory(name_of()),
            name if LAYER.contains(&name) => Self::Layer(name_of()),
            _ => Self::Local,
        }
    }
}

/// Returns the name of the file system in which a path without links is: the last of those that are
/// mounted deepest on its way.
fn kind_of<'m>(mounts: &'m str, path: &Path) -> Option<&'m str> {
    // <https://docs.kernel.org/filesystems/proc.html>, 3.5: the mount point is the fifth field, and
    // the name follows a field `-`.
    let mount = |line: &'m str| {
        let point = unescaped(line.split(' ').nth(4)?);
        let (_, after) = line.split_once(" - ")?;
        Some((point, after.split(' ').next()?))
    };
    let mounts = mounts.lines().filter_map(mount);
    let above = mounts.filter(|(point, _)| path.starts_with(point));
    above.max_by_key(|(point, _)| point.len()).map(|(_, name)| name)
}

/// Replaces the four characters that are written as a backslash and three octal digits.
fn unescaped(point: &str) -> String {
    let known = [("\\040", " "), ("\\011", "\t"), ("\\012", "\n"), ("\\134", "\\")];
    known.iter().fold(point.to_owned(), |point, (code, character)| point.replace(code, character))
}

#[cfg(test)]
mod tests {
    use super::*;

    const MOUNTS: &str = "\
22 1 254:0 / / rw,relatime shared:1 - overlay overlay rw,lowerdir=/a
30 22 0:5 / /dev/shm rw - tmpfs tmpfs rw
31 22 0:6 / /var/lib/app rw,relatime - ext4 /dev/vda rw
32 31 0:7 / /var/lib/app/far\\040away rw master:3 - nfs4 host:/x rw
33 22 0:8 / /var/lib/app rw,relatime - xfs /dev/vdb rw
34 22 0:9 / /mnt/s rw - fuse.sshfs me@host:/ rw
a line that says nothing
";

    #[test]
    fn a_directory_is_on_the_file_system_that_is_mounted_deepest_and_last() {
        for (path, name) in [
            ("/", "overlay"),
            ("/tmp/spool", "overlay"),
            ("/dev/shm", "tmpfs"),
            ("/dev/shmem", "overlay"),
            ("/var/lib/app/spool", "xfs"),
            ("/var/lib/app/far away/spool", "nfs4"),
            ("/mnt/s/spool", "fuse.sshfs"),
        ] {
            assert_eq!(kind_of(MOUNTS, Path::new(path)), Some(name), "{path}");
        }
        assert_eq!(kind_of("", Path::new("/tmp")), None);
    }

    #[test]
    fn a_kind_is_told_by_its_name() {
        assert_eq!(FileSystem::named("nfs4"), FileSystem::Network("nfs4".to_owned()));
        assert_eq!(FileSystem::named("tmpfs"), FileSystem::Memory("tmpfs".to_owned()));
        assert_eq!(FileSystem::named("overlay"), FileSystem::Layer("overlay".to_owned()));
        assert_eq!(FileSystem::named("ext4"), FileSystem::Local);
    }
}
