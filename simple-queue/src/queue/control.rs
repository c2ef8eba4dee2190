//! Calls on queues and jobs: pause, resume, cancel; and how a call is sent.

use sqlx::{Connection, PgConnection};
use uuid::Uuid;

use super::SimpleQueue;
use crate::{
    Error,
    database::{again, failure::FailedStatement},
    enqueue::{
        EnqueueOn,
        live::{Which, cancel_those},
    },
    telemetry,
};

/// # Pausing, cancelling
impl SimpleQueue {
    /// Pauses a queue: no process starts its jobs until it is resumed. Running jobs go on to their
    /// end, and jobs can still be enqueued.
    ///
    /// A misspelt name is paused like any other. The answer says what is known of the queue; if
    /// nothing is known, a warning is logged too.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn pause(&self, queue: &str) -> Result<Paused, Error> {
        let paused = again!(tries => self.ask(async |connection| {
            self.store().pause_queue(connection, queue).await
        }));
        let (is_served, has_jobs, was_paused) = paused.map_err(Error::database("pause a queue"))?;
        let paused = Paused { is_served, has_jobs, was_paused };
        if !paused.is_known() {
            telemetry::queue::unknown_queue_paused(queue);
        }
        Ok(paused)
    }

    /// Resumes a paused queue. Returns whether it was paused.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn resume(&self, queue: &str) -> Result<bool, Error> {
        let resumed = again!(tries => self.ask(async |connection| {
            self.store().resume_queue(connection, queue).await
        }));
        let was_paused = resumed.map_err(Error::database("resume a queue"))?;
        self.wake().wake_local();
        Ok(was_paused)
    }

    /// Lists the names of the paused queues, sorted.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn paused(&self) -> Result<Vec<String>, Error> {
        let paused = again!(tries => self.ask(async |connection| {
            self.store().list_paused_queues(connection).await
        }));
        paused.map_err(Error::database("list the paused queues"))
    }

    /// Cancels a job. A waiting job ends at once. For a running job, in whatever process, the
    /// handler is told, and dropped after a grace. Returns whether the job was waiting or running.
    ///
    /// A job that succeeds before it is dropped is `completed`.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn cancel(&self, job_id: Uuid) -> Result<bool, Error> {
        Ok(cancel_those(self.target(), Which::Id(job_id)).await? > 0)
    }

    /// Sends one statement on one of the connections for calls.
    pub(super) async fn ask<T>(
        &self,
        exchange: impl AsyncFnOnce(&mut PgConnection) -> sqlx::Result<T>,
    ) -> sqlx::Result<T> {
        self.ask_for(1, exchange).await
    }

    /// Sends up to this number of statements on one of the connections for calls.
    pub(crate) async fn ask_for<T, E: From<sqlx::Error> + FailedStatement>(
        &self,
        statements: usize,
        exchange: impl AsyncFnOnce(&mut PgConnection) -> Result<T, E>,
    ) -> Result<T, E> {
        self.coalescer().calls().ask(self.servers(), statements, exchange).await
    }

    /// As [`SimpleQueue::ask_for`], in one transaction.
    pub(crate) async fn ask_in_transaction<T, E: From<sqlx::Error> + FailedStatement>(
        &self,
        statements: usize,
        exchange: impl AsyncFnOnce(&mut PgConnection) -> Result<T, E>,
    ) -> Result<T, E> {
        self.ask_for(statements, async |connection| {
            // Behind a pooler it is in one already.
            if connection.is_in_transaction() {
                return exchange(connection).await;
            }
            let mut tx = connection.begin().await?;
            let answer = exchange(&mut tx).await?;
            tx.commit().await?;
            Ok(answer)
        })
        .await
    }
}

/// What is known of a queue that was paused.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct Paused {
    /// Whether a worker serves it.
    pub is_served: bool,
    /// Whether it has jobs that wait or run.
    pub has_jobs: bool,
    /// Whether it was paused before.
    pub was_paused: bool,
}

impl Paused {
    /// Returns whether a worker serves the queue or jobs are in it. If neither, its name may be
    /// misspelt.
    pub fn is_known(&self) -> bool {
        self.is_served || self.has_jobs
    }
}
