//! Statements about rates that hold for all processes together.

use std::time::Duration;

use chrono::{DateTime, Utc};
use sqlx::{PgConnection, Row, types::Json};

use super::{
    Store,
    decode::{Columns, columns, interval, seconds},
    limits::{count, integer},
};
use crate::job::{Rate, StoredRate};

/// What a process asks of one rate.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct TokenAsk {
    pub(crate) name: String,
    /// Tokens that it would like to have.
    pub(crate) wanted: usize,
    /// Tokens that it took with the statement that left this `mark`, and did not use.
    pub(crate) unused: usize,
    pub(crate) mark: Option<DateTime<Utc>>,
    /// How long it takes from this statement to the start of a job, where that is more than was thought.
    pub(crate) needs: Duration,
}

/// The answer of one rate.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct TakenTokens {
    pub(crate) name: String,
    pub(crate) tokens: usize,
    /// What to give unused ones back with.
    pub(crate) mark: DateTime<Utc>,
    /// Time until it is worth asking again; `None`: the limit is paused.
    pub(crate) wait: Option<Duration>,
    /// How long after the statement was sent the jobs may start.
    pub(crate) start_within: Duration,
}

columns! {
    TakenColumns { name, taken, mark, wait, start_within }
}

impl Store {
    /// Takes tokens. A limit is missing from the answer if it has no rate, or no row.
    pub(crate) async fn take_tokens(
        &self,
        connection: &mut PgConnection,
        asks: &[TokenAsk],
    ) -> sqlx::Result<Vec<TakenTokens>> {
        let names: Vec<&str> = asks.iter().map(|ask| ask.name.as_str()).collect();
        let wanted: Vec<i32> = asks.iter().map(|ask| integer(ask.wanted)).collect();
        let unused: Vec<i32> = asks.iter().map(|ask| integer(ask.unused)).collect();
        let marks: Vec<Option<DateTime<Utc>>> = asks.iter().map(|ask| ask.mark).collect();
        let needs: Vec<f64> = asks.iter().map(|ask| ask.needs.as_secs_f64()).collect();
        let rows = self
            .statements
            .take_tokens
            .query()
            .bind("names", names)
            .bind("wanted", wanted)
            .bind("unused", unused)
            .bind("marks", marks)
            .bind("needs", needs)
            .fetch_all(connection)
            .await?;
        TakenColumns::read(&rows, |row, columns| {
            let wait: Option<f64> = row.try_get(columns.wait)?;
            Ok(TakenTokens {
                name: row.try_get(columns.name)?,
                tokens: count(row.try_get(columns.taken)?),
                mark: row.try_get(columns.mark)?,
                wait: wait.map(seconds),
                start_within: seconds(row.try_get(columns.start_within)?),
            })
        })
    }

    /// Lets no job of these limits start for this time.
    pub(crate) async fn hold_rates(
        &self,
        connection: &mut PgConnection,
        names: &[String],
        after: Duration,
    ) -> sqlx::Result<()> {
        let hold = self.statements.hold_rates.query().bind("names", names.to_vec());
        hold.bind("after", interval(after)).execute(connection).await?;
        Ok(())
    }

    /// Takes tokens of a rate whether they are there or not. Returns whether there is such a rate.
    pub(crate) async fn charge_rate(
        &self,
        connection: &mut PgConnection,
        name: &str,
        tokens: u32,
    ) -> sqlx::Result<bool> {
        let tokens = i32::try_from(tokens).unwrap_or(i32::MAX);
        let charge = self.statements.charge_rate.query().bind("name", name).bind("tokens", tokens);
        Ok(charge.fetch_optional(connection).await?.is_some())
    }

    /// Sets the rate that counts instead of the declared one. Returns whether there is such a limit with a rate.
    pub(crate) async fn set_rate(
        &self,
        connection: &mut PgConnection,
        name: &str,
        rate: Rate,
    ) -> sqlx::Result<bool> {
        let rate = Json(StoredRate::from(rate));
        let set = self.statements.set_rate.query().bind("name", name).bind("rate_set", rate);
        let set = set.bind("channel", self.schema.channel());
        Ok(set.fetch_optional(connection).await?.is_some())
    }
}
