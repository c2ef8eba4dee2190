//! Collects what a server shall be like, and starts it.

use std::{
    fmt,
    path::{self, Path},
};

use super::{
    EmbeddedError, EmbeddedPostgres, environment::Environment, error::Context as _, server::Plan,
};

/// A start of [`EmbeddedPostgres`] with settings of its own, from [`EmbeddedPostgres::builder`].
#[derive(Clone, Default)]
#[must_use = "nothing runs before `start` or `start_in`"]
pub struct EmbeddedPostgresBuilder {
    durable: bool,
    settings: Vec<(String, String)>,
}

impl EmbeddedPostgresBuilder {
    /// Sets a parameter of `postgresql.conf`; a later value wins, also over the defaults of this
    /// module.
    ///
    /// Without `max_connections` there are 300. With `port`, `listen_addresses` or
    /// `unix_socket_directories` the server listens on 127.0.0.1, with a password in its URL; without a
    /// `port` on a free one. The arguments of a process can be read by every user of the machine, and
    /// all settings are among those of the server.
    pub fn setting(mut self, name: impl Into<String>, value: impl Into<String>) -> Self {
        self.settings.push((name.into(), value.into()));
        self
    }

    /// Whether a temporary server writes as safely as a permanent one, for measurements; else it
    /// does not.
    ///
    /// A server with a directory of its own is always durable.
    pub fn durable(mut self, durable: bool) -> Self {
        self.durable = durable;
        self
    }

    /// Does what [`EmbeddedPostgres::start`] does; the settings only matter to a server that it
    /// starts.
    ///
    /// # Errors
    ///
    /// Those of [`EmbeddedPostgres::start`]. A setting that the server refuses is named in its log.
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
            settings: self.settings,
        })
        .await
    }

    /// Does what [`EmbeddedPostgres::start_in`] does.
    ///
    /// # Errors
    ///
    /// Those of [`EmbeddedPostgres::start_in`].
    ///
    /// # Cancel safety
    ///
    /// A dropped future leaves no server behind; data that exists stays.
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
            settings: self.settings,
        })
        .await
    }
}

impl fmt::Debug for EmbeddedPostgresBuilder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // The values may be secrets, of a primary to follow for instance.
        let settings: Vec<_> = self.settings.iter().map(|(name, _)| name).collect();
        f.debug_struct("EmbeddedPostgresBuilder")
            .field("durable", &self.durable)
            .field("settings", &settings)
            .finish()
    }
}
