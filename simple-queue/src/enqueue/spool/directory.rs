//! The directory of a spool: what it must be like, and the files in it.

use std::{
    fs::{self, DirBuilder, File, OpenOptions, TryLockError},
    io,
    path::{Path, PathBuf},
};

use uuid::Uuid;

use super::{Spool, file_system::FileSystem};
use crate::telemetry;

/// A directory that was checked.
#[derive(Debug)]
pub(super) struct Directory {
    path: PathBuf,
    /// The user whose files are taken over: others could have planted theirs.
    owner: Option<u32>,
}

/// The ending of a file with jobs.
const JOBS: &str = "spool";

/// The ending of a file that is being made; it has no jobs yet.
const NEW: &str = "new";

impl Directory {
    /// Creates the directory if it does not exist, and checks that it can be used.
    ///
    /// # Errors
    /// One sentence that says what is wrong with it and how to mend it.
    pub(super) fn open(settings: &Spool) -> Result<Self, String> {
        let named = settings.directory();
        let problem = |what: &'static str| {
            let shown = named.display();
            move |error: io::Error| format!("the directory `{shown}` of the spool {what}: {error}")
        };
        let is_new = !named.exists();
        builder().create(named).map_err(problem("cannot be created"))?;
        let path = named.canonicalize().map_err(problem("cannot be found"))?;
        if let Some(parent) = path.parent().filter(|_| is_new) {
            sync_directory(parent).map_err(problem("is not on the disk"))?;
        }
        if open_to_others(&path).map_err(problem("cannot be looked at"))? {
            return Err(format!(
                "the directory `{}` of the spool can be written to by every user of the machine, who could plant \
                 jobs there: `chmod 0700` it",
                named.display()
            ));
        }
        match FileSystem::of(&path) {
            FileSystem::Network(kind) if !settings.network_file_system => {
                return Err(format!(
                    "the directory `{}` of the spool is on a network file system ({kind}), where locks may be lost: \
                     choose one on a local disk, or allow it with `network_file_system(true)`",
                    named.display()
                ));
            }
            FileSystem::Memory(kind) => telemetry::spool::in_memory(&path.display(), &kind),
            FileSystem::Layer(kind) => telemetry::spool::in_a_layer(&path.display(), &kind),
            FileSystem::Network(_) | FileSystem::Local => {}
        }
        let owner = try_writing(&path).map_err(problem("is not writable"))?;
        Ok(Self { path, owner })
    }

    pub(super) fn path(&self) -> &Path {
        &self.path
    }

    /// Creates a file with this content, which this process locks until it closes the file.
    ///
    /// It gets its name when it is locked: a file without a lock would be taken for that of a
    /// process that has died.
    pub(super) fn create(&self, content: &[u8]) -> io::Result<(PathBuf, File)> {
        loop {
            let name = Uuid::now_v7().simple().to_string();
            let (new, path) = (self.path.join(&name).with_extension(NEW), self.named(&name, JOBS));
            let mut file = private().create_new(true).read(true).append(true).open(&new)?;
            let ready = lock(&file).and_then(|locked| {
                io::Write::write_all(&mut file, content)?;
                file.sync_all()?;
                Ok(locked)
            });
            match ready {
                Ok(true) => match fs::rename(&new, &path) {
                    Ok(()) => {
                        self.sync()?;
                        return Ok((path, file));
                    }
                    // Another process has taken it for one that was left behind.
                    Err(error) if error.kind() == io::ErrorKind::NotFound => {}
                    Err(error) => return Err(error),
                },
                Ok(false) => {}
                Err(error) => {
                    if let Err(left) = remove(&new) {
                        telemetry::spool::not_removed(&new.display(), &left);
                    }
                    return Err(error);
                }
            }
        }
    }

    /// Returns the files with jobs, the oldest first, and removes those that a process began to
    /// make when it died.
    pub(super) fn list(&self) -> io::Result<Vec<PathBuf>> {
        let mut found = Vec::new();
        for entry in fs::read_dir(&self.path)? {
            let path = entry?.path();
            let extension = path.extension().and_then(|extension| extension.to_str());
            match extension {
                Some(JOBS) => found.push(path),
                Some(NEW) => {
                    if let Some(_left) = self.take_over(&path)? {
                        remove(&path)?;
                    }
                }
                _ => {}
            }
        }
        // The names begin with the time.
        found.sort();
        Ok(found)
    }

    /// Opens and locks a file of a process that has died; `None` if its process lives.
    ///
    /// # Errors
    /// [`PermissionDenied`](io::ErrorKind) when the file is not this user's.
    pub(super) fn take_over(&self, path: &Path) -> io::Result<Option<File>> {
        let seen = match fs::symlink_metadata(path) {
            Ok(seen) if seen.is_file() => seen,
            Ok(_) => return Ok(None),
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(error),
        };
        if owner(&seen) != self.owner {
            let problem = "it belongs to another user, who could have planted jobs in it";
            return Err(io::Error::new(io::ErrorKind::PermissionDenied, problem));
        }
        let file = match OpenOptions::new().read(true).append(true).open(path) {
            Ok(file) => file,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(error),
        };
        // Its process may have removed it before the lock was free.
        Ok((lock(&file)? && is_same(&seen, &file.metadata()?)).then_some(file))
    }

    /// Opens the file beside one with jobs in which something of it is set aside.
    pub(super) fn open_beside(&self, jobs: &Path, extension: &str) -> io::Result<File> {
        let file = private().create(true).append(true).open(jobs.with_extension(extension))?;
        self.sync()?;
        Ok(file)
    }

    /// Removes a file for good.
    pub(super) fn remove(&self, path: &Path) -> io::Result<()> {
        remove(path)?;
        self.sync()
    }

    fn sync(&self) -> io::Result<()> {
        sync_directory(&self.path)
    }

    fn named(&self, name: &str, extension: &str) -> PathBuf {
        self.path.join(name).with_extension(extension)
    }
}

/// Writes to the disk which files there are.
fn sync_directory(directory: &Path) -> io::Result<()> {
    // Other systems than Unix open no directory, and write their entries by themselves.
    if cfg!(unix) { File::open(directory)?.sync_all() } else { Ok(()) }
}

/// Removes a file, unless another process has.
fn remove(path: &Path) -> io::Result<()> {
    match fs::remove_file(path) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
        _ => Ok(()),
    }
}

/// Locks a file; returns `false` if another process has. The lock ends with the process.
fn lock(file: &File) -> io::Result<bool> {
    match file.try_lock() {
        Ok(()) => Ok(true),
        Err(TryLockError::WouldBlock) => Ok(false),
        Err(TryLockError::Error(error)) => Err(error),
    }
}

/// Writes a file and removes it; returns who owns what this process writes.
fn try_writing(directory: &Path) -> io::Result<Option<u32>> {
    let path = directory.join(format!("{}.{NEW}", Uuid::now_v7().simple()));
    let mut file = private().create_new(true).write(true).open(&path)?;
    let written =
        io::Write::write_all(&mut file, b"a spool is tried").and_then(|()| file.sync_all());
    let locked = written.and_then(|()| lock(&file));
    let seen = file.metadata();
    remove(&path)?;
    locked?;
    Ok(owner(&seen?))
}

/// Options for a file that only its owner may read.
fn private() -> OpenOptions {
    let mut options = OpenOptions::new();
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options
}

fn builder() -> DirBuilder {
    let mut builder = DirBuilder::new();
    builder.recursive(true);
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder
}

#[cfg(unix)]
fn open_to_others(directory: &Path) -> io::Result<bool> {
    use std::os::unix::fs::PermissionsExt as _;
    Ok(fs::metadata(directory)?.permissions().mode() & 0o002 != 0)
}

#[cfg(not(unix))]
fn open_to_others(directory: &Path) -> io::Result<bool> {
    fs::metadata(directory).map(|_| false)
}

#[cfg(unix)]
#[expect(clippy::unnecessary_wraps, reason = "other systems have no such number")]
fn owner(metadata: &fs::Metadata) -> Option<u32> {
    Some(std::os::unix::fs::MetadataExt::uid(metadata))
}

#[cfg(not(unix))]
fn owner(_: &fs::Metadata) -> Option<u32> {
    None
}

#[cfg(unix)]
fn is_same(a: &fs::Metadata, b: &fs::Metadata) -> bool {
    use std::os::unix::fs::MetadataExt as _;
    (a.dev(), a.ino()) == (b.dev(), b.ino()) && b.nlink() > 0
}

#[cfg(not(unix))]
fn is_same(_: &fs::Metadata, _: &fs::Metadata) -> bool {
    true
}
