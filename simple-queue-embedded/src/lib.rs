//! A Postgres server for tests, examples and applications that begin without one.
//!
//! [`EmbeddedPostgres::start`] takes the server that `DATABASE_URL` names, and else starts a
//! private one from binaries that the machine has (or that `npm` can fetch). A private server ends
//! with the process that started it, also when that process panics or is killed, and leaves nothing
//! behind.
//!
//! This crate is the feature `embedded` of `simple-queue`, which shows it as `simple_queue::embedded`.
//!
//! # Who can reach it
//!
//! The user of this process, and root; no other user of the machine can connect, read the data or the
//! log, or make the server write anywhere.
//!
//! - A private server listens on a socket in a directory that only you can enter, asks for no
//!   password there, and has no port.
//! - Where you ask for a port, by [`setting`](EmbeddedPostgresBuilder::setting) one of `port`,
//!   `listen_addresses` and `unix_socket_directories`, or where the path of the socket would be too
//!   long (107 bytes, 103 on macOS), it listens on 127.0.0.1, and everybody has to know a random
//!   password. It is part of the URL, so treat that as a secret; it is shown in no message of this
//!   crate, and no process has it among its arguments. A permanent server keeps it in the file
//!   `password` of its directory, which only you can read.
//! - The files `pg_hba.conf` and `pg_ident.conf` in the data of the server are not looked at, unless
//!   you set `hba_file`.
//! - Root's server runs as the user `postgres`, else `nobody`, and belongs to that user: whatever else
//!   runs under the same name can reach it, and can write nowhere but in its data. What root writes
//!   is in directories of root's, where it follows no link.
//!
//! A server is as new as its binaries: those of the machine are updated by the machine, and those of
//! the pinned npm package by a new release of this crate.
//!
//! # Variables
//!
//! | variable | meaning |
//! |---|---|
//! | `DATABASE_URL` | the server to use; nothing is started or stopped |
//! | `SIMPLE_QUEUE_PG_BIN` | the directory of `postgres` and `initdb`, or `npm` for the pinned package |
//! | `SIMPLE_QUEUE_PG_VERSION` | the only major version to take, `15` to `18` |
//! | `TMPDIR` | where temporary servers are, unless others could replace what is in it, then `/tmp`; `/dev/shm` makes many short ones quicker |

#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;

#[cfg(not(unix))]
compile_error!(
    "the feature `embedded` of simple-queue needs Linux or macOS; \
     leave it out on this platform and set DATABASE_URL to a PostgreSQL server"
);

mod access;
mod account;
mod builder;
mod cache;
mod database;
mod directory;
mod discover;
mod environment;
mod error;
mod files;
mod held;
mod keeper;
mod package;
mod password;
mod pins;
mod places;
mod random;
mod server;
mod template;

use std::{fmt, panic::resume_unwind, path::Path};

use tokio::task::spawn_blocking;

pub use self::{builder::EmbeddedPostgresBuilder, error::EmbeddedError};
use self::{
    database::CreateStrategy,
    server::{Plan, Server},
};

/// A Postgres server that this process may use as its own.
///
/// Dropping the value stops a server that was started here, without waiting for it;
/// [`stop`](Self::stop) waits. A value that is never dropped, because it is in a `static` for
/// instance, stops its server when the process ends.
pub struct EmbeddedPostgres {
    url: String,
    /// `None` when the server belongs to somebody else.
    server: Option<Server>,
    create: CreateStrategy,
}

impl EmbeddedPostgres {
    /// Uses the server that `DATABASE_URL` names, or starts a private temporary one.
    ///
    /// The temporary server trades safety for speed (no `fsync`): its data is gone at its end
    /// anyway.
    ///
    /// # Errors
    ///
    /// When no usable Postgres is found, and when it cannot be started; the message then holds the
    /// end of the server's log.
    ///
    /// # Cancel safety
    ///
    /// A dropped future leaves no server behind: a start that is under way is undone in the
    /// background.
    ///
    /// # Examples
    ///
    /// ```no_run
    /// # async fn example() -> Result<(), Box<dyn std::error::Error>> {
    /// use simple_queue_embedded::EmbeddedPostgres;
    ///
    /// let postgres = EmbeddedPostgres::start().await?;
    /// let pool = sqlx::PgPool::connect(postgres.url()).await?;
    /// # Ok(())
    /// # }
    /// ```
    pub async fn start() -> Result<Self, EmbeddedError> {
        Self::builder().start().await
    }

    /// Starts a private server that keeps its data in `directory`, safe against a crash.
    ///
    /// The directory is made when it does not exist, and closed to others where nothing but the server
    /// is in it. `DATABASE_URL` is not looked at. The server has the same major version each time: the
    /// one that made the data.
    ///
    /// # Errors
    ///
    /// Those of [`start`](Self::start); [`EmbeddedError::AlreadyRunning`] when a server runs in this
    /// directory already; [`EmbeddedError::NotPrivate`] when others could replace what is in it.
    ///
    /// # Cancel safety
    ///
    /// A dropped future leaves no server behind; data that exists stays.
    ///
    /// # Examples
    ///
    /// ```no_run
    /// # async fn example() -> Result<(), Box<dyn std::error::Error>> {
    /// use simple_queue_embedded::EmbeddedPostgres;
    ///
    /// let postgres = EmbeddedPostgres::start_in("data/postgres").await?;
    /// # Ok(())
    /// # }
    /// ```
    pub async fn start_in(directory: impl AsRef<Path>) -> Result<Self, EmbeddedError> {
        Self::builder().start_in(directory).await
    }

    /// Begins a start with settings of its own.
    ///
    /// # Examples
    ///
    /// ```no_run
    /// # async fn example() -> Result<(), Box<dyn std::error::Error>> {
    /// use simple_queue_embedded::EmbeddedPostgres;
    ///
    /// let postgres = EmbeddedPostgres::builder()
    ///     .durable(true)
    ///     .setting("wal_level", "logical")
    ///     .start()
    ///     .await?;
    /// # Ok(())
    /// # }
    /// ```
    pub fn builder() -> EmbeddedPostgresBuilder {
        EmbeddedPostgresBuilder::default()
    }

    /// The URL to connect with: for `sqlx`, `psql` and whatever else uses Postgres's own library.
    ///
    /// A secret where the server listens on a port, because the password is in it.
    pub fn url(&self) -> &str {
        &self.url
    }

    /// Makes a new empty database with a unique name, and returns the URL to connect to it with.
    ///
    /// Meant for one database per test; many may be made at the same time. They go with a temporary
    /// server; on the server of `DATABASE_URL` and in a named directory they stay until somebody
    /// drops them (their names begin with `simple_queue_`).
    ///
    /// # Errors
    ///
    /// When the server cannot be reached, or its user may not create databases.
    ///
    /// # Cancel safety
    ///
    /// When the future is dropped the database may or may not have been made.
    ///
    /// # Examples
    ///
    /// ```no_run
    /// # async fn example() -> Result<(), Box<dyn std::error::Error>> {
    /// # use simple_queue_embedded::EmbeddedPostgres;
    /// let postgres = EmbeddedPostgres::start().await?;
    /// let pool = sqlx::PgPool::connect(&postgres.create_database().await?).await?;
    /// # Ok(())
    /// # }
    /// ```
    pub async fn create_database(&self) -> Result<String, EmbeddedError> {
        database::create(&self.url, self.create).await
    }

    /// Stops the server and waits until it has gone, and its directory with it when it was
    /// temporary.
    ///
    /// Connections that are still open are cut. The server of `DATABASE_URL` is left alone.
    ///
    /// # Errors
    ///
    /// When a server that keeps its data did not end well.
    ///
    /// # Cancel safety
    ///
    /// The server stops also when the future is dropped after its first poll.
    ///
    /// # Examples
    ///
    /// ```no_run
    /// # async fn example() -> Result<(), Box<dyn std::error::Error>> {
    /// # use simple_queue_embedded::EmbeddedPostgres;
    /// let postgres = EmbeddedPostgres::start_in("data/postgres").await?;
    /// postgres.stop().await?;
    /// # Ok(())
    /// # }
    /// ```
    pub async fn stop(self) -> Result<(), EmbeddedError> {
        match self.server {
            Some(server) => blocking(move || server.stop()).await,
            None => Ok(()),
        }
    }

    fn elsewhere(url: String) -> Self {
        Self { url, server: None, create: CreateStrategy::ServerDefault }
    }

    async fn launch(plan: Plan) -> Result<Self, EmbeddedError> {
        // A copy of files is the faster way only where it costs no `fsync`.
        let create =
            if plan.durable { CreateStrategy::ServerDefault } else { CreateStrategy::FileCopy };
        let server = blocking(move || server::launch(&plan)).await?;
        Ok(Self { url: server.url(), server: Some(server), create })
    }
}

impl fmt::Debug for EmbeddedPostgres {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // A URL may hold a password.
        let url = self.server.as_ref().map(Server::shown_url);
        let url = url.unwrap_or_else(|| "DATABASE_URL".to_owned());
        f.debug_struct("EmbeddedPostgres").field("url", &url).finish_non_exhaustive()
    }
}

/// Runs process and file work where it blocks no task. What `work` made is dropped, and so undone,
/// when nobody waits for it any more.
async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> Result<T, EmbeddedError> + Send + 'static,
) -> Result<T, EmbeddedError> {
    match spawn_blocking(work).await {
        Ok(done) => done,
        Err(failed) if failed.is_panic() => resume_unwind(failed.into_panic()),
        Err(_) => Err(EmbeddedError::RuntimeStopped),
    }
}
