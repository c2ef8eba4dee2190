//! What is left of a rate, as operators see it.

use chrono::{DateTime, Utc};
use sqlx::{Row, postgres::PgRow, types::Json};

use crate::job::StoredRate;

/// A rate and what is left of it, as operators see it.
#[derive(Debug, Clone, Copy)]
pub(crate) struct RateRow {
    pub(crate) declared: StoredRate,
    pub(crate) set_to: Option<StoredRate>,
    pub(crate) tokens: i32,
    pub(crate) full_at: DateTime<Utc>,
    pub(crate) next_at: DateTime<Utc>,
}

impl RateRow {
    /// Reads it from the row of a limit or of a key, if that has a rate.
    pub(super) fn of(row: &PgRow) -> sqlx::Result<Option<Self>> {
        let rate = |column: &str| row.try_get::<Option<Json<StoredRate>>, _>(column);
        let Some(Json(declared)) = rate("rate")? else { return Ok(None) };
        Ok(Some(Self {
            declared,
            set_to: rate("rate_set")?.map(|Json(rate)| rate),
            tokens: row.try_get("tokens")?,
            full_at: row.try_get("full_at")?,
            next_at: row.try_get("next_at")?,
        }))
    }
}
