//! Creates the tables and brings them up to date.

use std::{
    cmp::{Ordering, min},
    sync::Arc,
    time::{Duration, Instant},
};

use sqlx::{AssertSqlSafe, Connection, PgConnection, Row};

use super::{Store, statements::Statement};
use crate::{
    Error,
    database::{
        Pooled, Schema, Servers,
        failure::{is_held_up, is_made_already, missing_grant},
    },
    retry_pause::{Pauses, RetryPause},
    telemetry,
};

/// A file of `migrations/`.
pub(super) struct Part {
    pub(super) name: &'static str,
    pub(super) sql: &'static str,
    /// Whether a newer release with another text applies it again.
    pub(super) repeats: bool,
}

/// In order of application. The files of tables are append-only, and each is applied once.
pub(super) const PARTS: &[Part] = &[
    Part {
        name: "0001_tables",
        sql: include_str!("../../migrations/0001_tables.sql"),
        repeats: false,
    },
    Part { name: "functions", sql: include_str!("../../migrations/functions.sql"), repeats: true },
];

/// What a schema records of a part that was applied.
pub(super) struct Applied {
    pub(super) name: String,
    pub(super) release: String,
    checksum: i64,
}

/// A part of a schema beside that of this release. One that is `Other` differs, and is applied only once.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Standing {
    Current,
    Older,
    Newer,
    Other,
}

/// This release.
const RELEASE: &str = env!("CARGO_PKG_VERSION");

/// 1 to 5 s between two tries of a migration that is held up.
const FIRST_PAUSE: Duration = Duration::from_secs(1);
const LONGEST_PAUSE: Duration = Duration::from_secs(5);

/// 30: a migration that is held up is retried for this many times the statement timeout.
const PATIENCE: u32 = 30;

/// Applies the missing parts, each in its own transaction.
///
/// A part changes tables that workers use, so it never waits long for a lock: whatever queues behind a request for an
/// exclusive lock waits as long as the request does, heartbeats included. A part that does not get its locks is rolled
/// back and retried after a pause.
///
/// Any number of processes may migrate at once: the one that applies a part locks the history table, which requires a
/// right on that table. The session is always closed at the end.
pub(crate) async fn migrate(servers: &Servers, store: &Store) -> Result<(), Error> {
    let connection = servers
        .open_for_migrations()
        .await
        .map_err(Error::database("connect for the migrations"))?;
    let Some(mut connection) = connection else {
        return Err(Error::NeedsDirectUrl { schema: store.schema().name().to_owned() });
    };
    let patience = servers.statement_timeout() * PATIENCE;
    let schema = store.schema();
    let migrated = Migration { store, schema, connection: &mut connection }.run(patience).await;
    let closed = connection.close().await;
    migrated?;
    closed.map_err(Error::database("close the connection of the migrations"))
}

struct Migration<'m> {
    store: &'m Store,
    schema: &'m Schema,
    connection: &'m mut PgConnection,
}

impl Migration<'_> {
    async fn run(&mut self, patience: Duration) -> Result<(), Error> {
        let begun = Instant::now();
        let mut retry_pause = RetryPause::new(Pauses {
            first: min(FIRST_PAUSE, patience),
            longest: min(LONGEST_PAUSE, patience),
            jitter: 0.5,
        });
        loop {
            let error = match self.bring_up_to_date().await {
                Ok(()) => return Ok(()),
                Err(Failure::Overtaken) => continue,
                Err(Failure::Refused(refusal)) => return Err(*refusal),
                Err(Failure::Database(error)) if is_held_up(&error) => error,
                Err(Failure::Database(error)) => return Err(self.failed(error)),
            };
            let holders = self.read_holders().await.map_err(|error| self.failed(error))?;
            let waited = begun.elapsed();
            if waited >= patience {
                let schema = self.schema.name().to_owned();
                return Err(Error::MigrationHeldUp {
                    schema,
                    waited,
                    holders,
                    error: error.into(),
                });
            }
            telemetry::store::migration_held_up(self.schema.name(), waited, &holders);
            retry_pause.wait().await;
        }
    }

    /// If nothing is missing, this takes two queries and waits for no lock.
    async fn bring_up_to_date(&mut self) -> Result<(), Failure> {
        let mut found = self.look_at_database().await?;
        let applied = if found.is_begun {
            read_applied(self.schema, self.connection).await?
        } else {
            Vec::new()
        };
        for part in PARTS {
            if part.is_missing(self.schema, &applied)? {
                self.apply(part, found).await?;
                found = Found { has_schema: true, is_begun: true };
            }
        }
        Ok(())
    }

    /// Refuses a database or a schema that the queue cannot or must not use.
    async fn look_at_database(&mut self) -> Result<Found, Failure> {
        let sql = self.schema.write_into(include_str!("sql/read_database.sql"));
        let row = sqlx::raw_sql(AssertSqlSafe(sql)).fetch_one(&mut *self.connection).await?;
        let encoding: String = row.try_get("encoding")?;
        if encoding != "UTF8" {
            return Err(Failure::refused(Error::NotUtf8 { encoding }));
        }
        let (owner, role): (Option<String>, String) = (row.try_get("owner")?, row.try_get("role")?);
        let has_schema = owner.is_some();
        match owner {
            Some(owner) if owner != role => {
                let schema = self.schema.name().to_owned();
                Err(Failure::refused(Error::ForeignSchema { schema, owner, role }))
            }
            _ => Ok(Found { has_schema, is_begun: row.try_get("is_begun")? }),
        }
    }

    async fn apply(&mut self, part: &Part, found: Found) -> Result<(), Failure> {
        let schema = self.schema;
        let mut tx = self.connection.begin().await?;
        execute(schema, &mut tx, include_str!("sql/lift_transaction_timeout.sql")).await?;
        begin_history(schema, &mut tx, found).await.map_err(Failure::of_beginning)?;
        execute(schema, &mut tx, include_str!("sql/lock_migrations.sql")).await?;
        // Another process may have applied it while this one waited.
        if part.is_missing(schema, &read_applied(schema, &mut tx).await?)? {
            execute(schema, &mut tx, part.sql).await?;
            if part.repeats {
                // The function is there now.
                self.store.ensure_archive_partitions(&mut tx).await?;
            }
            let record = include_str!("sql/record_migration.sql");
            let record = Statement::new("record_migration", record, schema, Pooled::default());
            record
                .query()
                .bind("name", part.name)
                .bind("release", RELEASE)
                .bind("checksum", part.checksum())
                .execute(&mut tx)
                .await?;
        }
        tx.commit().await?;
        telemetry::store::migration_applied(schema.name(), part.name);
        Ok(())
    }

    /// The sessions that hold locks on the tables, the oldest transactions first.
    async fn read_holders(&mut self) -> sqlx::Result<String> {
        let sql = self.schema.write_into(include_str!("sql/read_lock_holders.sql"));
        let holders: Vec<String> = sqlx::raw_sql(AssertSqlSafe(sql))
            .fetch_all(&mut *self.connection)
            .await?
            .iter()
            .map(|row| row.try_get("holder"))
            .collect::<sqlx::Result<_>>()?;
        Ok(match holders.as_slice() {
            [] => "no session any more".to_owned(),
            _ => holders.join("; "),
        })
    }

    fn failed(&self, error: sqlx::Error) -> Error {
        if let Some(missing) = missing_grant(&error) {
            return Error::MissingGrant { action: "migrate", missing, error: Arc::new(error) };
        }
        Error::Migrate { schema: self.schema.name().to_owned(), error: Arc::new(error) }
    }
}

/// What exists of the schema.
#[derive(Clone, Copy)]
struct Found {
    has_schema: bool,
    /// The history table exists.
    is_begun: bool,
}

/// Why a try failed.
enum Failure {
    Database(sqlx::Error),
    /// Another process created the schema at the same moment, so it exists now.
    Overtaken,
    /// Retrying does not help.
    Refused(Box<Error>),
}

impl Failure {
    fn refused(error: Error) -> Self {
        Self::Refused(Box::new(error))
    }

    fn of_beginning(error: sqlx::Error) -> Self {
        if is_made_already(&error) { Self::Overtaken } else { Self::Database(error) }
    }
}

impl From<sqlx::Error> for Failure {
    fn from(error: sqlx::Error) -> Self {
        Self::Database(error)
    }
}

impl Part {
    fn is_missing(&self, schema: &Schema, applied: &[Applied]) -> Result<bool, Failure> {
        let Some(there) = applied.iter().find(|there| there.name == self.name) else {
            return Ok(true);
        };
        match self.standing(there) {
            Standing::Current | Standing::Newer => Ok(false),
            Standing::Older => Ok(true),
            Standing::Other => Err(Failure::refused(Error::OtherTables {
                schema: schema.name().to_owned(),
                part: self.name,
                release: there.release.clone(),
            })),
        }
    }

    pub(super) fn standing(&self, there: &Applied) -> Standing {
        let differs = there.checksum != self.checksum();
        let if_it_differs = |other| if differs { other } else { Standing::Current };
        match number(&there.release).cmp(&number(RELEASE)) {
            _ if !self.repeats => if_it_differs(Standing::Other),
            Ordering::Less => Standing::Older,
            Ordering::Equal => if_it_differs(Standing::Older),
            Ordering::Greater => Standing::Newer,
        }
    }

    /// The statement that records it, as text.
    pub(super) fn record(&self) -> String {
        let record = include_str!("sql/record_migration.sql").trim_end();
        let record = record.replace(":name", &format!("'{}'", self.name));
        let record = record.replace(":release", &format!("'{RELEASE}'"));
        record.replace(":checksum", &self.checksum().to_string())
    }

    /// FNV-1a over the text: distinguishes versions, and is not a protection.
    fn checksum(&self) -> i64 {
        const BASIS: u64 = 0xcbf2_9ce4_8422_2325;
        const PRIME: u64 = 0x0100_0000_01b3;
        let hash =
            self.sql.bytes().fold(BASIS, |hash, byte| (hash ^ u64::from(byte)).wrapping_mul(PRIME));
        hash.cast_signed()
    }
}

/// A release in comparable form: a pre-release is older than its release. A text that is not a release is older than
/// all.
fn number(release: &str) -> Option<([u64; 3], bool)> {
    let (numbers, is_final) = match release.split_once('-') {
        Some((numbers, _)) => (numbers, false),
        None => (release, true),
    };
    let numbers: Vec<u64> = numbers.split('.').map(str::parse).collect::<Result<_, _>>().ok()?;
    Some((numbers.try_into().ok()?, is_final))
}

/// Creates the schema and its history table, unless they exist. `create schema` requires a right that nothing else
/// needs, even if the schema exists.
async fn begin_history(
    schema: &Schema,
    connection: &mut PgConnection,
    found: Found,
) -> sqlx::Result<()> {
    if !found.has_schema {
        execute(schema, connection, include_str!("sql/create_schema.sql")).await?;
    }
    if !found.is_begun {
        execute(schema, connection, include_str!("sql/create_migrations.sql")).await?;
    }
    Ok(())
}

async fn execute(schema: &Schema, connection: &mut PgConnection, sql: &str) -> sqlx::Result<()> {
    sqlx::raw_sql(AssertSqlSafe(schema.write_into(sql))).execute(connection).await?;
    Ok(())
}

pub(super) async fn read_applied(
    schema: &Schema,
    connection: &mut PgConnection,
) -> sqlx::Result<Vec<Applied>> {
    let sql = schema.write_into(include_str!("sql/read_migrations.sql"));
    let rows = sqlx::raw_sql(AssertSqlSafe(sql)).fetch_all(connection).await?;
    rows.iter()
        .map(|row| {
            Ok(Applied {
                name: row.try_get("name")?,
                release: row.try_get("release")?,
                checksum: row.try_get("checksum")?,
            })
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn releases_are_compared_by_their_numbers() {
        for (older, newer) in
            [("0.3.0", "0.3.1"), ("0.9.0", "0.10.0"), ("1.0.0-rc.1", "1.0.0"), ("x", "0.0.1")]
        {
            assert!(number(older) < number(newer), "{older} {newer}");
        }
    }
}
