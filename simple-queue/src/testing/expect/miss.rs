//! The message of a test that has failed.

use std::fmt::{self, Write as _};

use super::{Differences, Expected, LookedAt, expected::due};
use crate::{
    enqueue::Target,
    store::{EnqueuedRow, KindCount},
};

/// Why [`assert_enqueued!`](crate::assert_enqueued) has failed.
#[derive(Debug)]
pub struct Miss(String);

/// 5 jobs, upper bound of those that a message lists.
const MOST: usize = 5;

impl Miss {
    pub(super) fn of_database(error: &sqlx::Error) -> Self {
        Self(format!("the jobs cannot be read: {error}"))
    }

    pub(super) fn of_none(kind: &str) -> Self {
        Self(format!("no `{kind}` is enqueued, as expected, so none can be returned"))
    }

    pub(super) async fn of_expected(
        target: &mut Target<'_>,
        looked: LookedAt,
        expected: &Expected,
    ) -> Self {
        let LookedAt { kind, fitting, others } = looked;
        let mut message = if !fitting.is_empty() {
            let times = expected.times.unwrap_or_default();
            let mut message =
                format!("{} `{kind}` {}, not {times}:", fitting.len(), fit(fitting.len()));
            list(&mut message, fitting.iter().map(|row| (row, None)));
            message
        } else if others.is_empty() {
            let counts =
                target.ask(async |connection, store| store.count_kinds(connection).await).await;
            counts.map_or_else(|error| Self::of_database(&error).0, |counts| none(kind, &counts))
        } else {
            let mut message = match others.len() {
                1 => format!("the one `{kind}` that is enqueued does not fit:"),
                count => {
                    format!("none of the {count} `{kind}` that are enqueued fits; nearest first:")
                }
            };
            list(&mut message, others.iter().map(|(row, differs)| (row, Some(differs))));
            message
        };
        if !expected.within.is_zero() {
            write_to(&mut message, format_args!("\n  after a wait of {:?}", expected.within));
        }
        Self(message)
    }

    pub(super) fn of_refuted(LookedAt { kind, fitting, .. }: &LookedAt) -> Self {
        let count = fitting.len();
        let is = if count == 1 { "is" } else { "are" };
        let mut message = format!("{count} `{kind}` {is} enqueued that must not be:");
        list(&mut message, fitting.iter().map(|row| (row, None)));
        Self(message)
    }
}

fn fit(count: usize) -> &'static str {
    if count == 1 { "fits" } else { "fit" }
}

fn list<'r>(
    message: &mut String,
    rows: impl ExactSizeIterator<Item = (&'r EnqueuedRow, Option<&'r Differences>)>,
) {
    let count = rows.len();
    for (row, differences) in rows.take(MOST) {
        let (id, queue) = (row.job.id, &row.job.queue);
        let words =
            differences.map_or_else(|| due(row.due_in.unwrap_or_default()), Differences::words);
        write_to(message, format_args!("\n  {id} on {queue:?}: {words}"));
    }
    if count > MOST {
        write_to(message, format_args!("\n  and {} more", count - MOST));
    }
}

/// There is no job of the kind: says which kinds there are, and what has become of those of this one.
fn none(kind: &str, counts: &[KindCount]) -> String {
    let live: Vec<String> = counts
        .iter()
        .filter(|count| count.status.is_none())
        .map(|count| format!("{} `{}`", count.jobs, count.kind))
        .collect();
    let mut message = match live.as_slice() {
        [] => format!("no `{kind}` is enqueued, nor any other job"),
        live => format!("no `{kind}` is enqueued; there are {}", live.join(", ")),
    };
    let ended: Vec<String> = counts
        .iter()
        .filter(|count| count.kind == kind)
        .filter_map(|count| Some(format!("{} {}", count.jobs, count.status.as_ref()?)))
        .collect();
    if !ended.is_empty() {
        write_to(&mut message, format_args!("\n  of those that have ended: {}", ended.join(", ")));
    }
    message
}

fn write_to(message: &mut String, words: fmt::Arguments<'_>) {
    message.write_fmt(words).expect("a string takes any text");
}

impl fmt::Display for Miss {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}
