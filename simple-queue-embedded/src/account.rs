//! The user that the server runs as: Postgres refuses to run as root.

use std::{
    env,
    ffi::OsStr,
    fs::{self, File},
    io,
    os::unix::{
        fs::{MetadataExt as _, fchown},
        process::CommandExt as _,
    },
    path::{Path, PathBuf},
    process::{Command, Stdio},
};

use rustix::process::geteuid;

use super::{EmbeddedError, error::Context as _, held::Held};

/// The users that root switches to, the better one first.
const CANDIDATES: [&str; 2] = ["postgres", "nobody"];

/// The user of the server.
#[derive(Clone, Debug)]
pub(super) struct Account {
    /// Set if this process is root.
    dropped_to: Option<User>,
    /// The user of this process.
    pub(super) own_id: u32,
}

#[derive(Clone, Debug, PartialEq, Eq)]
struct User {
    name: &'static str,
    id: u32,
    group: u32,
}

impl Account {
    pub(super) fn of_server() -> Result<Self, EmbeddedError> {
        let own_id = geteuid();
        let mut dropped_to = None;
        if own_id.is_root() {
            let file = Path::new("/etc/passwd");
            let passwd = fs::read_to_string(file).context("read", file)?;
            dropped_to = Some(unprivileged(&passwd).ok_or(EmbeddedError::NoAccount)?);
        }
        Ok(Self { dropped_to, own_id: own_id.as_raw() })
    }

    pub(super) fn is_other_user(&self) -> bool {
        self.dropped_to.is_some()
    }

    pub(super) fn id(&self) -> u32 {
        self.dropped_to.as_ref().map_or(self.own_id, |user| user.id)
    }

    /// Returns a command that runs as this user, in an environment without variables that change
    /// its work.
    pub(super) fn command(&self, program: impl AsRef<OsStr>) -> Command {
        let mut command = Command::new(program);
        command.env_clear();
        for name in ["PATH", "LD_LIBRARY_PATH"] {
            if let Some(value) = env::var_os(name) {
                command.env(name, value);
            }
        }
        command.envs([("LC_ALL", "C"), ("TZ", "UTC")]);
        command.current_dir("/").stdin(Stdio::null());
        if let Some(user) = &self.dropped_to {
            command.uid(user.id).gid(user.group);
        }
        command
    }

    /// Makes the server's user the owner of a file or directory.
    pub(super) fn give(&self, file: &File) -> io::Result<()> {
        match &self.dropped_to {
            Some(user) => fchown(file, Some(user.id), Some(user.group)),
            None => Ok(()),
        }
    }

    /// Makes this process's user the owner of a file or directory again.
    pub(super) fn take_back(&self, file: &File) -> io::Result<()> {
        match &self.dropped_to {
            Some(_) => fchown(file, Some(self.own_id), None),
            None => Ok(()),
        }
    }

    /// Gives a file or directory of ours the group of the server's user.
    pub(super) fn share(&self, file: &File) -> io::Result<()> {
        match &self.dropped_to {
            Some(user) => fchown(file, None, Some(user.group)),
            None => Ok(()),
        }
    }

    /// Closes a directory of ours to other users. The server's user can pass through it to what it
    /// owns, and can neither list nor change it.
    pub(super) fn close(&self, directory: &Held) -> io::Result<()> {
        self.share(directory.file())?;
        directory.set_mode(if self.is_other_user() { 0o710 } else { 0o700 })
    }

    /// Checks that a directory is ours or the server user's.
    pub(super) fn check_given(&self, directory: &Held) -> io::Result<()> {
        let owner = directory.metadata()?.uid();
        if owner == self.own_id || owner == self.id() {
            return Ok(());
        }
        Err(io::Error::new(io::ErrorKind::PermissionDenied, format!("it belongs to user {owner}")))
    }

    /// Checks that the server's user can reach the content of `directory`.
    pub(super) fn check_enter(&self, directory: &Path) -> Result<(), EmbeddedError> {
        let Some(user) = &self.dropped_to else {
            return Ok(()); // The system's own message is as good when we try it ourselves.
        };
        let real = directory.canonicalize().context("find", directory)?;
        match real.ancestors().find(|part| !user.may(part, ENTER)) {
            Some(closed) => Err(EmbeddedError::CannotEnter {
                directory: PathBuf::from(closed),
                user: user.name.to_owned(),
            }),
            None => Ok(()),
        }
    }
}

/// The bit of a directory's mode.
const ENTER: u32 = 0o1;

impl User {
    /// Returns whether the mode of `directory` grants all of these bits to this user.
    fn may(&self, directory: &Path, bits: u32) -> bool {
        fs::metadata(directory).is_ok_and(|found| {
            let shift = if found.uid() == self.id {
                6
            } else if found.gid() == self.group {
                3
            } else {
                0
            };
            (found.mode() >> shift) & bits == bits
        })
    }
}

fn unprivileged(passwd: &str) -> Option<User> {
    CANDIDATES.into_iter().find_map(|name| passwd.lines().find_map(|line| entry(line, name)))
}

fn entry(line: &str, name: &'static str) -> Option<User> {
    let mut fields = line.split(':');
    if fields.next() != Some(name) {
        return None;
    }
    let user = User { name, id: number(fields.nth(1)?)?, group: number(fields.next()?)? };
    (user.id != 0).then_some(user)
}

/// Parses the id of a user or group; macOS writes that of `nobody` as -2.
fn number(field: &str) -> Option<u32> {
    field.parse().or_else(|_| field.parse().map(i32::cast_unsigned)).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    const PASSWD: &str = "root:x:0:0:root:/root:/bin/sh\n\
        nobody:*:-2:-2:Unprivileged User:/var/empty:/usr/bin/false\n\
        postgres2:x:7:7::/:/bin/sh\n";

    #[test]
    fn root_becomes_postgres_where_it_exists_and_else_nobody() {
        let with_postgres = format!("{PASSWD}postgres:x:101:104:,,,:/var/lib/postgresql:/bin/sh\n");
        assert_eq!(
            unprivileged(&with_postgres),
            Some(User { name: "postgres", id: 101, group: 104 })
        );
        assert_eq!(
            unprivileged(PASSWD),
            Some(User { name: "nobody", id: u32::MAX - 1, group: u32::MAX - 1 })
        );
    }

    #[test]
    fn a_user_with_the_rights_of_root_is_not_taken() {
        assert_eq!(unprivileged("postgres:x:0:0::/:/bin/sh\n"), None);
        assert_eq!(unprivileged(""), None);
    }
}
