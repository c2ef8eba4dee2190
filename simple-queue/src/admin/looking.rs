//! Looks through the tables in bounded steps.
//!
//! No list and no count scans a table without end: a step looks at so many rows in the order of an index, and says
//! what it saw and where to go on.

use chrono::{DateTime, Utc};
use sqlx::PgConnection;
use uuid::Uuid;

use super::cursor::{Place, after, before};
use crate::{
    filter::{JobFilter, State},
    job::KeyedBy,
    store::{FIRST_TIME, ListRow, Look, Mark, Store},
};

/// 5,000 rows, upper bound of what a step looks at in a table: 20 ms while the table is in memory.
pub(super) const WINDOW: i64 = 5000;

/// 8 times as many rows as the look before: a list of jobs that are frequent looks at few rows.
const WIDER: i64 = 8;

/// 64 looks, upper bound of a step: a queue may have 65,536 lanes.
const LOOKS: usize = 64;

/// A filter, ready to be sent.
pub(super) struct Looker<'a> {
    store: &'a Store,
    filter: &'a JobFilter,
    of_the_row: String,
    /// `None`: it asks nothing of the contents.
    of_the_contents: Option<String>,
    /// The indexes of due times are of columns that not everybody may read.
    sees_contents: bool,
}

/// What a step found.
#[derive(Debug, Default)]
pub(super) struct Step {
    pub(super) rows: Vec<ListRow>,
    pub(super) looked_at: u64,
    /// How many of the rows that were looked at are wanted, those that are not in `rows` too.
    pub(super) matched: u64,
    /// `None`: all was looked at.
    pub(super) next: Option<Place>,
}

/// What one look found.
struct Seen {
    rows: Vec<ListRow>,
    looked_at: u64,
    matched: u64,
    /// The last row that is done with; `None`: the look came to the end.
    last: Option<Mark>,
}

impl<'a> Looker<'a> {
    pub(super) fn new(store: &'a Store, filter: &'a JobFilter, sees_contents: bool) -> Self {
        let of_the_contents = filter.reads_contents().then(|| filter.of_the_contents());
        Self { store, filter, of_the_row: filter.of_the_row(), of_the_contents, sees_contents }
    }

    /// Where its list begins.
    pub(super) fn first(&self) -> Place {
        match (&self.filter.ids, self.filter.state) {
            (None, State::Dead) => Place::Ends(None, Uuid::max()),
            (None, State::Waiting | State::Later) if self.sees_contents => {
                self.queue_after("").map_or(Place::NEWEST, begin_of_queue)
            }
            _ => Place::NEWEST,
        }
    }

    /// One step of a list, of up to `limit` rows; 0 for a count.
    pub(super) async fn step(
        &self,
        connection: &mut PgConnection,
        place: Place,
        limit: usize,
    ) -> sqlx::Result<Step> {
        let mut step = Step { next: Some(place), ..Step::default() };
        let mut window = match limit {
            0 => WINDOW,
            // One more tells whether the list goes on.
            limit => i64::try_from(limit).unwrap_or(WINDOW).saturating_add(1),
        };
        for _ in 0..LOOKS {
            let Some(place) = step.next.take() else { break };
            let left = WINDOW.saturating_sub_unsigned(step.looked_at);
            let bounds = (limit - step.rows.len(), std::cmp::min(window, left));
            let looked = self.look_on(connection, &place, bounds).await?;
            window = window.saturating_mul(WIDER);
            step.looked_at += looked.looked_at;
            step.matched += looked.matched;
            step.rows.extend(looked.rows);
            step.next = looked.next;
            let is_full = limit > 0 && step.rows.len() >= limit;
            if is_full || step.looked_at >= WINDOW.unsigned_abs() {
                break;
            }
        }
        Ok(step)
    }

    async fn look_on(
        &self,
        connection: &mut PgConnection,
        place: &Place,
        bounds: (usize, i64),
    ) -> sqlx::Result<Step> {
        match place {
            Place::Ids(top_id) => self.by_ids(connection, *top_id, bounds).await,
            Place::Ends(at, top_id) => {
                let look = Look::Ended { at: *at, top_id: *top_id };
                let seen = self.look(connection, &look, bounds).await?;
                let next = seen
                    .last
                    .as_ref()
                    .and_then(|last| Some(Place::Ends(last.finished_at, before(last.id)?)));
                Ok(seen.then(next))
            }
            Place::Suspects(top_id) => {
                let seen =
                    self.look(connection, &Look::Suspects { top_id: *top_id }, bounds).await?;
                let next = seen.last.as_ref().and_then(|last| before(last.id)).map(Place::Suspects);
                Ok(seen.then(next))
            }
            Place::Lane { queue, priority, run_at, from } => {
                self.in_lane(connection, (queue, *priority), (*run_at, *from), bounds).await
            }
            Place::Keys { queue, gate, priority, run_at, from } => {
                let look = Look::Keys {
                    gate: gate.clone(),
                    until: end_of_keys(gate, queue),
                    priority: *priority,
                    run_at: *run_at,
                    from: *from,
                };
                let seen = self.look(connection, &look, bounds).await?;
                let next = seen.last.as_ref().and_then(|last| {
                    Some(Place::Keys {
                        queue: queue.clone(),
                        gate: last.gate.clone()?,
                        priority: last.priority,
                        run_at: last.run_at?,
                        from: after(last.id),
                    })
                });
                Ok(seen.then(Some(next.unwrap_or_else(|| self.after_keys(gate, queue)))))
            }
        }
    }

    async fn in_lane(
        &self,
        connection: &mut PgConnection,
        (queue, priority): (&str, i16),
        (run_at, from): (DateTime<Utc>, Uuid),
        bounds: (usize, i64),
    ) -> sqlx::Result<Step> {
        let due = self.filter.state != State::Later;
        let look = Look::Lane { queue: queue.to_owned(), priority, run_at, from, due };
        let seen = self.look(connection, &look, bounds).await?;
        let lane = |priority, run_at, from| Place::Lane {
            queue: queue.to_owned(),
            priority,
            run_at,
            from,
        };
        let next =
            seen.last.as_ref().and_then(|last| Some(lane(priority, last.run_at?, after(last.id))));
        if next.is_some() {
            return Ok(seen.then(next));
        }
        let highest = i32::from(i16::MAX) + 1;
        let next = self.store.find_lane(connection, queue, priority.into(), highest).await?;
        Ok(seen.then(Some(match next {
            Some(priority) => lane(priority, FIRST_TIME, Uuid::nil()),
            None => begin_of_keys(queue, KeyedBy::ALL[0]),
        })))
    }

    /// What comes after the keys of a kind of limit in a queue.
    fn after_keys(&self, gate: &str, queue: &str) -> Place {
        let mut limits = KeyedBy::ALL.into_iter().skip_while(|by| *by != keyed_by(gate)).skip(1);
        if let Some(next) = limits.next() {
            return begin_of_keys(queue, next);
        }
        self.queue_after(queue).map_or(Place::Suspects(Uuid::max()), begin_of_queue)
    }

    /// The next of the filter's queues, by name.
    fn queue_after(&self, queue: &str) -> Option<&str> {
        self.filter.queues.iter().map(String::as_str).filter(|other| *other > queue).min()
    }

    /// The rows of all tables that the filter is about, merged by their ids.
    async fn by_ids(
        &self,
        connection: &mut PgConnection,
        top_id: Uuid,
        bounds: (usize, i64),
    ) -> sqlx::Result<Step> {
        let (mut step, mut until) = (Step::default(), None::<Uuid>);
        for look in self.looks_by_ids(top_id) {
            let seen = self.look(connection, &look, bounds).await?;
            step.looked_at += seen.looked_at;
            step.matched += seen.matched;
            step.rows.extend(seen.rows);
            // What is below the last row of one table may be missing in it.
            until = std::cmp::max(until, seen.last.map(|last| last.id));
        }
        step.rows.sort_by_key(|row| std::cmp::Reverse(row.id));
        step.rows.retain(|row| until.is_none_or(|until| row.id >= until));
        if step.rows.len() > bounds.0 {
            step.rows.truncate(bounds.0);
            until = step.rows.last().map(|row| row.id).or(until);
        }
        step.next = until.and_then(before).map(Place::Ids);
        Ok(step)
    }

    fn looks_by_ids(&self, top_id: Uuid) -> Vec<Look> {
        let (live, archived, dead) = match &self.filter.ids {
            None => (Look::Jobs { top_id }, Look::Archive { top_id }, Look::DeadLetters { top_id }),
            Some(ids) => {
                let since = ids.iter().map(|id| made_at(*id)).min().flatten();
                (
                    Look::PickedJobs { top_id },
                    Look::PickedArchived { top_id, since },
                    Look::PickedDeadLetters { top_id },
                )
            }
        };
        match self.filter.state {
            State::Waiting | State::Later | State::Running | State::Live => vec![live],
            State::Done => vec![archived],
            State::Dead => vec![dead],
            State::Any => vec![live, archived, dead],
        }
    }

    async fn look(
        &self,
        connection: &mut PgConnection,
        look: &Look,
        (limit, window): (usize, i64),
    ) -> sqlx::Result<Seen> {
        // What the contents leave of the rows is not known before.
        let wanted = match &self.of_the_contents {
            None => i64::try_from(limit).unwrap_or(i64::MAX),
            Some(_) => window,
        };
        let looked =
            self.store.look_through(connection, look, &self.of_the_row, window, wanted).await?;
        let (mut rows, mut matched) = (looked.rows, looked.matched.unsigned_abs());
        if let Some(contents) = &self.of_the_contents {
            let ids = self.store.match_contents(connection, &rows, contents).await?;
            let ids: std::collections::HashSet<Uuid> = ids.into_iter().collect();
            rows.retain(|row| ids.contains(&row.id));
            matched = u64::try_from(rows.len()).unwrap_or(u64::MAX);
        }
        rows.truncate(limit);
        let has_more = limit > 0 && matched > u64::try_from(rows.len()).unwrap_or(u64::MAX);
        let last = if has_more {
            rows.last().map(Mark::from)
        } else {
            looked.last.filter(|_| looked.seen >= window)
        };
        Ok(Seen { rows, looked_at: looked.seen.unsigned_abs(), matched, last })
    }
}

impl Seen {
    fn then(self, next: Option<Place>) -> Step {
        let Self { rows, looked_at, matched, .. } = self;
        Step { rows, looked_at, matched, next }
    }
}

fn begin_of_queue(queue: &str) -> Place {
    let (queue, priority) = (queue.to_owned(), i16::MIN);
    Place::Lane { queue, priority, run_at: FIRST_TIME, from: Uuid::nil() }
}

fn begin_of_keys(queue: &str, by: KeyedBy) -> Place {
    Place::Keys {
        queue: queue.to_owned(),
        gate: format!("{}:{queue}/", by.word()),
        priority: i16::MIN,
        run_at: FIRST_TIME,
        from: Uuid::nil(),
    }
}

/// The first gate that is not one of the queue's any more: `0` comes after `/`.
fn end_of_keys(gate: &str, queue: &str) -> String {
    format!("{}:{queue}0", keyed_by(gate).word())
}

/// What the keys of a gate are for.
fn keyed_by(gate: &str) -> KeyedBy {
    let word = gate.split_once(':').map(|(word, _)| word);
    word.and_then(KeyedBy::of_word).unwrap_or(KeyedBy::ALL[0])
}

/// When an id was made, if it has a timestamp.
pub(super) fn made_at(id: Uuid) -> Option<DateTime<Utc>> {
    let (seconds, nanoseconds) = id.get_timestamp()?.to_unix();
    DateTime::from_timestamp(i64::try_from(seconds).ok()?, nanoseconds)
}
