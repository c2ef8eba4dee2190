//! A database for each test.

use sqlx::{AssertSqlSafe, Connection, Executor, PgConnection, postgres::PgConnectOptions};
use uuid::Uuid;

/// A server on which each test gets a database of its own.
#[derive(Debug)]
pub(crate) struct TestDatabases {
    /// How to connect to any database of the server.
    server: PgConnectOptions,
    /// The database with the tables of the queue, which has no sessions. `None`: the server has other users, and
    /// nothing may be left there.
    template: Option<String>,
}

impl TestDatabases {
    pub(crate) const fn new(server: PgConnectOptions, template: Option<String>) -> Self {
        Self { server, template }
    }

    /// Makes a database; returns how to connect to it.
    pub(crate) async fn make(&self) -> sqlx::Result<PgConnectOptions> {
        let name = format!("simple_queue_test_{}", Uuid::now_v7().simple());
        let copy = include_str!("sql/copy_database.sql").replace("the_copy", &name);
        let copy = match &self.template {
            Some(template) => copy.replace("the_template", template),
            None => copy.replace("the_template", "template0").replace("strategy file_copy", ""),
        };
        self.execute(copy).await?;
        Ok(self.server.clone().database(&name))
    }

    /// Drops a database.
    pub(crate) async fn drop(&self, made: &PgConnectOptions) -> sqlx::Result<()> {
        let drop = include_str!("sql/drop_database.sql");
        self.execute(drop.replace("the_copy", made.get_database().unwrap_or_default())).await
    }

    async fn execute(&self, sql: String) -> sqlx::Result<()> {
        let mut connection = PgConnection::connect_with(&self.server).await?;
        connection.execute(AssertSqlSafe(sql)).await?;
        connection.close().await
    }
}
