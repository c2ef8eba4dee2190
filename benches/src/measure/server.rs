//! The server on which everything is measured.

use std::path::Path;

use serde::Serialize;
use simple_queue::embedded::EmbeddedPostgres;
use sqlx::{AssertSqlSafe, Connection, PgConnection, postgres::PgConnectOptions};

use crate::contestant::Result;

/// A server, and the observer's connection to it.
pub(crate) struct Server {
    /// Stops the server when dropped; `None` where the bench did not start it.
    own: Option<EmbeddedPostgres>,
    options: PgConnectOptions,
    pub(crate) observer: PgConnection,
    pub(crate) settings: Settings,
}

/// What the figures depend on.
#[derive(Debug, Clone, Serialize)]
pub(crate) struct Settings {
    pub(crate) measured_at: String,
    pub(crate) machine: String,
    pub(crate) server: Vec<(String, String)>,
    /// Whether statements are counted.
    pub(crate) statements: bool,
}

/// So that neither checkpoints nor a small cache tell in the middle of a trial. Durability is the server's
/// default: all of it.
const SETTINGS: [(&str, &str); 4] = [
    ("shared_buffers", "1GB"),
    ("max_wal_size", "8GB"),
    ("checkpoint_timeout", "30min"),
    ("max_connections", "400"),
];

const STATED: [&str; 11] = [
    "server_version",
    "fsync",
    "synchronous_commit",
    "full_page_writes",
    "wal_level",
    "shared_buffers",
    "max_wal_size",
    "checkpoint_timeout",
    "autovacuum",
    "jit",
    "data_directory",
];

impl Server {
    /// Uses a server that is there, or starts a durable one.
    pub(crate) async fn start(url: Option<&str>, settings: &[(String, String)]) -> Result<Self> {
        if let Some(url) = url {
            return Self::connect(None, url).await;
        }
        if std::env::var_os("DATABASE_URL").is_some() {
            return Err(
                "DATABASE_URL is set: say `--url \"$DATABASE_URL\"` to measure on that server, \
                or unset it to have one started"
                    .into(),
            );
        }
        let with_statements = start_own(settings, true).await;
        let own = match with_statements {
            Ok(own) => own,
            // Its message is the end of the server's log.
            Err(error) if error.to_string().contains("pg_stat_statements") => {
                eprintln!("Statements are not counted: this PostgreSQL has no pg_stat_statements.");
                start_own(settings, false).await?
            }
            Err(error) => return Err(error.into()),
        };
        let url = own.url().to_owned();
        Self::connect(Some(own), &url).await
    }

    async fn connect(own: Option<EmbeddedPostgres>, url: &str) -> Result<Self> {
        let options: PgConnectOptions = url.parse()?;
        let mut observer = PgConnection::connect_with(&options).await?;
        let is_superuser: bool =
            sqlx::query_scalar("select usesuper from pg_user where usename = current_user")
                .fetch_one(&mut observer)
                .await?;
        if !is_superuser {
            return Err(
                "the user of the URL must be a superuser: the bench makes and drops databases, \
                orders checkpoints and counts statements"
                    .into(),
            );
        }
        let statements = count_statements(&mut observer).await?;
        let settings = Settings {
            measured_at: sqlx::query_scalar(
                "select to_char(now() at time zone 'utc', 'YYYY-MM-DD HH24:MI \"UTC\"')",
            )
            .fetch_one(&mut observer)
            .await?,
            machine: machine(),
            server: stated(&mut observer).await?,
            statements,
        };
        Ok(Self { own, options, observer, settings })
    }

    /// A database with nothing in it, and a connection that is not counted.
    pub(crate) async fn create_database(&mut self, name: &str) -> Result<(String, PgConnection)> {
        for statement in [
            format!("drop database if exists {name} with (force)"),
            format!("create database {name}"),
            // What was written before must not be flushed meanwhile; and a page that is made after it
            // needs no image of itself in the log.
            "checkpoint".to_owned(),
        ] {
            sqlx::raw_sql(AssertSqlSafe(statement)).execute(&mut self.observer).await?;
        }
        let options = self.options.clone().database(name);
        let mut connection = PgConnection::connect_with(&options).await?;
        if self.settings.statements {
            sqlx::raw_sql("set pg_stat_statements.track = none").execute(&mut connection).await?;
        }
        let url = sqlx::ConnectOptions::to_url_lossy(&options);
        Ok((url.to_string(), connection))
    }

    pub(crate) async fn drop_database(&mut self, name: &str) -> Result<()> {
        let statement = format!("drop database if exists {name} with (force)");
        sqlx::raw_sql(AssertSqlSafe(statement)).execute(&mut self.observer).await?;
        Ok(())
    }

    pub(crate) async fn stop(self) -> Result<()> {
        self.observer.close().await?;
        if let Some(own) = self.own {
            own.stop().await?;
        }
        Ok(())
    }
}

async fn start_own(
    settings: &[(String, String)],
    with_statements: bool,
) -> std::result::Result<EmbeddedPostgres, simple_queue::embedded::EmbeddedError> {
    let mut builder = EmbeddedPostgres::builder().durable(true);
    for (name, value) in SETTINGS {
        builder = builder.setting(name, value);
    }
    for (name, value) in settings {
        builder = builder.setting(name, value);
    }
    if with_statements {
        builder = builder.setting("shared_preload_libraries", "pg_stat_statements");
    }
    builder.start().await
}

/// Makes ready to count statements; whether the server can.
async fn count_statements(observer: &mut PgConnection) -> Result<bool> {
    let loaded: String =
        sqlx::query_scalar("show shared_preload_libraries").fetch_one(&mut *observer).await?;
    if !loaded.contains("pg_stat_statements") {
        return Ok(false);
    }
    for statement in
        ["create extension if not exists pg_stat_statements", "set pg_stat_statements.track = none"]
    {
        sqlx::raw_sql(statement).execute(&mut *observer).await?;
    }
    Ok(true)
}

async fn stated(observer: &mut PgConnection) -> Result<Vec<(String, String)>> {
    let mut stated = Vec::new();
    for name in STATED {
        let value: String = sqlx::query_scalar("select current_setting($1)")
            .bind(name)
            .fetch_one(&mut *observer)
            .await?;
        stated.push((name.to_owned(), value));
    }
    Ok(stated)
}

fn machine() -> String {
    let cores = std::thread::available_parallelism().map_or(0, std::num::NonZero::get);
    let read = |path: &str, key: &str| {
        let text = std::fs::read_to_string(Path::new(path)).unwrap_or_default();
        let line = text.lines().find(|line| line.starts_with(key)).unwrap_or_default();
        line.split_once(':').map_or("unknown".to_owned(), |(_, value)| value.trim().to_owned())
    };
    let load = std::fs::read_to_string("/proc/loadavg").unwrap_or_default();
    let load = load.split(' ').take(3).collect::<Vec<_>>().join(" ");
    format!(
        "{cores} cores, {}; memory {}; load at the start {load}",
        read("/proc/cpuinfo", "model name"),
        read("/proc/meminfo", "MemTotal"),
    )
}
