//! The directory of a server: who uses it, and what becomes of it when nobody does.
//!
//! It is ours, also where root has started the server: only `data` and `socket` belong to the
//! server's user, and nothing that we write is in them.
//!
//! Two locks tell who uses it, because the operating system gives a lock up when its last holder
//! ends, however that happens: `server.lock` is held as long as the server runs, `owner.lock` by the
//! program that started it.

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

/// What is put into the directory of a server; while it is made its name ends in `.new`.
const ENTRIES: [&str; 7] =
    [DATA, "log", "owner.lock", "password", "pg_hba.conf", "server.lock", "socket"];

/// How long a program that has given up a directory may seem to hold it: a process that another
/// thread is just starting has a copy of the lock for a moment.
const OWNER_PATIENCE: Duration = Duration::from_millis(200);

/// How long the server of a program that has just ended may take to stop.
const STOP_PATIENCE: Duration = Duration::from_mins(1);

/// A directory that belongs to the server about to start.
#[derive(Debug)]
pub(super) struct ServerDirectory {
    pub(super) held: Held,
    pub(super) temporary: bool,
    /// Goes to what holds it as long as the server lives.
    pub(super) server_lock: File,
    /// Stays with us; a temporary directory has a name of its own and needs none.
    pub(super) owner_lock: Option<File>,
}

impl ServerDirectory {
    /// Makes a new directory for a temporary server, and removes those that a crash has left.
    pub(super) fn temporary(parent: &Path, account: &Account) -> Result<Self, EmbeddedError> {
        let prefix = format!("simple-queue-pg-{}-", account.own_id);
        let parent = usable(parent, account)?;
        sweep(&parent, &prefix, account.own_id);
        let held = new_directory(&parent, &prefix)?;
        let path = held.path();
        account.close(&held).context("close", path)?;
        // A lock that appears is held from the first moment, so that no sweep takes it for left.
        let server_lock = held.own_file("server.lock.new").context("lock", path)?;
        server_lock.lock().context("lock", path)?;
        held.rename("server.lock.new", "server.lock").context("lock", path)?;
        Ok(Self { held, temporary: true, server_lock, owner_lock: None })
    }

    /// Takes the directory that the user named, which must not be in use.
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

    /// The log of the server, emptied. Only we can read it, because statements are in it.
    pub(super) fn log(&self) -> Result<File, EmbeddedError> {
        let log = self.held.own_file("log");
        log.and_then(|log| log.set_len(0).map(|()| log)).context("open", &self.path().join("log"))
    }

    /// The major version of the cluster, if there is one.
    pub(super) fn version(&self) -> Result<Option<u16>, EmbeddedError> {
        let version = read_from_data(&self.held, "PG_VERSION")?;
        Ok(version.and_then(|version| version.trim().parse().ok()))
    }
}

/// The content of a file of the server, if there is one.
pub(super) fn read_from_data(held: &Held, name: &str) -> Result<Option<String>, EmbeddedError> {
    let content = match held.directory(DATA) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        data => data.and_then(|data| data.read(name)),
    };
    content.context("read", &held.path().join(DATA).join(name))
}

fn new_directory(parent: &Path, prefix: &str) -> Result<Held, EmbeddedError> {
    loop {
        // Short, because the path of a socket has little room.
        let path = parent.join(format!("{prefix}{}", random_hex::<5>()?));
        match DirBuilder::new().mode(0o700).create(&path) {
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
            made => {
                return made.and_then(|()| Held::open(&path)).context("create", &path);
            }
        }
    }
}

/// The directory for temporary files, or the common one where others could take away what is in
/// it, or the server's user could not get at it.
fn usable(temporary: &Path, account: &Account) -> Result<PathBuf, EmbeddedError> {
    check_parent(temporary, account).or_else(|error| {
        tracing::debug!(%error, "the temporary server is in /tmp");
        check_parent(Path::new("/tmp"), account).map_err(|_| error)
    })
}

/// Checks that only we and root can replace what we put into a directory.
fn check_parent(directory: &Path, account: &Account) -> Result<PathBuf, EmbeddedError> {
    let real = directory.canonicalize().context("find", directory)?;
    // In a container root may be known by another number.
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

/// Makes the directory that the user named ours alone, or refuses it.
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

/// Whether others than the owner can put something else in the place of what is in a directory.
fn others_replace(mode: u32) -> bool {
    const STICKY: u32 = 0o1000;
    mode & 0o022 != 0 && mode & STICKY == 0
}

fn is_ours(name: &OsString) -> bool {
    let name = name.to_string_lossy();
    ENTRIES.contains(&name.strip_suffix(".new").unwrap_or(&name))
}

/// Takes a lock in the directory that the user named, and waits for it at most so long.
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

/// Whether `path` is a directory of the user `owner` whose server has ended.
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
            // A process that another test is just starting may have a copy of the lock.
            assert!(attempts < 1000, "it was not removed");
            attempts += 1;
            ServerDirectory::temporary(&parent, &account).unwrap();
        }
        assert!(used.path().exists() && stranger.exists());
        fs::remove_dir_all(parent).unwrap();
    }

    #[test]
    fn a_directory_that_is_just_being_made_is_not_removed() {
        let (parent, account) = parent();
        let begun = parent.join(format!("simple-queue-pg-{}-new", account.own_id));
        fs::create_dir(&begun).unwrap();
        ServerDirectory::temporary(&parent, &account).unwrap();
        assert!(begun.exists());
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
