//! Keeps expensive files, the package and the template, in the user's cache directory.

use std::{
    fs::{self, DirBuilder, File},
    io,
    os::unix::fs::{DirBuilderExt as _, MetadataExt as _, PermissionsExt as _},
    path::{Path, PathBuf},
};

use super::{
    EmbeddedError, account::Account, environment::Environment, error::Context as _, files,
    held::Held,
};

/// A directory that only this user can write to.
#[derive(Debug)]
pub(super) struct Cache {
    directory: PathBuf,
    own_id: u32,
}

impl Cache {
    /// Opens the first usable place; for root a place that the server's user can enter too.
    pub(super) fn open(
        environment: &Environment,
        account: &Account,
    ) -> Result<Self, EmbeddedError> {
        let mut refused = None;
        for directory in places(environment, account) {
            match prepare(&directory, account) {
                Ok(()) => {
                    return Ok(Self { directory, own_id: account.own_id });
                }
                Err(error) => refused = Some(error),
            }
        }
        Err(refused.expect("there is always the place in the directory for temporary files"))
    }

    /// Returns the directory `name`. If it does not exist yet, `make` fills it.
    ///
    /// It appears under its name only when it is complete. Another process that needs it waits for
    /// this one, and the unfinished work of a killed process is removed. A program that `make`
    /// starts must get the lock as its input: if this process is killed, no other process may
    /// remove the directory while the program uses it.
    pub(super) fn get_or_make(
        &self,
        name: &str,
        make: impl FnOnce(&Path, &File) -> Result<(), EmbeddedError>,
    ) -> Result<PathBuf, EmbeddedError> {
        let path = self.directory.join(name);
        if self.is_ready(&path)? {
            return Ok(path);
        }
        let lock_path = self.directory.join(format!("{name}.lock"));
        // Only this user can open it, and so hold the lock.
        let lock =
            Held::open(&self.directory).and_then(|held| held.own_file(&format!("{name}.lock")));
        let lock = lock.context("open", &lock_path)?;
        lock.lock().context("lock", &lock_path)?;
        if self.is_ready(&path)? {
            return Ok(path);
        }
        let new = self.directory.join(format!("{name}.new"));
        files::remove_directory(&new).context("remove", &new)?;
        DirBuilder::new().mode(0o700).create(&new).context("create", &new)?;
        if let Err(error) = make(&new, &lock) {
            files::remove_directory(&new).context("remove", &new)?;
            return Err(error);
        }
        fs::rename(&new, &path).context("rename", &new)?;
        files::sync(&self.directory).context("sync", &self.directory)?;
        Ok(path)
    }

    /// Returns whether `path` exists. A file of another user is an error: it would be run or
    /// trusted.
    fn is_ready(&self, path: &Path) -> Result<bool, EmbeddedError> {
        match fs::symlink_metadata(path) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(false),
            found => found
                .and_then(|found| check_private(&found, self.own_id))
                .context("trust", path)
                .map(|()| true),
        }
    }
}

fn places(environment: &Environment, account: &Account) -> Vec<PathBuf> {
    let mac = cfg!(target_os = "macos");
    let in_home = if mac { "Library/Caches" } else { ".cache" };
    let of_system = if mac { "Library/Caches" } else { "var/cache" };
    let mut parents: Vec<PathBuf> = environment.xdg_cache_home.iter().cloned().collect();
    let home = environment.home.iter().filter(|home| home.is_dir());
    parents.extend(home.map(|home| home.join(in_home)));
    if account.own_id == 0 {
        parents.push(environment.root.join(of_system));
    }
    let mut places: Vec<PathBuf> =
        parents.into_iter().map(|parent| parent.join("simple-queue")).collect();
    // The name contains the user, because every user shares this directory.
    places.push(environment.temporary.join(format!("simple-queue-cache-{}", account.own_id)));
    places
}

fn prepare(directory: &Path, account: &Account) -> Result<(), EmbeddedError> {
    // The server's user must reach the binaries in it.
    let mode = if account.is_other_user() { 0o755 } else { 0o700 };
    let mut above = directory.ancestors().skip(1);
    let standing = above.find(|parent| parent.exists()).unwrap_or(directory);
    // Checked first, so that root leaves nothing in the home of the user that it works for.
    check_owner(standing, account.own_id).context("use as a cache", standing)?;
    account.check_enter(standing)?;
    if let Some(parent) = directory.parent() {
        fs::create_dir_all(parent).context("create", parent)?;
    }
    match fs::create_dir(directory) {
        Ok(()) => fs::set_permissions(directory, fs::Permissions::from_mode(mode)),
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => Ok(()),
        Err(error) => Err(error),
    }
    .and_then(|()| fs::symlink_metadata(directory))
    .and_then(|found| check_private(&found, account.own_id))
    .context("use as a cache", directory)?;
    account.check_enter(directory)
}

/// Checks that a directory is ours or the system's.
fn check_owner(directory: &Path, own_id: u32) -> io::Result<()> {
    let owner = fs::metadata(directory)?.uid();
    if owner == own_id || owner == 0 {
        return Ok(());
    }
    Err(io::Error::new(io::ErrorKind::PermissionDenied, format!("it belongs to user {owner}")))
}

/// Checks that only this user and root can have changed the content of a directory.
fn check_private(found: &fs::Metadata, own_id: u32) -> io::Result<()> {
    let others_write = found.mode() & 0o022 != 0;
    if found.is_dir() && found.uid() == own_id && !others_write {
        return Ok(());
    }
    Err(io::Error::new(
        io::ErrorKind::PermissionDenied,
        format!(
            "it must be a directory of user {own_id} that nobody else can write to, \
             but belongs to user {} and has the mode {:o}",
            found.uid(),
            found.mode() & 0o7777
        ),
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A cache in a new directory, which the caller removes.
    fn cache() -> Cache {
        let directory = std::env::temp_dir().join(format!("sq-cache-{}", uuid::Uuid::now_v7()));
        let own_id = rustix::process::geteuid().as_raw();
        DirBuilder::new().mode(0o700).create(&directory).unwrap();
        Cache { directory, own_id }
    }

    #[test]
    fn what_was_made_once_is_not_made_again() {
        let cache = cache();
        for _ in 0..2 {
            let mut made = 0;
            let path = cache
                .get_or_make("thing", |new, _| {
                    made += 1;
                    fs::write(new.join("file"), "content").context("write", new)
                })
                .unwrap();
            assert_eq!(fs::read(path.join("file")).unwrap(), b"content");
        }
        fs::remove_dir_all(&cache.directory).unwrap();
    }

    #[test]
    fn what_was_left_half_made_is_never_used() {
        let cache = cache();
        let half_made = cache.directory.join("thing.new");
        fs::create_dir(&half_made).unwrap();
        fs::write(half_made.join("old"), "half").unwrap();
        let failed = cache.get_or_make("thing", |_, _| Err(EmbeddedError::NoAccount));
        assert!(failed.is_err());
        let path = cache.get_or_make("thing", |_, _| Ok(())).unwrap();
        assert_eq!(fs::read_dir(path).unwrap().count(), 0);
        fs::remove_dir_all(&cache.directory).unwrap();
    }

    #[test]
    fn what_others_could_have_changed_is_refused() {
        let cache = cache();
        let path = cache.get_or_make("thing", |_, _| Ok(())).unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(0o777)).unwrap();
        let refused = cache.get_or_make("thing", |_, _| Ok(())).unwrap_err();
        assert!(refused.to_string().contains("thing"), "{refused}");
        fs::remove_dir_all(&cache.directory).unwrap();
    }

    #[test]
    fn root_leaves_nothing_in_the_home_of_somebody_else() {
        let account = Account::of_server().unwrap();
        let cache = cache();
        // Does nothing unless this process is root.
        account.give(&File::open(&cache.directory).unwrap()).unwrap();
        let place = cache.directory.join(".cache/simple-queue");
        assert_eq!(prepare(&place, &account).is_err(), account.is_other_user());
        assert_eq!(place.exists(), !account.is_other_user());
        fs::remove_dir_all(&cache.directory).unwrap();
    }

    #[test]
    fn only_one_of_many_makes_it() {
        let cache = cache();
        let made = std::sync::atomic::AtomicU32::new(0);
        std::thread::scope(|scope| {
            for _ in 0..8 {
                scope.spawn(|| {
                    cache.get_or_make("thing", |_, _| {
                        made.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
                        Ok(())
                    })
                });
            }
        });
        assert_eq!(made.into_inner(), 1);
        fs::remove_dir_all(&cache.directory).unwrap();
    }
}
