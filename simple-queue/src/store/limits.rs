//! Statements about limits that hold for all processes together.

use std::time::Duration;

use chrono::{DateTime, Utc};
use serde::Deserialize;
use sqlx::{PgConnection, Row, types::Json};
use uuid::Uuid;

use super::{
    Demand, Store,
    decode::{Columns, columns, interval, seconds},
    fetch::MARGIN,
    rate_row::RateRow,
};
use crate::job::{Rate, StoredRate};

/// A limit as a process declares it.
#[derive(Debug, Clone, Copy)]
pub(crate) struct DeclaredLimit<'l> {
    pub(crate) name: &'l str,
    pub(crate) most: Option<usize>,
    pub(crate) rate: Option<Rate>,
}

/// What a process asks of one limit.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Ask {
    pub(crate) name: String,
    /// Permits that it keeps in any case.
    pub(crate) keep: usize,
    /// Permits that it would like to have, those that it keeps included.
    pub(crate) want: usize,
}

/// The answer of one limit.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Balanced {
    pub(crate) name: String,
    /// Permits that the process holds now.
    pub(crate) held: usize,
    /// Permits that there are for all processes; 0 while the limit is paused.
    pub(crate) most: usize,
    /// Number of processes that hold permits or want some, this one included.
    pub(crate) sharing: usize,
    /// This process wants more than it got.
    pub(crate) is_short: bool,
    /// Other processes want permits.
    pub(crate) others_want: bool,
    /// More permits are lent than there are, because the limit was lowered or paused.
    pub(crate) is_over: bool,
}

columns! {
    BalancedColumns { name, held, most, sharing, is_short, others_want, is_over }
}

/// Whether a job is due.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum DueLook {
    Now,
    /// `None`: no job is known to become due.
    Later(Option<Duration>),
}

/// A limit, as operators see it.
#[derive(Debug)]
pub(crate) struct LimitRow {
    pub(crate) name: String,
    pub(crate) concurrency: Option<i32>,
    pub(crate) concurrency_set: Option<i32>,
    pub(crate) lent: i32,
    pub(crate) paused_at: Option<DateTime<Utc>>,
    pub(crate) rate: Option<RateRow>,
    pub(crate) quotas: Vec<QuotaRow>,
}

/// The quota of one process.
#[derive(Debug, Deserialize)]
pub(crate) struct QuotaRow {
    pub(crate) worker_id: Uuid,
    pub(crate) host: Option<String>,
    pub(crate) pid: Option<i32>,
    pub(crate) held: i32,
    pub(crate) wanted: i32,
}

columns! {
    LimitColumns { name, concurrency, concurrency_set, lent, paused_at, quotas }
}

impl Store {
    /// Records the limits that a process declares, and gives it an empty quota of each that has permits.
    pub(crate) async fn declare_limits(
        &self,
        connection: &mut PgConnection,
        worker_id: Uuid,
        limits: &[DeclaredLimit<'_>],
    ) -> sqlx::Result<()> {
        let names: Vec<&str> = limits.iter().map(|limit| limit.name).collect();
        let concurrencies: Vec<Option<i32>> =
            limits.iter().map(|limit| limit.most.map(integer)).collect();
        let rates: Vec<Option<Json<StoredRate>>> =
            limits.iter().map(|limit| limit.rate.map(|rate| Json(rate.into()))).collect();
        self.statements
            .declare_limits
            .query()
            .bind("worker_id", worker_id)
            .bind("names", names)
            .bind("concurrencies", concurrencies)
            .bind("rates", rates)
            .bind("channel", self.schema.channel())
            .execute(connection)
            .await?;
        Ok(())
    }

    /// Moves permits between limits and this process. Its statements are numbered upwards: one that arrives after a
    /// later one changes nothing. A limit is missing from the answer if the process has no quota of it: its row is gone,
    /// or it has not declared the limit.
    pub(crate) async fn balance_quotas(
        &self,
        connection: &mut PgConnection,
        worker_id: Uuid,
        number: i64,
        asks: &[Ask],
    ) -> sqlx::Result<Vec<Balanced>> {
        let names: Vec<&str> = asks.iter().map(|ask| ask.name.as_str()).collect();
        let keeps: Vec<i32> = asks.iter().map(|ask| integer(ask.keep)).collect();
        let wants: Vec<i32> = asks.iter().map(|ask| integer(ask.want)).collect();
        let rows = self
            .statements
            .balance_quotas
            .query()
            .bind("worker_id", worker_id)
            .bind("number", number)
            .bind("names", names)
            .bind("keeps", keeps)
            .bind("wants", wants)
            .bind("channel", self.schema.channel())
            .fetch_all(connection)
            .await?;
        BalancedColumns::read(&rows, |row, columns| {
            Ok(Balanced {
                name: row.try_get(columns.name)?,
                held: count(row.try_get(columns.held)?),
                most: count(row.try_get(columns.most)?),
                sharing: count(row.try_get(columns.sharing)?),
                is_short: row.try_get(columns.is_short)?,
                others_want: row.try_get(columns.others_want)?,
                is_over: row.try_get(columns.is_over)?,
            })
        })
    }

    /// Whether a job of this demand is due, whatever its permits, and the database's time.
    pub(crate) async fn look_for_due(
        &self,
        connection: &mut PgConnection,
        demand: &[Demand],
    ) -> sqlx::Result<(DueLook, DateTime<Utc>)> {
        let look = self.statements.look_for_due.query();
        let look = look.bind("demand", Json(demand)).bind("margin", interval(MARGIN));
        let row = look.fetch_one(connection).await?;
        let is_due: bool = row.try_get("is_due")?;
        let wait: Option<f64> = row.try_get("wait")?;
        let look = if is_due { DueLook::Now } else { DueLook::Later(wait.map(seconds)) };
        Ok((look, row.try_get("now")?))
    }

    /// The limits, or the one of this name.
    pub(crate) async fn list_limits(
        &self,
        connection: &mut PgConnection,
        name: Option<&str>,
    ) -> sqlx::Result<Vec<LimitRow>> {
        let rows =
            self.statements.list_limits.query().bind("name", name).fetch_all(connection).await?;
        LimitColumns::read(&rows, |row, columns| {
            let Json(quotas) = row.try_get(columns.quotas)?;
            Ok(LimitRow {
                name: row.try_get(columns.name)?,
                concurrency: row.try_get(columns.concurrency)?,
                concurrency_set: row.try_get(columns.concurrency_set)?,
                lent: row.try_get(columns.lent)?,
                paused_at: row.try_get(columns.paused_at)?,
                rate: RateRow::of(row)?,
                quotas,
            })
        })
    }

    /// Sets the number of permits that counts instead of the declared one. Returns whether there is such a limit with a
    /// number.
    pub(crate) async fn set_limit(
        &self,
        connection: &mut PgConnection,
        name: &str,
        permits: i32,
    ) -> sqlx::Result<bool> {
        let set = self.statements.set_limit.query().bind("name", name);
        let set = set.bind("concurrency_set", permits).bind("channel", self.schema.channel());
        Ok(set.fetch_optional(connection).await?.is_some())
    }

    /// Goes back to what is declared. Returns whether there is such a limit.
    pub(crate) async fn reset_limit(
        &self,
        connection: &mut PgConnection,
        name: &str,
    ) -> sqlx::Result<bool> {
        let reset = self.statements.reset_limit.query().bind("name", name);
        let reset = reset.bind("channel", self.schema.channel());
        Ok(reset.fetch_optional(connection).await?.is_some())
    }

    /// Pauses or resumes a limit. Returns whether there is such a limit.
    pub(crate) async fn pause_limit(
        &self,
        connection: &mut PgConnection,
        name: &str,
        paused: bool,
    ) -> sqlx::Result<bool> {
        let pause = self.statements.pause_limit.query().bind("name", name);
        let pause = pause.bind("paused", paused).bind("channel", self.schema.channel());
        Ok(pause.fetch_optional(connection).await?.is_some())
    }
}

pub(super) fn integer(permits: usize) -> i32 {
    i32::try_from(permits).unwrap_or(i32::MAX)
}

pub(super) fn count(permits: i32) -> usize {
    usize::try_from(permits).unwrap_or_default()
}
