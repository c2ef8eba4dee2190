//! The directory of a server: who uses it, and what happens to it afterwards.
//!
//! It belongs to this process's user, also if root has started the server. Only `data` and `socket`
//! belong to the server's user, and this crate writes nothing in them.
//!
//! Two locks show who uses it, because the operating system releases a lock when its last holder
//! ends, in any way. `server.lock` is held while the server runs, `owner.lock` by the program that
//! started it.

use std::{
    ffi::OsString,
    fs::{self, DirBuilder, File, TryLockError},
    io,
    os::unix::fs::{DirBuilderExt as _, MetadataExt as _},
    path::{Path, PathBuf},
    thread,
    time::{Duration, Instant},
};

use super::{
    EmbeddedError, account::Account, error::Context as _, files, held::Held, random::random_hex,
};

/// The cluster in the directory of a server.
pub(super) const DATA: &str = "data";

/// The entries in the directory of a server; an unfinished one has a name that ends in `.new`.
const ENTRIES: [&str; 7] =
    [DATA, "log", "owner.lock", "password", "pg_hba.conf", "server.lock", "socket"];

/// 200 ms, for which a program that has released a directory may seem to hold it: a process that another
/// thread is starting has a copy of the lock for a moment.
const OWNER_PATIENCE: Duration = Duration::from_millis(200);

/// 1 min, in which the server of a program that has just ended must stop.
const STOP_PATIENCE: Duration = Duration::from_mins(1);

/// 1 min, after which a directory without a lock is one whose program was killed while it made it.
const MAKING: Duration = Duration::from_mins(1);

/// A directory for the server that is about to start.
#[derive(Debug)]
pub(super) struct ServerDirectory {
    pub(super) held: Held,
    pub(super) temporary: bool,
    /// Passed to the process that holds it while the server lives.
    pub(super) server_lock: File,
    /// Kept by this process. A temporary directory has a unique name and needs none.
    pub(super) owner_lock: Option<File>,
}

impl ServerDirectory {
    /// Creates a directory for a temporary server, and removes those that a crash has left.
    pub(super) fn temporary(parent: &Path, account: &Account) -> Result<Self, EmbeddedError> {
        let prefix = format!("simple-queue-pg-{}-", account.own_id);
        let parent = usable(parent, account)?;
        sweep(&parent, &prefix, account.own_id);
        let held = new_directory(&parent, &prefix)?;
        let path = held.path();
        account.close(&held).context("close", path)?;
        // The lock is held from the moment it appears, so that no cleanup takes the directory for a
        // leftover.
        let server_lock = held.own_file("server.lock.new").context("lock", path)?;
        server_lock.lock().context("lock", path)?;
        held.rename("server.lock.new", "server.lock").context("lock", path)?;
        Ok(Self { held, temporary: true, server_lock, owner_lock: None })
    }

    /// Takes the user's directory, which must not be in use.
    pub(super) fn named(path: &Path, account: &Account) -> Result<Self, EmbeddedError> {
        let held = Held::open_or_make(path)?;
        claim(&held, account)?;
        account.check_enter(held.path())?;
        let owner_lock = lock(&held, "owner.lock", OWNER_PATIENCE)?;
        let server_lock = lock(&held, "server.lock", STOP_PATIENCE)?;
        Ok(Self { held, temporary: false, server_lock, owner_lock: Some(owner_lock) })
    }

    pub(super) fn path(&self) -> &Path {
        self.held.path()
    }

    pub(super) fn data(&self) -> PathBuf {
        self.path().join(DATA)
    }

    /// Returns the log of the server, emptied. Only this user can read it, because it contains
    /// statements.
    pub(super) fn log(&self) -> Result<File, EmbeddedError> {
        let log = self.held.own_file("log");
        log.and_then(|log| log.set_len(0).map(|()| log)).context("open", &self.path().join("log"))
    }

    /// Returns the major version of the cluster, if there is one.
    pub(super) fn version(&self) -> Result<Option<u16>, EmbeddedError> {
        let version = read_from_data(&self.held, "PG_VERSION")?;
        Ok(version.and_then(|version| version.trim().parse().ok()))
    }
}

/// Returns the content of a file of the server, if there is one.
pub(super) fn read_from_data(held: &Held, name: &str) -> Result<Option<String>, EmbeddedError> {
    let content = match held.directory(DATA) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        data => data.and_then(|data| data.read(name)),
    };
    content.context("read", &held.path().join(DATA).join(name))
}

fn new_directory(parent: &Path, prefix: &str) -> Result<Held, EmbeddedError> {
    loop {
        // Short, because the path of a socket is limited.
        let path = parent.join(format!("{prefix}{}", random_hex::<5>()?));
        match DirBuilder::new().mode(0o700).create(&path) {
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
            made => {
                return made.and_then(|()| Held::open(&path)).context("create", &path);
            }
        }
    }
}

/// Returns the directory for temporary files. Falls back to the common one if other users could
/// remove its entries, or the server's user cannot reach it.
fn usable(temporary: &Path, account: &Account) -> Result<PathBuf, EmbeddedError> {
    check_parent(temporary, account).or_else(|error| {
        tracing::debug!(%error, directory = %temporary.display(), "the directory is not safe for a server, using /tmp");
        check_parent(Path::new("/tmp"), account).map_err(|_| error)
    })
}

/// Checks that only this user and root can replace the entries of a directory.
fn check_parent(directory: &Path, account: &Account) -> Result<PathBuf, EmbeddedError> {
    let real = directory.canonicalize().context("find", directory)?;
    // In a container root may have another number.
    let root = fs::metadata("/").context("find", Path::new("/"))?.uid();
    for part in real.ancestors() {
        let found = fs::metadata(part).context("find", part)?;
        let refuse = |reason| Err(EmbeddedError::NotPrivate { directory: part.to_owned(), reason });
        if ![0, root, account.own_id].contains(&found.uid()) {
            return refuse(format!("it belongs to user {}", found.uid()));
        }
        if others_replace(found.mode()) {
            return refuse(format!("it has the mode {:o}", found.mode() & 0o7777));
        }
    }
    account.check_enter(&real)?;
    Ok(real)
}

/// Makes the user's directory private to this user, or refuses it.
fn claim(held: &Held, account: &Account) -> Result<(), EmbeddedError> {
    let path = held.path();
    let found = held.metadata().context("open", path)?;
    let refuse = |reason| Err(EmbeddedError::NotPrivate { directory: path.to_owned(), reason });
    let only_ours = held.names().context("list", path)?.iter().all(is_ours);
    let (owner, own_id) = (found.uid(), account.own_id);
    // Earlier releases gave the whole directory to the server's user.
    if only_ours && (owner == own_id || owner == account.id()) {
        account.take_back(held.file()).context("take back", path)?;
        return account.close(held).context("close", path);
    }
    if owner != own_id && owner != 0 {
        return refuse(format!("it belongs to user {owner}"));
    }
    if others_replace(found.mode()) {
        return refuse(format!("it has the mode {:o}", found.mode() & 0o7777));
    }
    Ok(())
}

/// Returns whether users other than the owner can replace the entries of a directory.
fn others_replace(mode: u32) -> bool {
    const STICKY: u32 = 0o1000;
    mode & 0o022 != 0 && mode & STICKY == 0
}

fn is_ours(name: &OsString) -> bool {
    let name = name.to_string_lossy();
    ENTRIES.contains(&name.strip_suffix(".new").unwrap_or(&name))
}

/// Takes a lock in the user's directory, and waits for it at most this long.
fn lock(directory: &Held, name: &str, patience: Duration) -> Result<File, EmbeddedError> {
    let path = directory.path().join(name);
    let file = directory.own_file(name).context("open", &path)?;
    let begun = Instant::now();
    loop {
        match file.try_lock() {
            Ok(()) => return Ok(file),
            Err(TryLockError::Error(error)) => return Err(error).context("lock", &path),
            Err(TryLockError::WouldBlock) if begun.elapsed() < patience => {
                thread::sleep(Duration::from_millis(10));
            }
            Err(TryLockError::WouldBlock) => {
                let directory = directory.path().to_owned();
                return Err(EmbeddedError::AlreadyRunning { directory });
            }
        }
    }
}

/// Removes the leftovers of temporary servers after a crash of the machine. A failure is only
/// logged, and the next start tries again.
fn sweep(parent: &Path, prefix: &str, owner: u32) {
    let Ok(entries) = fs::read_dir(parent) else {
        return;
    };
    for entry in entries.flatten() {
        let ours = entry.file_name().to_string_lossy().starts_with(prefix);
        if ours && is_abandoned(&entry.path(), owner) {
            let path = entry.path();
            match files::remove_directory(&path) {
                Ok(()) => tracing::info!(path = %path.display(), "removed leftovers of a crash"),
                Err(error) => {
                    tracing::warn!(path = %path.display(), %error, "cannot remove leftovers of a crash, trying again at the next start");
                }
            }
        }
    }
}

/// Returns whether `path` is a directory of the user `owner` whose server has ended.
fn is_abandoned(path: &Path, owner: u32) -> bool {
    let lock = path.join("server.lock");
    // Links are not followed: in a shared directory they may lead anywhere.
    let Ok(found) = fs::symlink_metadata(path) else { return false };
    found.is_dir()
        && found.uid() == owner
        && match fs::symlink_metadata(&lock) {
            Ok(lock_found) => {
                lock_found.is_file() && File::open(&lock).is_ok_and(|file| file.try_lock().is_ok())
            }
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                let age = found.modified().map(|since| since.elapsed());
                matches!(age, Ok(Ok(age)) if age > MAKING)
            }
            Err(_) => false,
        }
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt as _;

    use uuid::Uuid;

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
        let (left, left_path) = (left.server_lock, left.held.path().to_owned());
        drop(left); // as the end of the machine would do
        let stranger = parent.join("somebody-else");
        fs::create_dir(&stranger).unwrap();

        let mut attempts = 0;
        while left_path.exists() {
            // A process that another test is starting may have a copy of the lock.
            assert!(attempts < 1000, "it was not removed");
            attempts += 1;
            ServerDirectory::temporary(&parent, &account).unwrap();
        }
        assert!(used.path().exists() && stranger.exists());
        fs::remove_dir_all(parent).unwrap();
    }

    #[test]
    fn a_directory_that_is_being_made_is_removed_only_when_it_is_old() {
        let (parent, account) = parent();
        let begun = |name: &str| {
            let path = parent.join(format!("simple-queue-pg-{}-{name}", account.own_id));
            fs::create_dir(&path).unwrap();
            path
        };
        let (new, old) = (begun("new"), begun("old"));
        fs::write(old.join("server.lock.new"), "").unwrap();
        let made = fs::metadata(&old).unwrap().modified().unwrap();
        File::open(&old).unwrap().set_modified(made - 2 * MAKING).unwrap();
        ServerDirectory::temporary(&parent, &account).unwrap();
        assert!(new.exists() && !old.exists());
        fs::remove_dir_all(parent).unwrap();
    }

    #[test]
    fn a_directory_that_the_user_of_the_server_cannot_enter_is_named() {
        let (parent, account) = parent();
        let closed = parent.join("closed");
        DirBuilder::new().mode(0o700).create(&closed).unwrap();
        let done = ServerDirectory::named(&closed.join("named"), &account);
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
    fn a_directory_in_which_others_can_replace_things_is_not_used() {
        let (parent, account) = parent();
        let open = |name: &str, mode| {
            let path = parent.join(name);
            fs::create_dir(&path).unwrap();
            fs::write(path.join("something"), "").unwrap();
            fs::set_permissions(&path, fs::Permissions::from_mode(mode)).unwrap();
            path
        };
        for (name, mode) in [("group", 0o770), ("all", 0o777)] {
            let path = open(name, mode);
            let refused = ServerDirectory::named(&path, &account).unwrap_err().to_string();
            assert!(refused.contains(&format!("mode {mode:o}")), "{refused}");
            assert!(!usable(&path, &account).unwrap().starts_with(&path));
        }
        let sticky = open("sticky", 0o1777);
        assert!(ServerDirectory::named(&sticky, &account).is_ok());
        assert_eq!(usable(&sticky, &account).unwrap(), sticky.canonicalize().unwrap());
        fs::remove_dir_all(parent).unwrap();
    }

    #[test]
    fn a_directory_of_ours_alone_is_closed_to_others() {
        let (parent, account) = parent();
        let path = parent.join("named");
        fs::create_dir(&path).unwrap();
        fs::write(path.join("log"), "of an earlier release").unwrap();
        fs::set_permissions(path.join("log"), fs::Permissions::from_mode(0o644)).unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(0o777)).unwrap();
        let named = ServerDirectory::named(&path, &account).unwrap();
        named.log().unwrap();
        let mode = |path: &Path| fs::metadata(path).unwrap().mode() & 0o7777;
        assert_eq!(mode(&path), if account.is_other_user() { 0o710 } else { 0o700 });
        assert_eq!(mode(&path.join("log")), 0o600);
        assert_eq!(mode(&path.join("server.lock")), 0o600);
        fs::remove_dir_all(parent).unwrap();
    }

    #[test]
    fn a_link_in_the_place_of_a_file_of_ours_is_not_followed() {
        let (parent, account) = parent();
        for name in ["log", "owner.lock", "server.lock"] {
            let (path, target) = (parent.join(format!("of-{name}")), parent.join("target"));
            fs::create_dir(&path).unwrap();
            std::os::unix::fs::symlink(&target, path.join(name)).unwrap();
            let named = ServerDirectory::named(&path, &account).and_then(|named| named.log());
            let refused = named.unwrap_err().to_string();
            assert!(refused.contains(&path.join(name).display().to_string()), "{refused}");
            assert!(!target.exists());
        }
        fs::remove_dir_all(parent).unwrap();
    }

    #[test]
    fn a_named_directory_has_one_owner_at_a_time() {
        let (parent, account) = parent();
        let path = parent.join("named");
        let first = ServerDirectory::named(&path, &account).unwrap();
        let refused = ServerDirectory::named(&path, &account).unwrap_err();
        let message = refused.to_string();
        assert!(message.contains("already running"), "{message}");
        assert!(message.contains(&path.display().to_string()), "{message}");
        drop(first);
        assert!(ServerDirectory::named(&path, &account).is_ok());
        fs::remove_dir_all(parent).unwrap();
    }
}
