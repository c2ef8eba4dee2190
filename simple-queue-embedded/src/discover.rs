//! Finds the directory of `postgres` and `initdb`, and records why it skipped others.

use std::{
    collections::HashSet,
    iter,
    path::{Path, PathBuf},
};

use super::{
    EmbeddedError,
    account::Account,
    cache::Cache,
    environment::{BinarySource, Environment, SUPPORTED},
    package,
    places::{from_pg_config, usual_places},
};

/// A server that can be started.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Binaries {
    pub(super) directory: PathBuf,
    /// The output of `postgres --version`.
    pub(super) version: String,
}

/// Finds the binaries: on the machine, otherwise in the pinned package.
pub(super) fn find(
    environment: &Environment,
    account: &Account,
) -> Result<Binaries, EmbeddedError> {
    let mut search = Search { environment, account, seen: HashSet::new(), passed_over: Vec::new() };
    let found = match &environment.source {
        BinarySource::Directory(directory) => search.named(directory),
        BinarySource::Package => search.package()?,
        BinarySource::Anywhere => match search.machine() {
            Some(binaries) => Some(binaries),
            None => search.package()?,
        },
    };
    found.ok_or_else(|| EmbeddedError::NotFound {
        wanted: match (environment.wanted.start(), environment.wanted.end()) {
            (first, last) if first == last => first.to_string(),
            (first, last) => format!("{first} to {last}"),
        },
        passed_over: search.passed_over,
    })
}

struct Search<'a> {
    environment: &'a Environment,
    account: &'a Account,
    /// Most directories have several paths, and are reported once.
    seen: HashSet<PathBuf>,
    passed_over: Vec<String>,
}

impl Search<'_> {
    fn named(&mut self, directory: &Path) -> Option<Binaries> {
        let found = self.inspect(directory);
        if found.is_none() && self.passed_over.is_empty() {
            self.pass_over(directory, "SIMPLE_QUEUE_PG_BIN names it, but it holds no `postgres`");
        }
        found
    }

    fn machine(&mut self) -> Option<Binaries> {
        let environment = self.environment;
        let path = environment.path.iter().cloned();
        // Asked late, because it starts a process.
        let told = iter::once_with(|| from_pg_config(environment)).flatten();
        path.chain(told)
            .chain(usual_places(&environment.root))
            .find_map(|directory| self.inspect(&directory))
    }

    fn package(&mut self) -> Result<Option<Binaries>, EmbeddedError> {
        let Some(npm) = self.environment.program("npm") else {
            self.passed_over
                .push("@embedded-postgres: there is no `npm` in PATH to fetch it with".to_owned());
            return Ok(None);
        };
        let cache = Cache::open(self.environment, self.account)?;
        match package::fetch(&npm, &cache, &self.environment.wanted) {
            Ok(directory) => Ok(self.inspect(&directory)),
            Err(failed @ EmbeddedError::Package { .. }) => {
                self.passed_over.push(failed.to_string());
                Ok(None)
            }
            Err(failed) => Err(failed),
        }
    }

    /// Returns the binaries in `directory`, if it has usable ones.
    fn inspect(&mut self, directory: &Path) -> Option<Binaries> {
        // A link in `PATH` leads to the place with `initdb` and the library files.
        let postgres = directory.join("postgres").canonicalize().ok()?;
        let directory = postgres.parent()?.to_owned();
        if !self.seen.insert(directory.clone()) {
            return None;
        }
        if !directory.join("initdb").is_file() {
            self.pass_over(&directory, "there is no `initdb` beside `postgres`");
            return None;
        }
        // Run as the server's user, so that a place it cannot enter is detected now.
        let output = match self.account.command(&postgres).arg("--version").output() {
            Ok(output) if output.status.success() => output.stdout,
            Ok(output) => {
                let reason = String::from_utf8_lossy(&output.stderr).trim().to_owned();
                self.pass_over(&directory, &format!("`postgres --version` fails: {reason}"));
                return None;
            }
            Err(error) => {
                self.pass_over(&directory, &format!("`postgres` cannot be run: {error}"));
                return None;
            }
        };
        let version = String::from_utf8_lossy(&output).trim().to_owned();
        match major(&version) {
            Some(major) if self.environment.wanted.contains(&major) => {
                return Some(Binaries { directory, version });
            }
            Some(major) if SUPPORTED.contains(&major) => {
                self.pass_over(&directory, &format!("version {major} is not the one wanted"));
            }
            Some(major) => {
                self.pass_over(&directory, &format!("version {major} is not supported"));
            }
            None => self.pass_over(&directory, &format!("`{version}` is no known version")),
        }
        None
    }

    fn pass_over(&mut self, directory: &Path, reason: &str) {
        self.passed_over.push(format!("{}: {reason}", directory.display()));
    }
}

/// Parses the major version in `postgres (PostgreSQL) 15.18 (Debian 15.18-0+deb12u1)`.
fn major(version: &str) -> Option<u16> {
    let number = version.split_once("(PostgreSQL) ")?.1;
    let digits = number.split(|c: char| !c.is_ascii_digit()).next()?;
    digits.parse().ok()
}

#[cfg(test)]
mod tests {
    use std::{fs, os::unix::fs::PermissionsExt as _};

    use super::*;

    /// A made-up file system; removed with the value.
    struct Machine(PathBuf);

    impl Machine {
        fn new() -> Self {
            let root = std::env::temp_dir().join(format!("sq-discover-{}", uuid::Uuid::now_v7()));
            fs::create_dir(&root).unwrap();
            // The server's user runs its programs.
            fs::set_permissions(&root, fs::Permissions::from_mode(0o755)).unwrap();
            Self(root)
        }

        fn install(&self, directory: &str, version: &str) -> PathBuf {
            let script = format!("echo 'postgres (PostgreSQL) {version}'");
            self.program(directory, "initdb", "");
            self.program(directory, "postgres", &script)
        }

        fn program(&self, directory: &str, name: &str, script: &str) -> PathBuf {
            let directory = self.0.join(directory);
            fs::create_dir_all(&directory).unwrap();
            let file = directory.join(name);
            fs::write(&file, format!("#!/bin/sh\n{script}\n")).unwrap();
            fs::set_permissions(&file, fs::Permissions::from_mode(0o755)).unwrap();
            directory
        }

        fn find(&self, change: impl FnOnce(&mut Environment)) -> Result<PathBuf, String> {
            let mut environment = Environment::bare(&self.0);
            change(&mut environment);
            find(&environment, &Account::of_server().unwrap())
                .map(|binaries| binaries.directory)
                .map_err(|error| error.to_string())
        }
    }

    impl Drop for Machine {
        fn drop(&mut self) {
            fs::remove_dir_all(&self.0).expect("the directory is ours");
        }
    }

    #[test]
    fn the_major_version_is_read_from_what_the_programs_print() {
        for (printed, expected) in [
            ("postgres (PostgreSQL) 15.18 (Debian 15.18-0+deb12u1)", Some(15)),
            ("postgres (PostgreSQL) 18.4", Some(18)),
            ("postgres (PostgreSQL) 18beta2", Some(18)),
            ("postgres (PostgreSQL) 9.6.24", Some(9)),
            ("bash 5.2", None),
            ("", None),
        ] {
            assert_eq!(major(printed), expected, "{printed}");
        }
    }

    #[test]
    fn the_path_comes_before_pg_config_and_that_before_the_usual_places() {
        let machine = Machine::new();
        let usual = machine.install("usr/lib/postgresql/17/bin", "17.1");
        assert_eq!(machine.find(|_| ()), Ok(usual));

        let told = machine.install("told", "16.1");
        let script = format!("echo {}", told.display());
        let tools = machine.program("tools", "pg_config", &script);
        assert_eq!(machine.find(|e| e.path = vec![tools.clone()]), Ok(told));

        let in_path = machine.install("in-path", "15.1");
        let path = vec![tools, in_path.clone()];
        assert_eq!(machine.find(|e| e.path = path), Ok(in_path));
    }

    #[test]
    fn the_newest_supported_version_is_taken() {
        let machine = Machine::new();
        for version in ["9", "14", "16", "19"] {
            machine.install(&format!("usr/lib/postgresql/{version}/bin"), version);
        }
        let newest = machine.install("usr/lib/postgresql/18/bin", "18.4");
        assert_eq!(machine.find(|_| ()), Ok(newest));
    }

    #[test]
    fn a_link_in_the_path_leads_to_where_initdb_is() {
        let machine = Machine::new();
        let real = machine.install("opt/postgres", "16.2");
        let links = machine.0.join("links");
        fs::create_dir(&links).unwrap();
        std::os::unix::fs::symlink(real.join("postgres"), links.join("postgres")).unwrap();
        assert_eq!(machine.find(|e| e.path = vec![links]), Ok(real));
    }

    #[test]
    fn what_was_passed_over_is_named_with_the_reason_and_what_to_install() {
        let machine = Machine::new();
        let old = machine.install("usr/lib/postgresql/14/bin", "14.9");
        let lonely = machine.program("lonely", "postgres", "");
        let broken = machine.install("broken", "15.1");
        machine.program("broken", "postgres", "echo no library >&2; exit 127");
        let path = vec![lonely.clone(), broken.clone()];
        let message = machine.find(|e| e.path = path).unwrap_err();
        for part in [
            "no PostgreSQL 15 to 18 was found",
            &format!("{}: version 14 is not supported", old.display()),
            &format!("{}: there is no `initdb`", lonely.display()),
            &format!("{}: `postgres --version` fails: no library", broken.display()),
            "there is no `npm` in PATH",
            "apt-get install postgresql",
            "dnf install postgresql-server",
            "brew install postgresql@17",
            "DATABASE_URL",
            "SIMPLE_QUEUE_PG_BIN",
        ] {
            assert!(message.contains(part), "`{part}` is missing in: {message}");
        }
    }

    #[test]
    fn a_named_directory_is_the_only_one_looked_at() {
        let machine = Machine::new();
        machine.install("usr/lib/postgresql/17/bin", "17.1");
        let empty = machine.0.join("empty");
        let source = BinarySource::Directory(empty.clone());
        let message = machine.find(|e| e.source = source).unwrap_err();
        assert!(message.contains(&empty.display().to_string()), "{message}");

        let named = machine.install("named", "15.1");
        let source = BinarySource::Directory(named.clone());
        assert_eq!(machine.find(|e| e.source = source), Ok(named));
    }

    #[test]
    fn only_the_wanted_version_is_taken() {
        let machine = Machine::new();
        machine.install("usr/lib/postgresql/17/bin", "17.1");
        let wanted = machine.install("usr/lib/postgresql/16/bin", "16.1");
        assert_eq!(machine.find(|e| e.wanted = 16..=16), Ok(wanted));
        let message = machine.find(|e| e.wanted = 15..=15).unwrap_err();
        assert!(message.contains("no PostgreSQL 15 was found"), "{message}");
        assert!(message.contains("version 17 is not the one wanted"), "{message}");
    }
}
