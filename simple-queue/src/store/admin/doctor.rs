//! What a doctor of the queue reads of the server and of the tables. Nothing here changes anything.

use chrono::{DateTime, Utc};
use sqlx::{PgConnection, Row, types::Json};

use super::described::Described;
use crate::store::{
    Store,
    decode::{Columns, Time, columns},
};

/// The server, and what the role of the session may do. `None` where the schema is not there or not to be used.
#[derive(Debug)]
pub(crate) struct ServerLook {
    pub(crate) release: String,
    pub(crate) version: i32,
    pub(crate) encoding: String,
    pub(crate) is_standby: bool,
    pub(crate) is_read_only: bool,
    pub(crate) role: String,
    pub(crate) database: String,
    pub(crate) uses_schema: Option<bool>,
    pub(crate) sees: Option<bool>,
    pub(crate) acts: Option<bool>,
}

/// What keeps dead rows from being removed: a session, a slot, a prepared transaction.
#[derive(Debug)]
pub(crate) struct Holder {
    pub(crate) kind: String,
    pub(crate) name: String,
    pub(crate) role: Option<String>,
    pub(crate) state: Option<String>,
    pub(crate) query: Option<String>,
    pub(crate) transactions: i64,
    pub(crate) seconds: Option<f64>,
    /// How many sessions are hidden from the role.
    pub(crate) hidden: i64,
    /// The role that asks.
    pub(crate) me: String,
}

/// What the server counts of the table `jobs`.
#[derive(Debug, Clone, Copy)]
pub(crate) struct TableLook {
    pub(crate) live: i64,
    pub(crate) dead: i64,
    pub(crate) updates: i64,
    pub(crate) hot_updates: i64,
    /// Seconds since it was vacuumed last.
    pub(crate) vacuumed: Option<f64>,
    pub(crate) bytes: i64,
    /// Bytes of a row, as far as they are known.
    pub(crate) width: i64,
}

/// How full the queue of notifications is, and who may keep it so.
#[derive(Debug)]
pub(crate) struct NotificationsLook {
    pub(crate) used: f64,
    pub(crate) idle: Option<(i32, String, f64)>,
}

/// Connections in use, those there are, and the processes.
#[derive(Debug, Clone, Copy)]
pub(crate) struct ConnectionsLook {
    pub(crate) used: i64,
    pub(crate) there_are: i64,
    pub(crate) workers: i64,
}

/// A setting of the session's role, or one that is set for a role or the database.
#[derive(Debug, Clone)]
pub(crate) struct SettingLook {
    pub(crate) name: String,
    pub(crate) value: String,
    /// From where the session has it.
    pub(crate) source: Option<String>,
    pub(crate) role: Option<String>,
    pub(crate) database: Option<String>,
}

columns! {
    HolderColumns { kind, name, role, state, query, transactions, seconds, hidden, me }
}

columns! {
    IndexColumns { name, bytes }
}

columns! {
    SettingColumns { name, value, source, role, database }
}

impl Store {
    pub(crate) async fn look_at_server(
        &self,
        connection: &mut PgConnection,
    ) -> sqlx::Result<ServerLook> {
        let row = self.statements.look_at_server.query().fetch_one(connection).await?;
        Ok(ServerLook {
            release: row.try_get("release")?,
            version: row.try_get("version")?,
            encoding: row.try_get("encoding")?,
            is_standby: row.try_get("is_standby")?,
            is_read_only: row.try_get("is_read_only")?,
            role: row.try_get("role")?,
            database: row.try_get("database")?,
            uses_schema: row.try_get("uses_schema")?,
            sees: row.try_get("sees")?,
            acts: row.try_get("acts")?,
        })
    }

    /// `None`: there is no such schema.
    pub(crate) async fn describe_schema(
        &self,
        connection: &mut PgConnection,
    ) -> sqlx::Result<Option<Described>> {
        let row = self.statements.describe_schema.query().fetch_optional(connection).await?;
        let Some(row) = row else { return Ok(None) };
        let Json(described) = row.try_get("described")?;
        Ok(Some(described))
    }

    /// The first holder is none, so that there is one.
    pub(crate) async fn look_for_horizon(
        &self,
        connection: &mut PgConnection,
    ) -> sqlx::Result<Vec<Holder>> {
        let rows = self.statements.look_for_horizon.query().fetch_all(connection).await?;
        HolderColumns::read(&rows, |row, columns| {
            Ok(Holder {
                kind: row.try_get(columns.kind)?,
                name: row.try_get(columns.name)?,
                role: row.try_get(columns.role)?,
                state: row.try_get(columns.state)?,
                query: row.try_get(columns.query)?,
                transactions: row.try_get(columns.transactions)?,
                seconds: row.try_get(columns.seconds)?,
                hidden: row.try_get(columns.hidden)?,
                me: row.try_get(columns.me)?,
            })
        })
    }

    /// `None`: there is no such table.
    pub(crate) async fn look_at_jobs_table(
        &self,
        connection: &mut PgConnection,
    ) -> sqlx::Result<Option<TableLook>> {
        let row = self.statements.look_at_jobs_table.query().fetch_optional(connection).await?;
        let Some(row) = row else { return Ok(None) };
        Ok(Some(TableLook {
            live: row.try_get("live")?,
            dead: row.try_get("dead")?,
            updates: row.try_get("updates")?,
            hot_updates: row.try_get("hot_updates")?,
            vacuumed: row.try_get("vacuumed")?,
            bytes: row.try_get("bytes")?,
            width: row.try_get("width")?,
        }))
    }

    /// The indexes of `jobs` with their bytes.
    pub(crate) async fn look_at_indexes(
        &self,
        connection: &mut PgConnection,
    ) -> sqlx::Result<Vec<(String, i64)>> {
        let rows = self.statements.look_at_indexes.query().fetch_all(connection).await?;
        IndexColumns::read(&rows, |row, columns| {
            Ok((row.try_get(columns.name)?, row.try_get(columns.bytes)?))
        })
    }

    pub(crate) async fn look_at_notifications(
        &self,
        connection: &mut PgConnection,
    ) -> sqlx::Result<NotificationsLook> {
        let row = self.statements.look_at_notifications.query().fetch_one(connection).await?;
        let pid: Option<i32> = row.try_get("pid")?;
        let role: Option<String> = row.try_get("role")?;
        let seconds: Option<f64> = row.try_get("seconds")?;
        let idle = pid.map(|pid| (pid, role.unwrap_or_default(), seconds.unwrap_or_default()));
        Ok(NotificationsLook { used: row.try_get("used")?, idle })
    }

    pub(crate) async fn look_at_connections(
        &self,
        connection: &mut PgConnection,
    ) -> sqlx::Result<ConnectionsLook> {
        let row = self.statements.look_at_connections.query().fetch_one(connection).await?;
        Ok(ConnectionsLook {
            used: row.try_get("used")?,
            there_are: row.try_get("there_are")?,
            workers: row.try_get("workers")?,
        })
    }

    pub(crate) async fn look_at_settings(
        &self,
        connection: &mut PgConnection,
    ) -> sqlx::Result<Vec<SettingLook>> {
        let rows = self.statements.look_at_settings.query().fetch_all(connection).await?;
        SettingColumns::read(&rows, |row, columns| {
            Ok(SettingLook {
                name: row.try_get(columns.name)?,
                value: row.try_get(columns.value)?,
                source: row.try_get(columns.source)?,
                role: row.try_get(columns.role)?,
                database: row.try_get(columns.database)?,
            })
        })
    }

    pub(crate) async fn look_at_clock(
        &self,
        connection: &mut PgConnection,
    ) -> sqlx::Result<DateTime<Utc>> {
        let row = self.statements.look_at_clock.query().fetch_one(connection).await?;
        Ok(row.try_get::<Time, _>("now")?.0)
    }
}
