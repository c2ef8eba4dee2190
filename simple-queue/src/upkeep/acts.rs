//! Carries out acts on many jobs, a bite at a time.
//!
//! Each bite is a transaction: it locks the act's row, walks on by ids from where the last bite ended, does the act to
//! what the filter wants, and writes how far it came. So an act whose process dies is gone on with by any other, from
//! the last bite that was committed, and nothing is done or counted twice.

use std::collections::HashSet;

use sqlx::PgConnection;
use uuid::Uuid;

use crate::{
    database::failure::{described, is_about_a_row},
    filter::{JobFilter, Moment},
    store::{ActEnd, ActRow, ListRow, Look, Progress, Store, Verb, Why},
    telemetry,
};

/// 1,000 jobs, upper bound of a bite.
const BITE: usize = 1000;

/// 5,000 rows, upper bound of those that a bite looks at.
const WINDOW: i64 = 5000;

/// 16 statements, whose time a bite may take.
pub(crate) const STATEMENTS: usize = 16;

/// What came of a bite.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Bite {
    /// There may be more to do.
    More,
    Ended,
    /// It has ended, or another process is at it.
    NotOurs,
}

/// How many jobs a bite takes. Where the database refuses a bite because of one of its rows, the next ones are smaller,
/// until the row is alone and is left alone.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Pace {
    most: usize,
    gives_up: bool,
}

impl Default for Pace {
    fn default() -> Self {
        Self { most: BITE, gives_up: false }
    }
}

impl Pace {
    /// The pace of the next bite; `None`: the error has nothing to do with a row.
    pub(crate) fn after(self, bite: &sqlx::Result<Bite>) -> Option<Self> {
        match bite {
            Ok(_) => Some(Self { most: std::cmp::min(self.most * 2, BITE), gives_up: false }),
            Err(error) if is_about_a_row(error) && !self.gives_up => {
                telemetry::upkeep::act_refused(&described(error), self.most);
                Some(Self { most: std::cmp::max(self.most / 2, 1), gives_up: self.most == 1 })
            }
            Err(_) => None,
        }
    }
}

/// Goes on with an act, in a transaction of the caller's.
pub(crate) async fn bite(
    store: &Store,
    connection: &mut PgConnection,
    id: Uuid,
    pace: Pace,
) -> sqlx::Result<Bite> {
    let Some(act) = store.claim_act(connection, id).await? else { return Ok(Bite::NotOurs) };
    let Some((filter, verb)) = read(&act) else {
        let note = Some("this release cannot read it: a later one began it".to_owned());
        let progress =
            Progress { cursor: act.cursor, state: ActEnd::Failed, note, ..Progress::default() };
        store.advance_act(connection, id, &progress).await?;
        return Ok(Bite::Ended);
    };
    let walk = Walk { store, filter, verb };
    let Walked { rows, mut left, looked_at, last } = match &walk.filter.ids {
        Some(ids) => walk.over_named(&mut *connection, ids, act.cursor, pace.most).await?,
        None => walk.over_all(&mut *connection, act.cursor, pace.most).await?,
    };
    let mut done = Vec::new();
    if pace.gives_up {
        left.extend(rows.iter().map(|row| (row.id, Why::Refused)));
    } else if !rows.is_empty() {
        let (chosen, others) = store.lock_jobs(connection, &rows, &walk.verb).await?;
        left.extend(others);
        let (touched, others) = store.act_on(connection, &walk.verb, &chosen).await?;
        left.extend(others);
        done = touched;
    }
    let state = if last.is_some() { ActEnd::Running } else { ActEnd::Done };
    let done = i64::try_from(done.len()).unwrap_or(i64::MAX);
    let progress =
        Progress { cursor: last.or(act.cursor), looked_at, done, left, state, note: None };
    store.advance_act(connection, id, &progress).await?;
    Ok(if last.is_some() { Bite::More } else { Bite::Ended })
}

/// What an act is about: jobs that matched when it began.
fn read(act: &ActRow) -> Option<(JobFilter, Verb)> {
    let mut filter = act.target.parse::<JobFilter>().ok()?.resolved(act.created_at);
    let verb = Verb::read(&act.action, act.arguments.as_deref(), filter.is_of_the_dead())?;
    if filter.ids.is_none() {
        let times = if verb.is_of_the_dead() { &mut filter.finished } else { &mut filter.created };
        let began = Moment::At(act.created_at);
        times.to = match times.to {
            Some(Moment::At(to)) => Some(Moment::At(std::cmp::min(to, act.created_at))),
            _ => Some(began),
        };
    }
    Some((filter, verb))
}

struct Walk<'s> {
    store: &'s Store,
    filter: JobFilter,
    verb: Verb,
}

/// The jobs of a bite.
struct Walked {
    rows: Vec<ListRow>,
    left: Vec<(Uuid, Why)>,
    looked_at: i64,
    /// The last id that is done with; `None`: there are no more.
    last: Option<Uuid>,
}

impl Walk<'_> {
    /// Looks through the table in the order of ids.
    async fn over_all(
        &self,
        connection: &mut PgConnection,
        cursor: Option<Uuid>,
        most: usize,
    ) -> sqlx::Result<Walked> {
        let from = cursor.map_or(Uuid::nil(), |id| Uuid::from_u128(id.as_u128().saturating_add(1)));
        let look = if self.verb.is_of_the_dead() {
            Look::DeadLettersFrom { from }
        } else {
            Look::JobsFrom { from }
        };
        let limit = if self.filter.reads_contents() {
            WINDOW
        } else {
            i64::try_from(most).unwrap_or(WINDOW)
        };
        let conditions = self.filter.of_the_row();
        let looked = self.store.look_through(connection, &look, &conditions, WINDOW, limit).await?;
        let mut matched = usize::try_from(looked.matched).unwrap_or(usize::MAX);
        let mut rows = looked.rows;
        if self.filter.reads_contents() {
            rows = self.with_contents(connection, rows).await?;
            matched = rows.len();
        }
        rows.truncate(most);
        if matched > rows.len() {
            let looked_at = i64::try_from(rows.len()).unwrap_or(i64::MAX);
            let last = rows.last().map(|row| row.id);
            return Ok(Walked { rows, left: Vec::new(), looked_at, last });
        }
        let is_full = looked.seen >= WINDOW;
        let last = looked.last.filter(|_| is_full).map(|last| last.id);
        Ok(Walked { rows, left: Vec::new(), looked_at: looked.seen, last })
    }

    /// Looks at the jobs that the filter names, in the order of their ids.
    async fn over_named(
        &self,
        connection: &mut PgConnection,
        ids: &[Uuid],
        cursor: Option<Uuid>,
        most: usize,
    ) -> sqlx::Result<Walked> {
        let mut ids: Vec<Uuid> =
            ids.iter().copied().filter(|id| cursor.is_none_or(|cursor| *id > cursor)).collect();
        ids.sort_unstable();
        ids.dedup();
        let has_more = ids.len() > most;
        ids.truncate(most);
        let last = ids.last().copied().filter(|_| has_more);
        let looked_at = i64::try_from(ids.len()).unwrap_or(i64::MAX);
        if ids.is_empty() {
            return Ok(Walked { rows: Vec::new(), left: Vec::new(), looked_at, last });
        }
        let look = if self.verb.is_of_the_dead() {
            Look::PickedDeadLetters { top_id: Uuid::max() }
        } else {
            Look::PickedJobs { top_id: Uuid::max() }
        };
        let filter = JobFilter { ids: Some(ids.clone()), ..self.filter.clone() };
        let looked = self
            .store
            .look_through(connection, &look, &filter.of_the_row(), WINDOW, WINDOW)
            .await?;
        let rows = self.with_contents(connection, looked.rows).await?;
        let found: HashSet<Uuid> = rows.iter().map(|row| row.id).collect();
        ids.retain(|id| !found.contains(id));
        let left = self.why_not_found(connection, &ids).await?;
        Ok(Walked { rows, left, looked_at, last })
    }

    async fn with_contents(
        &self,
        connection: &mut PgConnection,
        mut rows: Vec<ListRow>,
    ) -> sqlx::Result<Vec<ListRow>> {
        if self.filter.reads_contents() && !rows.is_empty() {
            let contents = self.filter.of_the_contents();
            let wanted = self.store.match_contents(connection, &rows, &contents).await?;
            let wanted: HashSet<Uuid> = wanted.into_iter().collect();
            rows.retain(|row| wanted.contains(&row.id));
        }
        Ok(rows)
    }

    /// Jobs that were named and are not, or no longer, as the filter says.
    async fn why_not_found(
        &self,
        connection: &mut PgConnection,
        ids: &[Uuid],
    ) -> sqlx::Result<Vec<(Uuid, Why)>> {
        if ids.is_empty() {
            return Ok(Vec::new());
        }
        let there = self.store.find_jobs_anywhere(connection, ids).await?;
        let there: HashSet<Uuid> = there.into_iter().map(|(id, _)| id).collect();
        let why = |id: &Uuid| if there.contains(id) { Why::Changed } else { Why::Gone };
        Ok(ids.iter().map(|id| (*id, why(id))).collect())
    }
}
