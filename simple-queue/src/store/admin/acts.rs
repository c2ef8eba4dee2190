//! What operators do to jobs whose rows are locked.

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use sqlx::{PgConnection, Row};
use uuid::Uuid;

use super::{look::ListRow, why::Why};
use crate::{
    job::to_json,
    store::{
        Store,
        decode::{Columns, columns, time},
        statements::Bound,
    },
};

/// What is done to jobs.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Verb {
    /// Puts dead letters back to pending.
    Retry,
    Cancel,
    DeleteWaiting,
    DeleteDead,
    Move(Moved),
}

/// What changes of the place in which jobs wait; what is `None` stays.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub(crate) struct Moved {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) queue: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) priority: Option<i16>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) run_at: Option<DateTime<Utc>>,
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub(crate) runs_now: bool,
}

impl Verb {
    /// The word in the audit.
    pub(crate) const fn action(&self) -> &'static str {
        match self {
            Self::Retry => "retry",
            Self::Cancel => "cancel",
            Self::DeleteWaiting | Self::DeleteDead => "delete",
            Self::Move(_) => "move",
        }
    }

    /// What the audit has beside the word, as JSON.
    pub(crate) fn arguments(&self) -> Option<String> {
        match self {
            Self::Move(moved) => Some(to_json(moved).expect("texts and numbers can be written")),
            _ => None,
        }
    }

    /// `None`: a later release wrote it, and this one does not know it.
    pub(crate) fn read(action: &str, arguments: Option<&str>, of_the_dead: bool) -> Option<Self> {
        Some(match action {
            "retry" => Self::Retry,
            "cancel" => Self::Cancel,
            "delete" if of_the_dead => Self::DeleteDead,
            "delete" => Self::DeleteWaiting,
            "move" => Self::Move(serde_json::from_str(arguments?).ok()?),
            _ => return None,
        })
    }

    /// Whether it is about dead letters, and not about jobs that wait or run.
    pub(crate) const fn is_of_the_dead(&self) -> bool {
        matches!(self, Self::Retry | Self::DeleteDead)
    }

    /// Whether it leaves running jobs alone.
    const fn spares_running(&self) -> bool {
        !matches!(self, Self::Cancel)
    }
}

columns! {
    LockColumns { id, is_same, is_running }
}

columns! {
    OutcomeColumns { id, outcome }
}

impl Store {
    /// Locks a live job for an act; `None` if there is none, or why the act must leave it alone. `seen` is the lease
    /// and the time of the last change that the actor knows.
    pub(crate) async fn lock_job(
        &self,
        connection: &mut PgConnection,
        id: Uuid,
        seen: Option<(i64, DateTime<Utc>)>,
        verb: Option<&Verb>,
    ) -> sqlx::Result<Option<Result<(), Why>>> {
        let locked = self
            .statements
            .lock_job
            .query()
            .bind("id", id)
            .bind("lease", seen.map(|(lease, _)| lease))
            .bind("changed_at", seen.map(|(_, at)| time(at)));
        let Some(row) = locked.fetch_optional(connection).await? else { return Ok(None) };
        let is_running: bool = row.try_get("is_running")?;
        let spares = verb.is_none_or(Verb::spares_running);
        Ok(Some(if !row.try_get::<bool, _>("is_same")? {
            Err(Why::Changed)
        } else if is_running && spares {
            Err(Why::Running)
        } else {
            Ok(())
        }))
    }

    /// Locks the jobs of a list for an act, those of other sessions excepted. Returns those that it may be done to, and
    /// why the others are left alone.
    pub(crate) async fn lock_jobs(
        &self,
        connection: &mut PgConnection,
        rows: &[ListRow],
        verb: &Verb,
    ) -> sqlx::Result<(Vec<Uuid>, Vec<(Uuid, Why)>)> {
        let ids: Vec<Uuid> = rows.iter().map(|row| row.id).collect();
        let leases: Vec<i64> = rows.iter().map(|row| row.lease).collect();
        let locking = if verb.is_of_the_dead() {
            self.statements.lock_dead_letters.query().bind("ids", &ids).bind("leases", leases)
        } else {
            let changed_ats: Vec<DateTime<Utc>> =
                rows.iter().map(|row| time(row.changed_at)).collect();
            let locking = self.statements.lock_jobs.query().bind("ids", &ids);
            locking.bind("leases", leases).bind("changed_ats", changed_ats)
        };
        let locked = locking.fetch_all(connection).await?;
        let (mut chosen, mut left) = (Vec::new(), Vec::new());
        let locked = LockColumns::read(&locked, |row, columns| {
            let id: Uuid = row.try_get(columns.id)?;
            let is_same: bool = row.try_get(columns.is_same)?;
            Ok((id, is_same, row.try_get::<bool, _>(columns.is_running)?))
        })?;
        for (id, is_same, is_running) in &locked {
            match (is_same, is_running) {
                (false, _) => left.push((*id, Why::Changed)),
                (true, true) if verb.spares_running() => left.push((*id, Why::Running)),
                (true, _) => chosen.push(*id),
            }
        }
        let locked: std::collections::HashSet<Uuid> = locked.iter().map(|(id, ..)| *id).collect();
        left.extend(ids.into_iter().filter(|id| !locked.contains(id)).map(|id| (id, Why::Busy)));
        Ok((chosen, left))
    }

    /// Does it to jobs that are locked. Returns those that it was done to, and why the others are left alone.
    pub(crate) async fn act_on(
        &self,
        connection: &mut PgConnection,
        verb: &Verb,
        ids: &[Uuid],
    ) -> sqlx::Result<(Vec<Uuid>, Vec<(Uuid, Why)>)> {
        let statements = &self.statements;
        let acting = match verb {
            _ if ids.is_empty() => return Ok((Vec::new(), Vec::new())),
            Verb::Retry => return self.retry_dead_letters(connection, ids).await,
            Verb::Cancel => {
                self.cancel_jobs(connection, ids, false).await?;
                return Ok((ids.to_vec(), Vec::new()));
            }
            Verb::DeleteWaiting => statements.delete_jobs.query(),
            Verb::DeleteDead => statements.delete_dead_letters.query(),
            Verb::Move(moved) => statements
                .move_jobs
                .query()
                .bind("queue", &moved.queue)
                .bind("priority", moved.priority)
                .bind("run_at", moved.run_at.map(time))
                .bind("runs_now", moved.runs_now),
        };
        let rows = on_jobs(acting, ids, self.schema.channel()).fetch_all(connection).await?;
        let outcomes = OutcomeColumns::read(&rows, |row, columns| {
            Ok((row.try_get::<Uuid, _>(columns.id)?, row.try_get::<String, _>(columns.outcome)?))
        })?;
        let (mut done, mut left) = (Vec::new(), Vec::new());
        for (id, outcome) in outcomes {
            match outcome.as_str() {
                "order" => left.push((id, Why::InOrder)),
                "limit" => left.push((id, Why::OtherLimit)),
                _ => done.push(id),
            }
        }
        Ok((done, left))
    }

    async fn retry_dead_letters(
        &self,
        connection: &mut PgConnection,
        ids: &[Uuid],
    ) -> sqlx::Result<(Vec<Uuid>, Vec<(Uuid, Why)>)> {
        let (mut done, mut left) = (Vec::new(), Vec::new());
        for (id, is_back) in self.redrive_dead_letters(connection, ids).await? {
            if is_back {
                done.push(id);
                continue;
            }
            let holder = self.find_holder_of_dead_key(connection, id).await?;
            left.push((
                id,
                match holder {
                    // It was enqueued again with the same id.
                    Some((_, holder)) if holder == id => Why::Waiting,
                    Some((_, holder)) => Why::KeyTaken(holder),
                    // The holder has ended in between.
                    None => Why::Busy,
                },
            ));
        }
        Ok((done, left))
    }
}

fn on_jobs<'q>(acting: Bound<'q>, ids: &'q [Uuid], channel: String) -> Bound<'q> {
    acting.bind("ids", ids).bind("channel", channel)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_act_is_read_as_it_was_written() {
        let run_at = DateTime::from_timestamp_micros(1_796_000_000_123_456);
        let moved =
            Moved { queue: Some("a".to_owned()), priority: Some(-3), run_at, runs_now: false };
        for verb in [
            Verb::Retry,
            Verb::Cancel,
            Verb::DeleteWaiting,
            Verb::DeleteDead,
            Verb::Move(moved),
            Verb::Move(Moved { runs_now: true, ..Moved::default() }),
        ] {
            let of_the_dead = verb.is_of_the_dead();
            let read = Verb::read(verb.action(), verb.arguments().as_deref(), of_the_dead);
            assert_eq!(read, Some(verb));
        }
        assert_eq!(Verb::read("fold", None, false), None);
    }
}
