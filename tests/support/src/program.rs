//! Programs that some cases need beside those of Postgres.

use std::{env, path::PathBuf};

/// A program or a library, and how to install it.
#[derive(Debug)]
pub struct Program {
    name: &'static str,
    install: &'static str,
    find: fn() -> Option<PathBuf>,
}

/// The pooler of the system, or the one that `SIMPLE_QUEUE_PGBOUNCER` names.
pub const PGBOUNCER: &Program = &Program {
    name: "pgbouncer",
    install: "apt-get install pgbouncer",
    find: || {
        let named = env::var_os("SIMPLE_QUEUE_PGBOUNCER").map(PathBuf::from);
        named.or_else(|| {
            first(&[
                "/usr/sbin/pgbouncer",
                "/usr/bin/pgbouncer",
                "/usr/local/bin/pgbouncer",
                "/opt/homebrew/bin/pgbouncer",
            ])
        })
    },
};

/// The library that gives a process another time.
pub const FAKETIME: &Program = &Program {
    name: "libfaketime",
    install: "apt-get install libfaketime",
    find: || {
        first(&[
            "/usr/lib/x86_64-linux-gnu/faketime/libfaketimeMT.so.1",
            "/usr/lib/aarch64-linux-gnu/faketime/libfaketimeMT.so.1",
            "/usr/lib/faketime/libfaketimeMT.so.1",
            "/usr/lib64/faketime/libfaketimeMT.so.1",
        ])
    },
};

/// The package manager that fetches the pinned package of Postgres.
pub const NPM: &Program = &Program {
    name: "npm",
    install: "apt-get install npm",
    find: || {
        let path = env::var_os("PATH")?;
        env::split_paths(&path).map(|directory| directory.join("npm")).find(|npm| npm.is_file())
    },
};

impl Program {
    /// A program of this name, with the command that installs it.
    #[must_use]
    pub const fn new(
        name: &'static str,
        install: &'static str,
        find: fn() -> Option<PathBuf>,
    ) -> Self {
        Self { name, install, find }
    }

    /// Its path.
    ///
    /// # Panics
    ///
    /// When it is missing; a case that declares what it needs does not run then.
    #[must_use]
    pub fn path(&self) -> PathBuf {
        (self.find)().unwrap_or_else(|| panic!("{}", self.missing()))
    }

    pub(crate) fn is_there(&self) -> bool {
        (self.find)().is_some()
    }

    /// How to install it, as a sentence.
    pub(crate) fn missing(&self) -> String {
        format!("{} is missing: {}", self.name, self.install)
    }
}

fn first(places: &[&str]) -> Option<PathBuf> {
    places.iter().map(PathBuf::from).find(|path| path.exists())
}
