//! The directory of a server: who uses it, and what becomes of it when nobody does.
//!
//! Two locks tell, because the operating system gives a lock up when its last holder ends, however
//! that happens: `server.lock` is held by the server and its keeper, `owner.lock` by the program
//! that started them.

use std::{
    fs::{self, DirBuilder, File, TryLockError},
    os::unix::fs::{DirBuilderExt as _, MetadataExt as _},
    path::{Path, PathBuf},
    thread,
    time::{Duration, Instant},
};

use uuid::Uuid;

use super::{EmbeddedError, account::Account, error::Context as _, files};

/// How long a program that has given up a directory may seem to hold it: a process that another
/// thread is just starting has a copy of the lock for a moment.
const OWNER_PATIENCE: Duration = Duration::from_millis(200);

/// How long the server of a program that has just ended may take to stop.
const STOP_PATIENCE: Duration = Duration::from_mins(1);

/// A directory that belongs to the server about to start.
#[derive(Debug)]
pub(super) struct ServerDirectory {
    pub(super) path: PathBuf,
    pub(super) temporary: bool,
    /// Goes to the keeper, which holds it as long as it or the server lives.
    pub(super) server_lock: File,
    /// Stays with us; a temporary directory has a name of its own and needs none.
    pub(super) owner_lock: Option<File>,
}

impl ServerDirectory {
    /// Makes a new directory for a temporary server, and removes those that a crash has left.
    pub(super) fn temporary(parent: &Path, account: &Account) -> Result<Self, EmbeddedError> {
        let prefix = format!("simple-queue-pg-{}-", account.own_id);
        let parent = usable(parent, account);
        sweep(parent, &prefix, account.id());
        let path = parent.join(format!("{prefix}{}", Uuid::now_v7().simple()));
        DirBuilder::new().mode(0o700).create(&path).context("create", &path)?;
        account.give(&path).context("give away", &path)?;
        // A lock that appears is held from the first moment, so that no sweep takes it for left.
        let new = path.join("server.lock.new");
        let server_lock = File::create(&new).context("create", &new)?;
        server_lock.lock().context("lock", &new)?;
        fs::rename(&new, path.join("server.lock")).context("rename", &new)?;
        Ok(Self { path, temporary: true, server_lock, owner_lock: None })
    }

    /// Takes the directory that the user named, which must not be in use.
    pub(super) fn named(path: PathBuf, account: &Account) -> Result<Self, EmbeddedError> {
        if !path.exists() {
            let mut builder = DirBuilder::new();
            builder.recursive(true).create(&path).context("create", &path)?;
            account.give(&path).context("give away", &path)?;
        }
        account.check_enter(&path)?;
        let owner_lock = lock(&path, "owner.lock", OWNER_PATIENCE)?;
        let server_lock = lock(&path, "server.lock", STOP_PATIENCE)?;
        Ok(Self { path, temporary: false, server_lock, owner_lock: Some(owner_lock) })
    }

    pub(super) fn data(&self) -> PathBuf {
        self.path.join("data")
    }

    pub(super) fn log(&self) -> PathBuf {
        self.path.join("log")
    }
}

/// The directory for temporary files, or the common one where the server's user could not remove
/// anything from it.
fn usable<'a>(temporary: &'a Path, account: &Account) -> &'a Path {
    if account.can_change(temporary) { temporary } else { Path::new("/tmp") }
}

/// Takes a lock in the directory that the user named, and waits for it at most so long.
fn lock(directory: &Path, name: &str, patience: Duration) -> Result<File, EmbeddedError> {
    let path = directory.join(name);
    let file = File::create(&path).context("create", &path)?;
    let begun = Instant::now();
    loop {
        match file.try_lock() {
            Ok(()) => return Ok(file),
            Err(TryLockError::Error(error)) => return Err(error).context("lock", &path),
            Err(TryLockError::WouldBlock) if begun.elapsed() < patience => {
                thread::sleep(Duration::from_millis(10));
            }
            Err(TryLockError::WouldBlock) => {
                return Err(EmbeddedError::AlreadyRunning { directory: directory.to_owned() });
            }
        }
    }
}

/// Removes what temporary servers left when the machine crashed. Never fails a start: what cannot
/// be removed now will be tried again.
fn sweep(parent: &Path, prefix: &str, owner: u32) {
    let Ok(entries) = fs::read_dir(parent) else {
        return;
    };
    for entry in entries.flatten() {
        let ours = entry.file_name().to_string_lossy().starts_with(prefix);
        if ours && is_abandoned(&entry.path(), owner) {
            let path = entry.path();
            match files::remove_directory(&path) {
                Ok(()) => tracing::info!(path = %path.display(), "removed what a crash had left"),
                Err(error) => {
                    tracing::warn!(path = %path.display(), %error, "a crash left this");
                }
            }
        }
    }
}

/// Whether `path` is a directory of the user `owner` whose server and keeper have ended.
fn is_abandoned(path: &Path, owner: u32) -> bool {
    let lock = path.join("server.lock");
    // Links are not followed: in a directory for everybody they may lead anywhere.
    let is_ours = |found: fs::Metadata| found.is_dir() && found.uid() == owner;
    fs::symlink_metadata(path).is_ok_and(is_ours)
        && fs::symlink_metadata(&lock).is_ok_and(|found| found.is_file())
        && File::open(&lock).is_ok_and(|file| file.try_lock().is_ok())
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt as _;

    use super::*;

    fn parent() -> (PathBuf, Account) {
        let account = Account::of_server().unwrap();
        let parent = std::env::temp_dir().join(format!("sq-directory-{}", Uuid::now_v7()));
        fs::create_dir(&parent).unwrap();
        fs::set_permissions(&parent, fs::Permissions::from_mode(0o1777)).unwrap();
        (parent, account)
    }

    #[test]
    fn a_directory_left_by_a_crash_is_removed_and_one_in_use_is_not() {
        let (parent, account) = parent();
        let left = ServerDirectory::temporary(&parent, &account).unwrap();
        let used = ServerDirectory::temporary(&parent, &account).unwrap();
        let (left, left_path) = (left.server_lock, left.path);
        drop(left); // as the end of the machine would do
        let stranger = parent.join("somebody-else");
        fs::create_dir(&stranger).unwrap();

        let mut attempts = 0;
        while left_path.exists() {
            // A process that another test is just starting may have a copy of the lock.
            assert!(attempts < 1000, "it was not removed");
            attempts += 1;
            ServerDirectory::temporary(&parent, &account).unwrap();
        }
        assert!(used.path.exists() && stranger.exists());
        fs::remove_dir_all(parent).unwrap();
    }

    #[test]
    fn a_directory_that_is_just_being_made_is_not_removed() {
        let (parent, account) = parent();
        let begun = parent.join(format!("simple-queue-pg-{}-new", account.own_id));
        fs::create_dir(&begun).unwrap();
        account.give(&begun).unwrap();
        ServerDirectory::temporary(&parent, &account).unwrap();
        assert!(begun.exists());
        fs::remove_dir_all(parent).unwrap();
    }

    #[test]
    fn a_directory_that_the_user_of_the_server_cannot_enter_is_named() {
        let (parent, account) = parent();
        let closed = parent.join("closed");
        DirBuilder::new().mode(0o700).create(&closed).unwrap();
        let done = ServerDirectory::named(closed.join("named"), &account);
        if account.is_other_user() {
            let message = done.unwrap_err().to_string();
            assert!(message.contains("refuses to run as root"), "{message}");
            assert!(message.contains(&closed.display().to_string()), "{message}");
        } else {
            assert!(done.is_ok());
        }
        fs::remove_dir_all(parent).unwrap();
    }

    #[test]
    fn a_named_directory_has_one_owner_at_a_time() {
        let (parent, account) = parent();
        let path = parent.join("named");
        let first = ServerDirectory::named(path.clone(), &account).unwrap();
        let refused = ServerDirectory::named(path.clone(), &account).unwrap_err();
        let message = refused.to_string();
        assert!(message.contains("already running"), "{message}");
        assert!(message.contains(&path.display().to_string()), "{message}");
        drop(first);
        assert!(ServerDirectory::named(path, &account).is_ok());
        fs::remove_dir_all(parent).unwrap();
    }
}
