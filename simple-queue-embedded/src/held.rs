//! Directories that are held open. An operation in one happens there, wherever its path leads
//! meanwhile, and follows no link in it: for root, another user's link could lead anywhere.

use std::{
    ffi::{OsStr, OsString},
    fs::{self, File, Metadata, Permissions},
    io::{self, Read as _},
    os::unix::{
        ffi::OsStringExt as _,
        fs::{MetadataExt as _, PermissionsExt as _},
    },
    path::{Component, Path, PathBuf},
};

use rustix::{
    fs::{AtFlags, CWD, Dir, Mode, OFlags, mkdirat, openat, renameat, unlinkat},
    io::Errno,
    process::geteuid,
};

use super::{EmbeddedError, error::Context as _};

/// 64 KiB, the longest prefix that is read of a file which another user writes.
const SMALL: u64 = 64 * 1024;

const NO_LINK: OFlags = OFlags::NOFOLLOW.union(OFlags::CLOEXEC);
const READ: OFlags = OFlags::RDONLY.union(NO_LINK);
/// Opening a directory on the way to another needs no right to list it, if the system supports
/// that.
#[cfg(target_os = "linux")]
const PASS: OFlags = OFlags::PATH.union(NO_LINK).union(OFlags::DIRECTORY);
#[cfg(not(target_os = "linux"))]
const PASS: OFlags = READ.union(OFlags::DIRECTORY);

/// An open directory.
#[derive(Debug)]
pub(super) struct Held {
    file: File,
    /// Its path at the time of opening.
    path: PathBuf,
}

impl Held {
    pub(super) fn open(path: &Path) -> io::Result<Self> {
        let opened = openat(CWD, path, READ | OFlags::DIRECTORY, Mode::empty())?;
        Ok(Self { file: File::from(opened), path: path.to_owned() })
    }

    /// Opens the directory of an absolute path. Creates missing parts, the last one so that only
    /// this user can enter it.
    ///
    /// Links on the way are followed only if they are ours or root's.
    pub(super) fn open_or_make(path: &Path) -> Result<Self, EmbeddedError> {
        let standing = path.ancestors().find(|part| part.exists()).unwrap_or(Path::new("/"));
        check_links(standing)?;
        let missing = path.strip_prefix(standing).expect("it is an ancestor");
        let real = standing.canonicalize().context("find", standing)?.join(missing);
        let parts: Vec<&OsStr> = real.components().filter_map(name_of).collect();
        let mut here = PathBuf::from("/");
        let root = openat(CWD, &here, PASS, Mode::empty());
        let mut opened = root.map_err(io::Error::from).context("open", &here)?;
        for (index, part) in parts.iter().enumerate() {
            here.push(part);
            let (flags, mode) = if index + 1 == parts.len() {
                (READ | OFlags::DIRECTORY, Mode::RWXU)
            } else {
                (PASS, Mode::from_bits_truncate(0o755))
            };
            let next = match openat(&opened, *part, flags, Mode::empty()) {
                Err(Errno::NOENT) => match mkdirat(&opened, *part, mode) {
                    // Another process may have been faster.
                    Ok(()) | Err(Errno::EXIST) => openat(&opened, *part, flags, Mode::empty()),
                    Err(refused) => Err(refused),
                },
                next => next,
            };
            opened = next.map_err(io::Error::from).context("open", &here)?;
        }
        Ok(Self { file: File::from(opened), path: here })
    }

    pub(super) fn path(&self) -> &Path {
        &self.path
    }

    pub(super) fn file(&self) -> &File {
        &self.file
    }

    pub(super) fn into_file(self) -> File {
        self.file
    }

    pub(super) fn metadata(&self) -> io::Result<Metadata> {
        self.file.metadata()
    }

    pub(super) fn set_mode(&self, mode: u32) -> io::Result<()> {
        self.file.set_permissions(Permissions::from_mode(mode))
    }

    /// Returns the names of its entries.
    pub(super) fn names(&self) -> io::Result<Vec<OsString>> {
        let mut names = Vec::new();
        for entry in Dir::read_from(&self.file)? {
            let name = entry?.file_name().to_bytes().to_vec();
            if name != b"." && name != b".." {
                names.push(OsString::from_vec(name));
            }
        }
        Ok(names)
    }

    /// Opens an entry for reading, without waiting for the other end of a pipe.
    pub(super) fn entry(&self, name: &OsStr) -> io::Result<File> {
        Ok(File::from(openat(&self.file, name, READ | OFlags::NONBLOCK, Mode::empty())?))
    }

    /// Opens the directory `name` in it.
    pub(super) fn directory(&self, name: &str) -> io::Result<Self> {
        let opened = openat(&self.file, name, READ | OFlags::DIRECTORY, Mode::empty())?;
        Ok(Self { file: File::from(opened), path: self.path.join(name) })
    }

    /// Treats an entry that was opened as a directory as one.
    pub(super) fn of_entry(&self, name: &OsStr, file: File) -> Self {
        Self { file, path: self.path.join(name) }
    }

    /// Creates the directory `name`, which only this user can enter.
    pub(super) fn make(&self, name: &OsStr) -> io::Result<Self> {
        mkdirat(&self.file, name, Mode::RWXU)?;
        let opened = openat(&self.file, name, READ | OFlags::DIRECTORY, Mode::empty())?;
        Ok(Self { file: File::from(opened), path: self.path.join(name) })
    }

    /// Creates a file that only this user can read; fails if the name is taken.
    pub(super) fn new_file(&self, name: &OsStr) -> io::Result<File> {
        let flags = OFlags::RDWR | OFlags::CREATE | OFlags::EXCL | NO_LINK;
        Ok(File::from(openat(&self.file, name, flags, Mode::RUSR | Mode::WUSR)?))
    }

    /// Opens a file that only this user can read, or creates it.
    ///
    /// An existing file must be ours and have no other name: a write to it would otherwise write
    /// somewhere else.
    pub(super) fn own_file(&self, name: &str) -> io::Result<File> {
        let flags = OFlags::RDWR | OFlags::APPEND | OFlags::CREATE | OFlags::NONBLOCK | NO_LINK;
        let file = File::from(openat(&self.file, name, flags, Mode::RUSR | Mode::WUSR)?);
        let found = file.metadata()?;
        let own_id = geteuid().as_raw();
        if found.uid() != own_id {
            return Err(denied(format!("it belongs to user {}, not to {own_id}", found.uid())));
        }
        check_plain(&found)?;
        file.set_permissions(Permissions::from_mode(0o600))?;
        Ok(file)
    }

    /// Creates a file that gets its name when `prepare` has filled it.
    pub(super) fn replace(
        &self,
        name: &str,
        prepare: impl FnOnce(&mut File) -> io::Result<()>,
    ) -> io::Result<()> {
        let new = format!("{name}.new");
        self.remove(&new)?;
        let mut file = self.new_file(new.as_ref())?;
        prepare(&mut file)?;
        file.sync_all()?;
        self.rename(&new, name)?;
        self.file.sync_all()
    }

    /// Returns the content of a small file, if there is one.
    pub(super) fn read(&self, name: &str) -> io::Result<Option<String>> {
        let file = match self.entry(name.as_ref()) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            file => file?,
        };
        check_plain(&file.metadata()?)?;
        let mut content = Vec::new();
        file.take(SMALL).read_to_end(&mut content)?;
        Ok(Some(String::from_utf8_lossy(&content).into_owned()))
    }

    pub(super) fn rename(&self, from: &str, to: &str) -> io::Result<()> {
        Ok(renameat(&self.file, from, &self.file, to)?)
    }

    /// Removes a file; does nothing if there is none.
    pub(super) fn remove(&self, name: &str) -> io::Result<()> {
        removed(unlinkat(&self.file, name, AtFlags::empty()))
    }

    /// Removes an empty directory; does nothing if there is none.
    pub(super) fn remove_directory(&self, name: &str) -> io::Result<()> {
        removed(unlinkat(&self.file, name, AtFlags::REMOVEDIR))
    }
}

/// Checks that this is a file with one name. The system already refuses a link to a link.
pub(super) fn check_plain(found: &Metadata) -> io::Result<()> {
    if found.is_file() && found.nlink() == 1 {
        return Ok(());
    }
    Err(denied(if found.is_file() {
        "it has another name elsewhere, as a hard link has".to_owned()
    } else {
        "it is no file".to_owned()
    }))
}

fn removed(done: rustix::io::Result<()>) -> io::Result<()> {
    match done {
        Err(Errno::NOENT) => Ok(()),
        done => Ok(done?),
    }
}

/// Checks that every link on the way belongs to this user or root.
fn check_links(path: &Path) -> Result<(), EmbeddedError> {
    let own_id = geteuid().as_raw();
    for part in path.ancestors() {
        let found = fs::symlink_metadata(part).context("find", part)?;
        if found.is_symlink() && found.uid() != own_id && found.uid() != 0 {
            let reason = format!("it is a link that belongs to user {}", found.uid());
            return Err(denied(reason)).context("follow", part);
        }
    }
    Ok(())
}

fn name_of(part: Component<'_>) -> Option<&OsStr> {
    match part {
        Component::Normal(name) => Some(name),
        _ => None,
    }
}

fn denied(reason: String) -> io::Error {
    io::Error::new(io::ErrorKind::PermissionDenied, reason)
}
