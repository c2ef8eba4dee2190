//! Divides what the database refuses together, until the single row at fault is found.

use std::{
    collections::VecDeque,
    time::{Duration, Instant},
};

use sqlx::PgConnection;
use uuid::Uuid;

use super::Store;
use crate::{
    database::failure::{Trouble, described},
    outcome::words_of,
    telemetry,
};

/// A list whose parts are each tried together, and in halves if a part is refused.
#[derive(Debug)]
pub(crate) struct Division<T>(VecDeque<Vec<T>>);

impl<T> Division<T> {
    /// All items together come first.
    pub(crate) fn of(all: Vec<T>) -> Self {
        Self([all].into())
    }

    /// All items together were refused already.
    pub(crate) fn of_refused(all: Vec<T>) -> Self {
        let mut division = Self(VecDeque::new());
        match all.len() {
            // A single item is tried alone before it counts as at fault.
            1 => division.0.push_front(all),
            _ => drop(division.refused(all)),
        }
        division
    }

    /// The next part to try, in the order of the list.
    pub(crate) fn next(&mut self) -> Option<Vec<T>> {
        self.0.pop_front().filter(|part| !part.is_empty())
    }

    /// This part was refused and is tried in halves. A part of one item is at fault and is returned.
    pub(crate) fn refused(&mut self, mut part: Vec<T>) -> Option<T> {
        if part.len() == 1 {
            return part.pop();
        }
        let half = part.split_off(part.len() / 2);
        for part in [half, part] {
            if !part.is_empty() {
                self.0.push_front(part);
            }
        }
        None
    }
}

/// What became of a job that was to be set aside.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Aside {
    /// It is a dead letter.
    Moved,
    /// It was claimed, returned or cancelled meanwhile.
    Gone,
    /// The database refuses to move it too.
    Stuck,
}

/// Jobs that the database refuses to handle and to move, and the processes in whose names they stay. They are left out
/// for a while, because a pass that met the same rows each time would get no further.
#[derive(Debug, Default)]
pub(crate) struct Stuck {
    ids: Vec<Uuid>,
    since: Option<Instant>,
}

/// 1 minute, counted from the first of them; then all are tried again.
const STUCK_FOR: Duration = Duration::from_mins(1);

impl Stuck {
    pub(crate) fn add(&mut self, id: Uuid) {
        self.since.get_or_insert_with(Instant::now);
        self.ids.push(id);
    }

    /// Those that are left out now.
    pub(crate) fn ids(&mut self) -> &[Uuid] {
        if self.since.is_some_and(|since| since.elapsed() >= STUCK_FOR) {
            *self = Self::default();
        }
        &self.ids
    }
}

impl Store {
    /// Moves a job that the database refuses to handle to the dead letters, with the database's message, so that it
    /// blocks no other job. Acts only while the job is in this worker's name, or in none. Returns whether it moved the
    /// job.
    pub(crate) async fn set_aside_job(
        &self,
        connection: &mut PgConnection,
        id: Uuid,
        worker_id: Option<Uuid>,
        (what, refusal): (&str, &sqlx::Error),
    ) -> sqlx::Result<bool> {
        let reason = words_of(&format_args!("{what}: {}", described(refusal)));
        let aside = self.statements.set_aside_job.query();
        let aside = aside.bind("id", id).bind("worker_id", worker_id).bind("reason", reason);
        let aside = aside.bind("channel", self.schema.channel());
        Ok(aside.fetch_optional(connection).await?.is_some())
    }
}

/// Logs what happened to a job that was to be set aside. If the database refuses to move it too, the job stays where it
/// is and is skipped, so that it blocks no other job.
pub(crate) fn log_set_aside(
    id: Uuid,
    (what, refusal): (&str, &sqlx::Error),
    aside: sqlx::Result<bool>,
) -> sqlx::Result<Aside> {
    let refusal = described(refusal);
    match aside {
        Ok(true) => {
            telemetry::store::job_set_aside(&refusal, id, what);
            Ok(Aside::Moved)
        }
        Ok(false) => Ok(Aside::Gone),
        Err(error) => match Trouble::of(&error) {
            Trouble::Refused | Trouble::Unreadable | Trouble::Late => {
                telemetry::store::job_not_set_aside(&refusal, id, what, &described(&error));
                Ok(Aside::Stuck)
            }
            _ => Err(error),
        },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_list_is_divided_until_what_is_at_fault_is_alone_and_all_others_are_tried_once_more() {
        for bad in [&[3][..], &[0, 9], &[], &[0, 1, 2, 3, 4, 5, 6, 7, 8, 9]] {
            for mut division in
                [Division::of((0..10).collect()), Division::of_refused((0..10).collect())]
            {
                let (mut done, mut at_fault) = (Vec::new(), Vec::new());
                while let Some(part) = division.next() {
                    if part.iter().any(|item| bad.contains(item)) {
                        at_fault.extend(division.refused(part));
                    } else {
                        done.extend(part);
                    }
                }
                assert_eq!(at_fault, bad);
                assert_eq!(done, (0..10).filter(|item| !bad.contains(item)).collect::<Vec<_>>());
            }
        }
        assert_eq!(Division::<u8>::of(Vec::new()).next(), None);
        assert_eq!(Division::<u8>::of_refused(Vec::new()).next(), None);
        assert_eq!(Division::of_refused(vec![1]).next(), Some(vec![1]));
    }
}
