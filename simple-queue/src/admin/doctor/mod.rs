//! Looks for what is wrong with the queue: the server, the tables, who holds them up, the processes, what waits.
//!
//! Each check is a few statements of [`store`](crate::store) and a function that judges what they read. The functions
//! are pure, so that their limits are tested without a server in that state.

mod drift;
mod finding;
mod history;
mod horizon;
mod processes;
mod server;
mod settings;
mod tables;
mod waiting;

pub use finding::{Check, Finding, Remedy, Severity};

use std::{
    future::{Future, IntoFuture},
    pin::Pin,
    time::Duration,
};

use sqlx::PgConnection;

use super::{Admin, Right};
use crate::{
    Error, SimpleQueue,
    database::failure::{
        described, is_not_migrated, is_statement_timeout, is_unreachable, missing_grant,
    },
};

/// 5 s, after which the server ends a statement of a check.
const STATEMENT_TIMEOUT: Duration = Duration::from_secs(5);

impl Admin {
    /// Looks for what is wrong: with the server and its settings, the tables, the processes, and
    /// what waits. Every [`Check`] answers at least once; nothing is changed.
    ///
    /// A check that the role may not make says which right is missing, and the others go on. The
    /// server ends a statement after five seconds.
    ///
    /// ```no_run
    /// use simple_queue::{Severity, SimpleQueue};
    ///
    /// # async fn example(queue: &SimpleQueue) -> Result<(), simple_queue::Error> {
    /// for finding in queue.admin().doctor().await? {
    ///     if finding.severity == Severity::Wrong {
    ///         println!("{}: {}", finding.check, finding.found);
    ///     }
    /// }
    /// # Ok(())
    /// # }
    /// ```
    pub fn doctor(&self) -> Doctor<'_> {
        Doctor { admin: self, only: None, patience: Doctor::PATIENCE }
    }
}

/// A look for what is wrong; [`Admin::doctor`] returns it.
#[derive(Debug, Clone)]
#[must_use = "it looks when it is awaited"]
pub struct Doctor<'a> {
    admin: &'a Admin,
    only: Option<Check>,
    patience: Duration,
}

impl Doctor<'_> {
    /// 5 min: what takes longer is a trouble.
    const PATIENCE: Duration = Duration::from_mins(5);

    /// Makes this check only.
    pub fn only(self, check: Check) -> Self {
        Self { only: Some(check), ..self }
    }

    /// Sets how long a transaction may be open and the statistics may be late before that is a
    /// trouble: 5 minutes unless this says otherwise. A job may be due, and a cancellation may be
    /// asked for, for a fifth of it.
    pub fn patience(self, patience: Duration) -> Self {
        Self { patience, ..self }
    }

    /// How long a job may be due.
    fn due_for(&self) -> Duration {
        self.patience / 5
    }

    fn queue(&self) -> &SimpleQueue {
        &self.admin.queue
    }

    /// Sends this many statements, each of which the server ends after five seconds.
    async fn ask<T>(
        &self,
        statements: usize,
        exchange: impl AsyncFnOnce(&mut PgConnection) -> sqlx::Result<T>,
    ) -> sqlx::Result<T> {
        self.queue().servers().ask_within(STATEMENT_TIMEOUT, statements, exchange).await
    }

    async fn look(self) -> Result<Vec<Finding>, Error> {
        self.admin.demand(Right::See)?;
        let mut findings = Vec::new();
        for check in Check::ALL {
            if self.only.is_none_or(|only| only == check) {
                match self.check(check).await {
                    Ok(found) => findings.extend(found),
                    Err(error) => findings.push(unfinished(check, error)?),
                }
            }
        }
        Ok(findings)
    }

    async fn check(&self, check: Check) -> sqlx::Result<Vec<Finding>> {
        match check {
            Check::Server => server::server(self).await,
            Check::Migrations => history::migrations(self).await,
            Check::Drift => drift::drift(self).await,
            Check::Horizon => horizon::horizon(self).await,
            Check::DeadRows => tables::dead_rows(self).await,
            Check::Size => tables::size(self).await,
            Check::Partitions => tables::partitions(self).await,
            Check::Workers => processes::workers(self).await,
            Check::Waiting => waiting::waiting(self).await,
            Check::Runs => processes::runs(self).await,
            Check::DeadLetters => processes::dead_letters(self).await,
            Check::Notifications => server::notifications(self).await,
            Check::Connections => server::connections(self).await,
            Check::Pooler => server::pooler(self).await,
            Check::Settings => settings::settings(self).await,
            Check::Upkeep => processes::upkeep(self).await,
            Check::Clock => server::clock(self).await,
        }
    }
}

/// What is said of a check that ended with an error. Without the database there is nothing to say.
fn unfinished(check: Check, error: sqlx::Error) -> Result<Finding, Error> {
    if let Some(object) = missing_grant(&error) {
        let found = format!("the role lacks a right on {object}");
        let remedy = "connect as the owner of the schema, or grant what `migrations/grants/operator.sql` has";
        return Ok(Finding::not_allowed(check, found).advice(remedy));
    }
    if is_not_migrated(&error) {
        let found = "tables or columns of this release are missing";
        let why = "neither this program nor a worker of this release can use the queue";
        return Ok(Finding::wrong(check, found, why).command("simple-queue migrate"));
    }
    if is_statement_timeout(&error) {
        let found = format!("the server ended the look after {} s", STATEMENT_TIMEOUT.as_secs());
        let why = "the server is very busy, or the tables are far from what the statement expects";
        return Ok(Finding::warning(check, found, why));
    }
    if is_unreachable(&error) {
        return Err(Error::database("look for what is wrong")(error));
    }
    let found = format!("it cannot be looked at: {}", described(&error));
    Ok(Finding::warning(check, found, "what it would have found is not known"))
}

/// Looks.
///
/// # Errors
/// [`Error::NotAllowed`] without [`Right::See`]; [`Error::Database`] when the database is away.
///
/// # Cancel safety
/// Cancel safe: it only looks.
impl<'a> IntoFuture for Doctor<'a> {
    type Output = Result<Vec<Finding>, Error>;
    type IntoFuture = Pin<Box<dyn Future<Output = Self::Output> + Send + 'a>>;

    fn into_future(self) -> Self::IntoFuture {
        Box::pin(self.look())
    }
}
