//! Making the tables, and bringing them up to date.

use sqlx::{
    AssertSqlSafe, ConnectOptions, Connection, PgConnection, SqlSafeStr,
    migrate::{MigrateError, Migration, MigrationType, Migrator},
};

use super::{Schema, Servers};
use crate::Error;

/// Every file of `migrations/`, in order. Files are only ever added.
const MIGRATIONS: &[(i64, &str, &str)] = &[
    (1, "tables", include_str!("../../migrations/0001_tables.sql")),
    (2, "functions", include_str!("../../migrations/functions.sql")),
];

/// Applies the migrations that are missing.
///
/// They keep their history in a table of their own inside the schema, so they never meet the
/// application's. Any number of processes may do this at once: a lock lets one at a time. It belongs
/// to the session, and a migration that fails leaves it held; so this runs on a connection of its own,
/// which is closed whatever happens.
pub(crate) async fn migrate(servers: &Servers, schema: &Schema) -> Result<(), Error> {
    let options = servers.session().await.map_err(Error::database("connect for the migrations"))?;
    let Some(options) = options else {
        return Err(Error::NeedsDirectUrl { schema: schema.name().to_owned() });
    };
    let mut connection =
        options.connect().await.map_err(Error::database("connect for the migrations"))?;
    let migrated = async {
        let exists = find_schema(&mut connection, schema).await?;
        migrator(schema, exists).run_direct(None, &mut connection, false).await
    }
    .await;
    let closed = connection.close().await;
    migrated.map_err(failed(schema))?;
    closed.map_err(Error::database("close the connection of the migrations"))
}

fn failed(schema: &Schema) -> impl Fn(MigrateError) -> Error {
    let schema = schema.name().to_owned();
    move |source| Error::Migrate { schema: schema.clone(), source }
}

/// Whether the schema is there; making one that is there needs a right that nobody needs otherwise.
async fn find_schema(connection: &mut PgConnection, schema: &Schema) -> sqlx::Result<bool> {
    sqlx::query_scalar(include_str!("sql/find_schema.sql"))
        .bind(schema.name())
        .fetch_one(connection)
        .await
}

fn migrator(schema: &Schema, exists: bool) -> Migrator {
    let migrations = MIGRATIONS
        .iter()
        .map(|&(version, description, sql)| {
            let sql = AssertSqlSafe(schema.write_into(sql)).into_sql_str();
            Migration::new(version, description.into(), MigrationType::Simple, sql, false)
        })
        .collect();
    let mut migrator = Migrator::with_migrations(migrations);
    migrator.dangerous_set_table_name(schema.write_into("simple_queue.migrations"));
    if !exists {
        migrator.create_schema(schema.quoted());
    }
    // A newer release beside this one may have added to the tables; what it added is of no concern.
    migrator.set_ignore_missing(true);
    migrator
}
