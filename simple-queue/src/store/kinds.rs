//! Statements about the kinds that workers declare.

use sqlx::{PgConnection, Row, types::Json};

use super::{
    Store,
    decode::{Columns, Time, columns},
};
use crate::row::{KindArgument, KindOptions, KindState, NewKind};

columns! {
    KindColumns { kind, queue, version, arguments, options, declared_in, declared_at, updated_at, workers }
}

impl Store {
    /// Writes the kinds that this process has registered. Returns whether all were written: a row that another
    /// transaction has locked is left out.
    pub(crate) async fn declare_kinds(
        &self,
        connection: &mut PgConnection,
        kinds: &[NewKind],
    ) -> sqlx::Result<bool> {
        let declared = self.statements.declare_kinds.query().bind("kinds", Json(kinds));
        Ok(declared.fetch_all(connection).await?.len() == kinds.len())
    }

    /// The kinds that workers have declared; one of them, if it is named.
    pub(crate) async fn list_kinds(
        &self,
        connection: &mut PgConnection,
        kind: Option<&str>,
    ) -> sqlx::Result<Vec<KindState>> {
        let rows = self.statements.list_kinds.query().bind("kind", kind);
        let rows = rows.fetch_all(connection).await?;
        KindColumns::read(&rows, |row, columns| {
            let Json(arguments) = row.try_get::<Json<Vec<KindArgument>>, _>(columns.arguments)?;
            let Json(options) = row.try_get::<Json<KindOptions>, _>(columns.options)?;
            let workers: i64 = row.try_get(columns.workers)?;
            Ok(KindState {
                kind: row.try_get(columns.kind)?,
                queue: row.try_get(columns.queue)?,
                version: row.try_get(columns.version)?,
                arguments,
                max_attempts: options.max_attempts,
                priority: options.priority,
                timeout_s: options.timeout_s,
                aliases: options.aliases,
                declared_in: row.try_get(columns.declared_in)?,
                declared_at: row.try_get::<Time, _>(columns.declared_at)?.0,
                updated_at: row.try_get::<Time, _>(columns.updated_at)?.0,
                workers: workers.unsigned_abs(),
            })
        })
    }
}
