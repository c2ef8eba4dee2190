//! `assert_enqueued!` and `refute_enqueued!`.

mod differences;
mod expected;
mod found;
mod macros;
mod miss;

pub use differences::{Differences, Shown, ShownDebug, ShownFallback};
pub use expected::Expected;
pub use found::EnqueuedJob;
pub use miss::Miss;

use std::time::{Duration, Instant};

use crate::{enqueue::Target, job::JobPayload, store::EnqueuedRow};

/// 10 ms between two looks for a job that is expected within a time.
const LOOK: Duration = Duration::from_millis(10);

/// Looks for jobs that do not differ from what is expected, and returns the first. `compare` notes
/// how a job differs.
///
/// # Errors
/// [`Miss`] when there is none, or another number of them than expected.
pub async fn expect<J: JobPayload>(
    mut on: Target<'_>,
    compare: impl Fn(&J, &mut Differences),
    expected: Expected,
) -> Result<EnqueuedJob<J>, Miss> {
    let until = Instant::now() + expected.within;
    loop {
        let looked = Looked::<J>::at(&mut on, &compare, &expected).await?;
        let fits = looked.fitting.len();
        if expected.times.map_or(fits > 0, |times| times == fits) {
            return looked.into_first();
        }
        if Instant::now() >= until {
            return Err(Miss::of_expected(&mut on, looked.into_untyped(), &expected).await);
        }
        tokio::time::sleep(LOOK).await;
    }
}

/// Looks for jobs that do not differ from what must not be enqueued.
///
/// # Errors
/// [`Miss`] when there is one.
pub async fn refute<J: JobPayload>(
    mut on: Target<'_>,
    compare: impl Fn(&J, &mut Differences),
    expected: Expected,
) -> Result<(), Miss> {
    let until = Instant::now() + expected.within;
    loop {
        let looked = Looked::<J>::at(&mut on, &compare, &expected).await?;
        if !looked.fitting.is_empty() {
            return Err(Miss::of_refuted(&looked.into_untyped()));
        }
        if Instant::now() >= until {
            return Ok(());
        }
        tokio::time::sleep(LOOK).await;
    }
}

/// The kinds under which jobs of this type may be stored.
pub(super) fn kinds_of<J: JobPayload>() -> Vec<&'static str> {
    std::iter::once(J::KIND).chain(J::ALIASES.iter().copied()).collect()
}

/// The jobs of a kind, those that fit and those that do not.
struct Looked<J> {
    kind: &'static str,
    fitting: Vec<EnqueuedJob<J>>,
    others: Vec<(EnqueuedRow, Differences)>,
}

/// The same for messages, which are made once and not for each type.
struct LookedAt {
    kind: &'static str,
    fitting: Vec<EnqueuedRow>,
    others: Vec<(EnqueuedRow, Differences)>,
}

impl<J: JobPayload> Looked<J> {
    async fn at(
        target: &mut Target<'_>,
        compare: &impl Fn(&J, &mut Differences),
        expected: &Expected,
    ) -> Result<Self, Miss> {
        let kinds = kinds_of::<J>();
        let rows = target
            .ask(async |connection, store| store.list_enqueued(connection, Some(&kinds)).await)
            .await
            .map_err(|error| Miss::of_database(&error))?;
        let mut looked = Self { kind: J::KIND, fitting: Vec::new(), others: Vec::new() };
        for row in rows {
            let mut differences = Differences::of(J::ARGUMENTS);
            expected.compare(&row, &mut differences);
            match found::read::<J>(row) {
                Ok(job) => {
                    compare(&job, &mut differences);
                    if differences.is_empty() {
                        looked.fitting.push(job);
                    } else {
                        looked.others.push((job.into_row(), differences));
                    }
                }
                Err(unread) => {
                    let (row, problem) = *unread;
                    differences.say(problem);
                    looked.others.push((row, differences));
                }
            }
        }
        // The sort is stable: of those that are as near, the first comes first.
        looked.others.sort_by_key(|(_, differences)| differences.len());
        Ok(looked)
    }

    fn into_first(self) -> Result<EnqueuedJob<J>, Miss> {
        let none = || Miss::of_none(self.kind);
        self.fitting.into_iter().next().ok_or_else(none)
    }

    fn into_untyped(self) -> LookedAt {
        let fitting = self.fitting.into_iter().map(EnqueuedJob::into_row).collect();
        LookedAt { kind: self.kind, fitting, others: self.others }
    }
}
