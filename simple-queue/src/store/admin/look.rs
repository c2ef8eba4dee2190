//! Bounded looks at tables of jobs: each reads at most so many rows and says where to go on.

use chrono::{DateTime, Utc};
use sqlx::{
    PgConnection, Row,
    postgres::{PgRow, types::PgInterval},
};
use uuid::Uuid;

use crate::store::{
    Store,
    decode::{Columns, Time, columns, time},
    statements::Bound,
};

/// Which rows are looked at, and from which on.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Look {
    Jobs {
        top_id: Uuid,
    },
    Archive {
        top_id: Uuid,
    },
    DeadLetters {
        top_id: Uuid,
    },
    /// Dead letters by their ends.
    Ended {
        at: Option<DateTime<Utc>>,
        top_id: Uuid,
    },
    /// Jobs of one queue and priority that are not of keys, by their due times.
    Lane {
        queue: String,
        priority: i16,
        run_at: DateTime<Utc>,
        from: Uuid,
        /// Those that are due, or those that are not.
        due: bool,
    },
    /// Jobs of keys between two gates.
    Keys {
        gate: String,
        until: String,
        priority: i16,
        run_at: DateTime<Utc>,
        from: Uuid,
    },
    Suspects {
        top_id: Uuid,
    },
    /// In the other direction, the oldest first.
    JobsFrom {
        from: Uuid,
    },
    DeadLettersFrom {
        from: Uuid,
    },
    /// Those that the filter names.
    PickedJobs {
        top_id: Uuid,
    },
    PickedArchived {
        top_id: Uuid,
        since: Option<DateTime<Utc>>,
    },
    PickedDeadLetters {
        top_id: Uuid,
    },
}

columns! {
    ListColumns {
        id, lease, queue, kind, status, priority, attempt, max_attempts, crash_count, worker_id, run_at, scheduled_at,
        created_at, changed_at, finished_at, key_gate,
    }
}

/// A job as a row of a list.
#[derive(Debug, Clone)]
pub(crate) struct ListRow {
    pub(crate) id: Uuid,
    pub(crate) lease: i64,
    pub(crate) queue: String,
    pub(crate) kind: String,
    pub(crate) status: String,
    pub(crate) priority: i16,
    pub(crate) attempt: i32,
    pub(crate) max_attempts: Option<i32>,
    pub(crate) crash_count: i32,
    pub(crate) worker_id: Option<Uuid>,
    pub(crate) run_at: Option<DateTime<Utc>>,
    pub(crate) scheduled_at: Option<DateTime<Utc>>,
    pub(crate) created_at: DateTime<Utc>,
    pub(crate) changed_at: DateTime<Utc>,
    pub(crate) finished_at: Option<DateTime<Utc>>,
    /// Its gate, in a look at the jobs of keys.
    pub(crate) key_gate: Option<String>,
}

/// Where a row is in the order of its look.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Mark {
    pub(crate) id: Uuid,
    pub(crate) priority: i16,
    pub(crate) run_at: Option<DateTime<Utc>>,
    pub(crate) finished_at: Option<DateTime<Utc>>,
    pub(crate) gate: Option<String>,
}

impl From<&ListRow> for Mark {
    fn from(row: &ListRow) -> Self {
        Self {
            id: row.id,
            priority: row.priority,
            run_at: row.run_at,
            finished_at: row.finished_at,
            gate: row.key_gate.clone(),
        }
    }
}

/// What a look found.
#[derive(Debug, Clone)]
pub(crate) struct Looked {
    pub(crate) rows: Vec<ListRow>,
    /// How many rows were looked at.
    pub(crate) seen: i64,
    /// How many of the rows that were looked at are wanted; `rows` has the first of them.
    pub(crate) matched: i64,
    /// The last row that was looked at.
    pub(crate) last: Option<Mark>,
}

impl Store {
    /// Looks at up to `window` rows and returns up to `limit` of those that the filter's conditions on rows want.
    pub(crate) async fn look_through(
        &self,
        connection: &mut PgConnection,
        look: &Look,
        filter: &str,
        window: i64,
        limit: i64,
    ) -> sqlx::Result<Looked> {
        let looking = self.bind_look(look, (filter, window, limit));
        let rows = looking.fetch_all(connection).await?;
        let summary = rows.first().ok_or(sqlx::Error::RowNotFound)?;
        let read_time =
            |column| summary.try_get::<Option<Time>, _>(column).map(|time| time.map(|Time(at)| at));
        let last = match summary.try_get::<Option<Uuid>, _>("last_id")? {
            Some(id) => Some(Mark {
                id,
                priority: summary.try_get("last_priority")?,
                run_at: read_time("last_run_at")?,
                finished_at: read_time("last_finished_at")?,
                gate: summary.try_get("last_gate")?,
            }),
            None => None,
        };
        let seen = summary.try_get("looked_at")?;
        let matched = summary.try_get("matched")?;
        let rows = if matched == 0 || limit == 0 { &[] } else { rows.as_slice() };
        Ok(Looked { rows: ListColumns::read(rows, read_row)?, seen, matched, last })
    }

    /// Counts the jobs that wait and are due, or those that are not due, among up to `window` jobs of each index of due
    /// times. Returns the count, and whether it is of all.
    pub(crate) async fn count_due(
        &self,
        connection: &mut PgConnection,
        due: bool,
        window: i64,
    ) -> sqlx::Result<(i64, bool)> {
        let [after, within] = bounds_of_due(due);
        let counting = self.statements.count_due.query();
        let counting = counting.bind("due_after", after).bind("due_within", within);
        let counting = counting.bind("window", window);
        let row = counting.fetch_one(connection).await?;
        Ok((row.try_get("counted")?, row.try_get("is_all")?))
    }

    fn bind_look<'q>(&'q self, look: &'q Look, bounds: (&'q str, i64, i64)) -> Bound<'q> {
        let statements = &self.statements;
        let looking = match look {
            Look::Jobs { top_id } => statements.look_through_jobs.query().bind("top_id", top_id),
            Look::Archive { top_id } => {
                statements.look_through_archive.query().bind("top_id", top_id)
            }
            Look::DeadLetters { top_id } => {
                statements.look_through_dead_letters.query().bind("top_id", top_id)
            }
            Look::Ended { at, top_id } => {
                let looking = statements.look_through_ended.query().bind("top_id", top_id);
                looking.bind("finished_at", at.map(time))
            }
            Look::Lane { queue, priority, run_at, from, due } => {
                let looking = statements.look_through_lane.query().bind("queue", queue);
                let looking = looking.bind("priority", priority).bind("run_at", time(*run_at));
                let [after, within] = bounds_of_due(*due);
                let looking = looking.bind("due_after", after).bind("due_within", within);
                looking.bind("from_id", from)
            }
            Look::Keys { gate, until, priority, run_at, from } => {
                let looking = statements.look_through_keys.query().bind("gate", gate);
                let looking = looking.bind("until", until).bind("priority", priority);
                looking.bind("run_at", time(*run_at)).bind("from_id", from)
            }
            Look::Suspects { top_id } => {
                statements.look_through_suspects.query().bind("top_id", top_id)
            }
            Look::JobsFrom { from } => statements.walk_jobs.query().bind("from_id", from),
            Look::DeadLettersFrom { from } => {
                statements.walk_dead_letters.query().bind("from_id", from)
            }
            Look::PickedJobs { top_id } => statements.pick_jobs.query().bind("top_id", top_id),
            Look::PickedArchived { top_id, since } => {
                let looking = statements.pick_archived.query().bind("top_id", top_id);
                looking.bind("since", since.map(time))
            }
            Look::PickedDeadLetters { top_id } => {
                statements.pick_dead_letters.query().bind("top_id", top_id)
            }
        };
        bounded(looking, bounds)
    }
}

/// 4,000 years, before and after all jobs.
const AGES: i64 = 4_000 * 365 * 24 * 60 * 60 * 1_000_000;

/// After which time from now, and within which, jobs are due; or those that are not due yet.
fn bounds_of_due(due: bool) -> [PgInterval; 2] {
    let bounds = if due { [-AGES, 0] } else { [0, AGES] };
    bounds.map(|microseconds| PgInterval { months: 0, days: 0, microseconds })
}

fn bounded<'q>(looking: Bound<'q>, (filter, window, limit): (&'q str, i64, i64)) -> Bound<'q> {
    looking.bind("filter", filter).bind("window", window).bind("limit", limit)
}

fn read_row(row: &PgRow, columns: &ListColumns) -> sqlx::Result<ListRow> {
    let read_time =
        |column: usize| row.try_get::<Option<Time>, _>(column).map(|time| time.map(|Time(at)| at));
    Ok(ListRow {
        id: row.try_get(columns.id)?,
        lease: row.try_get(columns.lease)?,
        queue: row.try_get(columns.queue)?,
        kind: row.try_get(columns.kind)?,
        status: row.try_get(columns.status)?,
        priority: row.try_get(columns.priority)?,
        attempt: row.try_get(columns.attempt)?,
        max_attempts: row.try_get(columns.max_attempts)?,
        crash_count: row.try_get(columns.crash_count)?,
        worker_id: row.try_get(columns.worker_id)?,
        run_at: read_time(columns.run_at)?,
        scheduled_at: read_time(columns.scheduled_at)?,
        created_at: row.try_get::<Time, _>(columns.created_at)?.0,
        changed_at: row.try_get::<Time, _>(columns.changed_at)?.0,
        finished_at: read_time(columns.finished_at)?,
        key_gate: row.try_get(columns.key_gate)?,
    })
}
