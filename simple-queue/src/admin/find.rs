//! Lists jobs.

use std::{collections::HashMap, future::IntoFuture, pin::Pin};

use uuid::Uuid;

use super::{
    Admin, Cursor, JobContents, JobRow, Right,
    cursor::Place,
    looking::{Looker, Step},
    redaction::masked,
};
use crate::{
    Error, JobFilter,
    database::again,
    store::{ContentsRow, ListRow},
};

impl Admin {
    /// Lists jobs, a page at a time. A page looks at 5,000 rows at most, so it may be empty though
    /// there are more such jobs: [`Page::next`] goes on. Await it to run it.
    ///
    /// Dead letters are listed by their end, the last first; jobs that wait in given queues, or are
    /// not due yet there, in the order in which they are due; others by their id, which is the
    /// order of their creation, the newest first.
    ///
    /// ```no_run
    /// # use simple_queue::{JobFilter, SimpleQueue};
    /// # async fn example(queue: &SimpleQueue) -> Result<(), simple_queue::Error> {
    /// let (admin, filter) = (queue.admin(), JobFilter::waiting().queue("emails"));
    /// let mut page = admin.find(&filter).limit(100).await?;
    /// while let Some(next) = page.next {
    ///     page = admin.find(&filter).limit(100).after(next).await?;
    /// }
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// [`Error::NotAllowed`] without [`Right::See`], and without [`Right::SeeContents`] where the
    /// filter or the call asks for contents, or where the filter asks for a hidden argument;
    /// [`Error::Database`] when it fails.
    pub fn find<'a>(&'a self, filter: &'a JobFilter) -> Find<'a> {
        Find { admin: self, filter, limit: 50, after: None, with_contents: false }
    }

    pub(super) async fn step(
        &self,
        looker: &Looker<'_>,
        place: Place,
        limit: usize,
    ) -> Result<Step, Error> {
        let step = again!(tries => self.queue.ask_for(STATEMENTS, async |connection| {
            looker.step(connection, place.clone(), limit).await
        }));
        step.map_err(Error::database("list jobs"))
    }

    /// Refuses a look that shows, or would reveal by its answer, what the actor may not see.
    pub(super) async fn demand_look(
        &self,
        filter: &JobFilter,
        contents: bool,
    ) -> Result<(), Error> {
        self.demand(Right::See)?;
        if contents || filter.reads_contents() {
            self.demand(Right::SeeContents)?;
        }
        if filter.args.is_empty() {
            return Ok(());
        }
        let known = self.known_kinds().await?;
        for wanted in &filter.args {
            let Some(argument) = wanted.path.first() else { continue };
            let kinds = if filter.kinds.is_empty() {
                known.keys().cloned().chain(self.queue.declared_kinds()).collect()
            } else {
                filter.kinds.clone()
            };
            if let Some(kind) = kinds.iter().find(|kind| self.hides(&known, kind, argument)) {
                let actor = self.actor().unwrap_or("nobody").to_owned();
                let action = format!("search jobs by `{argument}`, which is hidden in `{kind}`");
                return Err(Error::NotAllowed { actor, action });
            }
        }
        Ok(())
    }

    /// Reads what these jobs contain.
    pub(super) async fn contents(
        &self,
        rows: &[ListRow],
        longest: i32,
    ) -> Result<HashMap<Uuid, JobContents>, Error> {
        let read = again!(tries => self.queue.ask_for(STATEMENTS, async |connection| {
            self.queue.store().read_contents(connection, rows, longest).await
        }));
        let known = self.known_kinds().await?;
        let read: Vec<ContentsRow> = read.map_err(Error::database("read jobs"))?;
        let kinds: HashMap<Uuid, &str> =
            rows.iter().map(|row| (row.id, row.kind.as_str())).collect();
        let shown = read.into_iter().map(|row| {
            let (id, kind) = (row.id, kinds.get(&row.id).copied().unwrap_or_default());
            let mask = |payload| masked(payload, |argument| self.hides(&known, kind, argument));
            (id, JobContents::of(row, mask))
        });
        Ok(shown.collect())
    }
}

/// 8 statements, whose time a step may take.
const STATEMENTS: usize = 8;

/// 1,000 jobs, upper bound of a page.
const LONGEST_PAGE: usize = 1000;

/// 8 kB, the longest payload in a list.
const LONGEST_IN_LIST: i32 = 8192;

/// A list of jobs that is not read yet; [`Admin::find`] returns it.
#[derive(Debug, Clone)]
#[must_use = "a list is read when it is awaited"]
pub struct Find<'a> {
    admin: &'a Admin,
    filter: &'a JobFilter,
    limit: usize,
    after: Option<Cursor>,
    with_contents: bool,
}

impl Find<'_> {
    /// Sets how many jobs the page has at most: 50 unless this says otherwise, from 1 to 1,000.
    pub fn limit(self, limit: usize) -> Self {
        Self { limit: limit.clamp(1, LONGEST_PAGE), ..self }
    }

    /// Goes on where a page ended. The filter has to be the same.
    pub fn after(self, cursor: Cursor) -> Self {
        Self { after: Some(cursor), ..self }
    }

    /// Reads what the jobs contain too. A text of more than 8 kB is left out.
    pub fn with_contents(self) -> Self {
        Self { with_contents: true, ..self }
    }

    async fn read(self) -> Result<Page, Error> {
        let Self { admin, filter, limit, after, with_contents } = self;
        admin.demand_look(filter, with_contents).await?;
        let looker = Looker::new(admin.queue.store(), filter, admin.sees_contents());
        let place = after.map_or_else(|| looker.first(), |Cursor(place)| place);
        let step = admin.step(&looker, place, limit).await?;
        let mut contents = if with_contents {
            admin.contents(&step.rows, LONGEST_IN_LIST).await?
        } else {
            HashMap::new()
        };
        let jobs = step.rows.into_iter().map(|row| {
            let contents = contents.remove(&row.id);
            Ok(JobRow { contents, ..JobRow::of(row)? })
        });
        Ok(Page {
            jobs: jobs.collect::<Result<_, Error>>()?,
            complete: step.next.is_none(),
            next: step.next.map(Cursor),
            looked_at: step.looked_at,
        })
    }
}

impl<'a> IntoFuture for Find<'a> {
    type Output = Result<Page, Error>;
    type IntoFuture = Pin<Box<dyn Future<Output = Self::Output> + Send + 'a>>;

    fn into_future(self) -> Self::IntoFuture {
        Box::pin(self.read())
    }
}

/// A part of a list of jobs.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub struct Page {
    /// The jobs, in the order of the list.
    pub jobs: Vec<JobRow>,
    /// Where the next page begins; `None`: this was the last.
    pub next: Option<Cursor>,
    /// How many rows were looked at for this page.
    pub looked_at: u64,
    /// Whether everything was looked at.
    pub complete: bool,
}
