//! Which parts of the tables a schema has, and what would be applied.

use sqlx::{AssertSqlSafe, PgConnection, Row};

use super::{
    admin::repair::Repair,
    archive::DAYS_AHEAD,
    migrate::read_applied,
    migration_part::{PARTS, Part, Standing},
};
use crate::{Error, database::Schema};

/// The parts of this release as a schema has them, and parts that this release does not know.
#[derive(Debug)]
pub(crate) struct History {
    pub(crate) parts: Vec<(&'static str, PartState)>,
    /// With the release that applied it.
    pub(crate) unknown: Vec<(String, String)>,
    has_schema: bool,
    is_begun: bool,
}

/// A part that a migration would apply.
#[derive(Debug)]
pub(crate) struct Pending {
    pub(crate) name: &'static str,
    /// The release whose text it replaces.
    pub(crate) replaces: Option<String>,
    pub(crate) sql: String,
}

/// A part as a schema has it, with the release that applied it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum PartState {
    Current {
        release: String,
    },
    Missing,
    /// A newer text replaces it.
    Older {
        release: String,
    },
    Newer {
        release: String,
    },
    /// Its text differs, and it is applied only once.
    Other {
        release: String,
    },
}

pub(crate) async fn read_history(
    schema: &Schema,
    connection: &mut PgConnection,
) -> sqlx::Result<History> {
    let sql = schema.write_into(include_str!("sql/read_database.sql"));
    let row = sqlx::raw_sql(AssertSqlSafe(sql)).fetch_one(&mut *connection).await?;
    let has_schema = row.try_get::<Option<String>, _>("owner")?.is_some();
    let is_begun: bool = row.try_get("is_begun")?;
    let applied = if is_begun { read_applied(schema, connection).await? } else { Vec::new() };
    let state = |part: &Part| match applied.iter().find(|there| there.name == part.name) {
        None => PartState::Missing,
        Some(there) => {
            let release = there.release.clone();
            match part.standing(there) {
                Standing::Current => PartState::Current { release },
                Standing::Older => PartState::Older { release },
                Standing::Newer => PartState::Newer { release },
                Standing::Other => PartState::Other { release },
            }
        }
    };
    let is_known = |name: &str| PARTS.iter().any(|part| part.name == name);
    let unknown = applied.iter().filter(|there| !is_known(&there.name));
    Ok(History {
        parts: PARTS.iter().map(|part| (part.name, state(part))).collect(),
        unknown: unknown.map(|there| (there.name.clone(), there.release.clone())).collect(),
        has_schema,
        is_begun,
    })
}

impl History {
    #[cfg(feature = "testing")]
    pub(crate) const fn has_schema(&self) -> bool {
        self.has_schema
    }

    /// Whether a migration would apply nothing.
    #[cfg(feature = "testing")]
    pub(crate) fn is_current(&self) -> bool {
        let is_current = |(_, state): &(_, PartState)| {
            matches!(state, PartState::Current { .. } | PartState::Newer { .. })
        };
        self.parts.iter().all(is_current)
    }

    #[cfg(test)]
    pub(crate) fn of(
        parts: Vec<(&'static str, PartState)>,
        unknown: Vec<(String, String)>,
    ) -> Self {
        Self { parts, unknown, has_schema: true, is_begun: true }
    }

    /// The parts that a migration would apply, each with its statements: they end with the row that records it.
    ///
    /// # Errors
    /// [`Error::OtherTables`], as a migration.
    pub(crate) fn pending(&self, schema: &Schema) -> Result<Vec<Pending>, Error> {
        let mut begin = beginning(self.has_schema, self.is_begun);
        let mut pending = Vec::new();
        for (part, (name, state)) in PARTS.iter().zip(&self.parts) {
            let replaces = match state {
                PartState::Missing => None,
                PartState::Older { release } => Some(release.clone()),
                PartState::Current { .. } | PartState::Newer { .. } => continue,
                PartState::Other { release } => {
                    let schema = schema.name().to_owned();
                    return Err(Error::OtherTables {
                        schema,
                        part: name,
                        release: release.clone(),
                    });
                }
            };
            let begin = std::mem::take(&mut begin);
            pending.push(Pending::of(part, replaces, &begin, DAYS_AHEAD, schema));
        }
        Ok(pending)
    }
}

/// All parts, as a migration would apply them to an empty database, with the archive's partitions for this number of
/// days ahead.
pub(crate) fn all_parts(schema: &Schema, days_ahead: i32) -> Vec<Pending> {
    let mut begin = beginning(false, false);
    let pending = |part| Pending::of(part, None, &std::mem::take(&mut begin), days_ahead, schema);
    PARTS.iter().map(pending).collect()
}

impl Pending {
    fn of(
        part: &Part,
        replaces: Option<String>,
        begin: &str,
        days_ahead: i32,
        schema: &Schema,
    ) -> Self {
        // As a migration does when the function is there.
        let days = Repair::of(schema).days_ahead(days_ahead) + ";\n";
        let days = if part.repeats { days } else { String::new() };
        let sql = format!("{begin}{}\n{days}{};\n", part.sql, part.record());
        Self { name: part.name, replaces, sql: schema.write_into(&sql) }
    }
}

/// What makes the schema and its history, unless they exist.
fn beginning(has_schema: bool, is_begun: bool) -> String {
    let schema = include_str!("sql/create_schema.sql").trim_end();
    let history = include_str!("sql/create_migrations.sql").trim_end();
    match (has_schema, is_begun) {
        (false, _) => format!("{schema};\n\n{history};\n\n"),
        (true, false) => format!("{history};\n\n"),
        (true, true) => String::new(),
    }
}
