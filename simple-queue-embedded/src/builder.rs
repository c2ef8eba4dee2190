//! Collects the settings of a server, and starts it.

use std::{
    fmt,
    path::{self, Path},
};

use super::{
    EmbeddedError, EmbeddedPostgres, environment::Environment, error::Context as _, server::Plan,
};

/// Builder of an [`EmbeddedPostgres`]; [`EmbeddedPostgres::builder`] creates one.
#[derive(Clone, Default)]
#[must_use = "nothing runs before `start` or `start_in`"]
pub struct EmbeddedPostgresBuilder {
    durable: bool,
    in_memory: bool,
    settings: Vec<(String, String)>,
}

impl EmbeddedPostgresBuilder {
    /// Sets a parameter of `postgresql.conf`. A later value wins, also over the defaults of this
    /// crate.
    ///
    /// `max_connections` is 300 by default. With `port`, `listen_addresses` or
    /// `unix_socket_directories` the server listens on 127.0.0.1, with a password in its URL;
    /// without a `port` on a free one. Every user of the machine can read the arguments of a
    /// process, and all settings are among those of the server.
    pub fn setting(mut self, name: impl Into<String>, value: impl Into<String>) -> Self {
        self.settings.push((name.into(), value.into()));
        self
    }

    /// Sets whether a temporary server is as durable as a permanent one, for measurements; off by
    /// default.
    ///
    /// A server with a directory of its own is always durable.
    pub fn durable(mut self, durable: bool) -> Self {
        self.durable = durable;
        self
    }

    /// Sets whether a temporary server keeps its data in memory; off by default.
    ///
    /// A database is made there in a fraction of the time, for example for each test. The place is
    /// `/dev/shm`. The data is where it is by default if that does not exist, if less than 4 GiB of
    /// it or of the memory are free, or if `TMPDIR` is set.
    pub fn in_memory(mut self, in_memory: bool) -> Self {
        self.in_memory = in_memory;
        self
    }

    /// Starts a server like [`EmbeddedPostgres::start`]; the settings only apply to a server that
    /// this call starts.
    ///
    /// # Errors
    ///
    /// Those of [`EmbeddedPostgres::start`]. The server's log names a setting that the server
    /// refuses.
    ///
    /// # Cancel safety
    ///
    /// A dropped future leaves no server behind.
    pub async fn start(self) -> Result<EmbeddedPostgres, EmbeddedError> {
        let environment = Environment::current()?;
        if let Some(url) = environment.database_url {
            tracing::debug!("DATABASE_URL is set, no server is started");
            return Ok(EmbeddedPostgres::elsewhere(url));
        }
        EmbeddedPostgres::launch(Plan {
            environment,
            directory: None,
            durable: self.durable,
            in_memory: self.in_memory,
            settings: self.settings,
        })
        .await
    }

    /// Starts a server like [`EmbeddedPostgres::start_in`].
    ///
    /// # Errors
    ///
    /// Those of [`EmbeddedPostgres::start_in`].
    ///
    /// # Cancel safety
    ///
    /// A dropped future leaves no server behind; existing data stays.
    pub async fn start_in(
        self,
        directory: impl AsRef<Path>,
    ) -> Result<EmbeddedPostgres, EmbeddedError> {
        let directory = directory.as_ref();
        // The server runs in another working directory.
        let absolute = path::absolute(directory).context("find the place of", directory)?;
        EmbeddedPostgres::launch(Plan {
            environment: Environment::current()?,
            directory: Some(absolute),
            durable: true,
            in_memory: false,
            settings: self.settings,
        })
        .await
    }
}

impl fmt::Debug for EmbeddedPostgresBuilder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // The values may be secrets, for example of a primary to follow.
        let settings: Vec<_> = self.settings.iter().map(|(name, _)| name).collect();
        f.debug_struct("EmbeddedPostgresBuilder")
            .field("durable", &self.durable)
            .field("in_memory", &self.in_memory)
            .field("settings", &settings)
            .finish()
    }
}
