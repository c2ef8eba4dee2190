//! Claim, run, finish, one after the other on one connection.

use std::{
    collections::HashMap,
    time::{Duration, Instant},
};

use futures_util::future::try_join_all;
use sqlx::{
    PgConnection, PgPool, Row,
    postgres::{PgListener, PgRow},
    types::chrono::{DateTime, Utc},
};
use tokio::{sync::oneshot, task::JoinHandle, time::timeout};
use uuid::Uuid;

use super::CHANNEL;
use crate::{
    agent::Probe,
    contestant::{Duty, Payload, Result},
};

/// A worker at work.
#[derive(Debug)]
pub(in super::super) struct Worker {
    stop: oneshot::Sender<()>,
    work: JoinHandle<Result<()>>,
}

const BATCH: usize = 500;

/// How often it looks without being notified.
const POLL: Duration = Duration::from_secs(1);

/// How often every scan begins at the beginning, for what was committed behind the floor.
const SWEEP: Duration = Duration::from_secs(1);

/// A queue and a priority.
type Lane = (i16, i16);
type Floor = (DateTime<Utc>, Uuid);

struct Loop {
    connection: PgConnection,
    listener: PgListener,
    probe: Probe,
    keeps: bool,
    batch: i64,
    lease: i32,
    lanes: Vec<Lane>,
    /// The first row of the last batch: what is before it is done. Else a scan would wade again through
    /// the index entries of all that is done.
    floors: HashMap<Lane, Floor>,
    swept: Instant,
}

impl Worker {
    pub(super) async fn start(
        pool: &PgPool,
        duty: &Duty,
        probe: Probe,
        keeps: bool,
    ) -> Result<Self> {
        let mut listener = PgListener::connect_with(pool).await?;
        listener.listen(CHANNEL).await?;
        let queues = i16::try_from(duty.queues)?;
        let (stop, mut stopped) = oneshot::channel();
        let mut work = Loop {
            connection: pool.acquire().await?.detach(),
            listener,
            probe,
            keeps,
            batch: i64::try_from(duty.concurrency.unwrap_or(BATCH))?,
            lease: i32::try_from(std::process::id())?,
            lanes: (0..queues)
                .flat_map(|queue| (0..3).map(move |priority| (queue, priority)))
                .collect(),
            floors: HashMap::new(),
            swept: Instant::now(),
        };
        let work = tokio::spawn(async move {
            loop {
                while work.turn().await? {
                    // Nobody is there to say so any more, or has said it: both mean the end.
                    if stopped.try_recv() != Err(oneshot::error::TryRecvError::Empty) {
                        return Ok(());
                    }
                }
                tokio::select! {
                    _ = &mut stopped => return Ok(()),
                    // Late by a poll is an answer as well.
                    heard = timeout(POLL, work.listener.recv()) => heard.map_or(Ok(()), |heard| heard.map(drop))?,
                }
            }
        });
        Ok(Self { stop, work })
    }

    pub(super) async fn stop(self) -> Result<()> {
        // Whoever listens no longer has failed, and says so below.
        drop(self.stop);
        self.work.await?
    }
}

impl Loop {
    /// Whether there was something to do.
    async fn turn(&mut self) -> Result<bool> {
        let claimed = self.claim().await?;
        if claimed.is_empty() {
            return Ok(false);
        }
        let payloads = claimed
            .iter()
            .map(|row| serde_json::from_str(row.try_get("payload")?).map_err(Into::into));
        let payloads = payloads.collect::<Result<Vec<Payload>>>()?;
        try_join_all(payloads.iter().map(|payload| self.probe.run(payload))).await?;
        let ids = claimed.iter().map(|row| row.try_get("id"));
        self.finish(ids.collect::<Result<Vec<Uuid>, _>>()?).await?;
        Ok(true)
    }

    async fn claim(&mut self) -> Result<Vec<PgRow>> {
        if self.swept.elapsed() > SWEEP {
            self.floors.clear();
            self.swept = Instant::now();
        }
        let floors = self.lanes.iter().map(|lane| self.floors.get(lane).copied());
        let (at, id): (Vec<_>, Vec<_>) =
            floors.map(|floor| floor.unwrap_or((DateTime::UNIX_EPOCH, Uuid::nil()))).unzip();
        let rows = sqlx::query(include_str!("claim.sql"))
            .bind(self.lease)
            .bind(self.lanes.iter().map(|lane| lane.0).collect::<Vec<_>>())
            .bind(self.lanes.iter().map(|lane| lane.1).collect::<Vec<_>>())
            .bind(at)
            .bind(id)
            .bind(self.batch)
            .fetch_all(&mut self.connection)
            .await?;
        let mut firsts: HashMap<Lane, Floor> = HashMap::new();
        for row in &rows {
            let lane = (row.try_get("queue_id")?, row.try_get("priority")?);
            let place = (row.try_get("run_at")?, row.try_get("id")?);
            let first = firsts.entry(lane).or_insert(place);
            *first = std::cmp::min(*first, place);
        }
        self.floors.extend(firsts);
        Ok(rows)
    }

    async fn finish(&mut self, ids: Vec<Uuid>) -> Result<()> {
        let sql = if self.keeps {
            include_str!("finish_and_keep.sql")
        } else {
            include_str!("finish.sql")
        };
        let claimed = u64::try_from(ids.len())?;
        let finished =
            sqlx::query(sql).bind(ids).bind(self.lease).execute(&mut self.connection).await?;
        if finished.rows_affected() != claimed {
            return Err(format!(
                "{claimed} jobs were run and {} finished",
                finished.rows_affected()
            )
            .into());
        }
        Ok(())
    }
}
