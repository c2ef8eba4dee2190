//! The only room with SQL about jobs: one method for each statement in `sql/`.
//!
//! A [`Store`] knows the statements of one schema. Its methods take the connection they run on, so the caller decides
//! whether that is a pool's, a role's own or the user's transaction.
//!
//! A feature never adds a condition to a hot statement (insert, fetch, finish). It changes what is demanded, where a
//! job rests, or which statement is sent. Statements that share a step share the part that does it, so that a variant
//! of a statement is a short file.
//!
//! # How to add a column to `jobs`
//!
//! 1. The table, with a comment that says what the column is for: a new file in `migrations/`, or `0001_tables.sql`
//!    before the first release.
//! 2. If the column is copied along with a job, to the archive, to the dead letters and back: the two tables of the
//!    history, and `parts/job_columns.sql`. A column of only one of them goes into the lists of the statements that
//!    insert there. A test requires it in `parts/overwrite_dead_letter.sql`.
//! 3. If a running job knows it: `parts/claimed.sql`, [`Job`](struct@crate::Job) or [`Claim`](crate::row::Claim), and
//!    the `columns!` beside the function that reads it (`decode.rs`, `fetch.rs`).
//! 4. If an enqueuer sets it: [`NewJob`](crate::row::NewJob), `parts/new_jobs.sql` and `insert_jobs.sql`,
//!    `insert_alike_jobs.sql`, `replace_jobs.sql`, `bind_jobs` in `enqueue.rs`, and the function `enqueue_many` with
//!    the struct that it reads (`by_function.rs`). `NewJob::is_like` decides whether jobs that differ in it are alike.
//!
//! Nothing that the claim writes may be in an index or in the predicate of one.
//!
//! # How to add a statement
//!
//! 1. `sql/name_of_the_method.sql`, which begins with its name in a comment and lists its columns. A parameter is
//!    `:name`. A step that other statements do too is a part: `\ir parts/….sql` on a line of its own. A part that is a
//!    step of a `with` begins with a comma, and its head says what it needs and gives.
//! 2. Its name in the list of `statements/mod.rs`; a new part's in `PARTS` of `statements/assemble.rs`.
//! 3. The method, which binds each parameter and reads each column by its name: with `columns!` if there may be many
//!    rows. A statement that changes running rows has `lease = … and worker_id = …`, and its method returns what it
//!    changed.
//! 4. Its rights in `migrations/grants/`, for each role of the database that may send it.
//! 5. If it is sent often, an entry in `hot_statements` of `tests/integration/statements/arguments.rs`, whose plans the
//!    tests beside it check. They also have the server prepare every statement.
//!
//! # How to add a role
//!
//! 1. Its statements, as above, in a file of this room that is named like the role. A task that only one process
//!    needs to do is done by the one that gets it from `claim_upkeep`; `migrations/` inserts the task's row.
//! 2. A struct with a session of its own that implements [`Role`](crate::upkeep::role::Role), in `upkeep/`, or in
//!    `worker/` if it has to know what the process runs: its name, what it does once, when it does so next, and what
//!    is logged if that fails. [`repeat`](crate::upkeep::role::repeat) is the loop, with its pauses, their jitter and
//!    the retries after errors.
//! 3. A line in the list of `worker/start.rs`: `keep(&worker, &worker.stopped, TheRole::new(…))`. A role that only
//!    serves fetches is kept until `stopping` instead.
//!
//! # How to add a batch kind
//!
//! 1. The transition in `outcome/transition.rs`, which is pure.
//! 2. Its statement, made of the same parts as similar ones, for a thousand rows at a time: it locks rows in the order
//!    of their ids with `skip locked`, and returns the ids that it changed. The statements of the other kinds stay as
//!    they are.
//! 3. A variant of `BatchKind` in `finalize/batch.rs`; the compiler asks which runs are of it (`OpenRun::kind`) and
//!    which method writes them (`BatchKind::write`). Runs that are missing from the answer are looked up with
//!    `read_leases`, and `finalize/unwritten_reason.rs` decides about them.

mod admin;
mod archive;
mod by_function;
mod claimed;
mod control;
mod decode;
mod enqueue;
mod fetch;
mod find;
mod finish;
mod gates;
mod grants;
pub(crate) mod history;
mod isolate;
#[cfg(feature = "janitor")]
mod janitor;
mod kinds;
mod limits;
pub(crate) mod migrate;
mod migration_part;
mod pauses;
mod rate_row;
mod rates;
mod reaper;
mod refused_keys;
#[cfg(feature = "cron")]
mod schedules;
mod statements;
mod stats;
mod sweep;
#[cfg(all(feature = "testing", feature = "embedded"))]
mod test_databases;
#[cfg(feature = "testing")]
mod testing;
mod transaction;
mod unhandled;
mod visit_summary;
mod visits;
mod worker;

pub use admin::Why;
pub(crate) use admin::{
    ActEnd, ActRow, Circumstances, ConnectionsLook, ContentsRow, Copied, DayLook, Edited, EndsLook,
    GroupRow, Holder, ListRow, Look, Mark, Moved, NewAct, NewContents, NotificationsLook, Progress,
    RoleRights, RunLook, ServerLook, SettingLook, TableLook, UnreadableLook, UpkeepLook, Verb,
    repair,
};
pub(crate) use archive::DAYS_AHEAD;
#[cfg(feature = "janitor")]
pub(crate) use archive::OldDay;
pub(crate) use claimed::FetchedJob;
pub(crate) use decode::{FIRST_TIME, LAST_TIME};
pub(crate) use enqueue::Written;
pub(crate) use fetch::{Demand, DemandedShare, Fetched, LaneFloor, MARGIN, Position, Reach};
pub(crate) use finish::{Completed, LeaseState};
pub(crate) use gates::{GateOf, KeyChange, KeyRow};
pub use grants::Role;
pub(crate) use isolate::{Aside, Division, Stuck, log_set_aside};
pub(crate) use limits::{Ask, Balanced, DeclaredLimit, DueLook, LimitRow, QuotaRow};
pub(crate) use pauses::{NewPause, PausedKinds, PausedRow};
pub(crate) use rate_row::RateRow;
pub(crate) use rates::{TakenTokens, TokenAsk};
pub(crate) use reaper::{Name, Reaped};
#[cfg(feature = "cron")]
pub(crate) use schedules::{
    Advance, Backfill, DueSchedule, NewSchedule, RunNow, ScheduleLook, ScheduleRow, TickJob, Ticked,
};
pub(crate) use stats::{QueueRow, StatsRange, StatsRow, StatsSpan};
pub(crate) use sweep::{LanePart, Overtaken};
#[cfg(all(feature = "testing", feature = "embedded"))]
pub(crate) use test_databases::TestDatabases;
#[cfg(feature = "testing")]
pub(crate) use testing::{EnqueuedRow, KindCount, Unfinished, end_job, save_job};
pub(crate) use unhandled::UnhandledKind;
pub(crate) use visit_summary::{Begun, VisitSummary};
pub(crate) use visits::{Places, Visit, Visited};
pub(crate) use worker::{Beat, Silence, Silent, WorkerRow};

use std::sync::Arc;

use crate::database::{Pooled, Schema};
use statements::Statements;

/// The statements of one schema. A cheap clone.
#[derive(Debug, Clone)]
pub(crate) struct Store {
    schema: Schema,
    statements: Arc<Statements>,
    way: by_function::Way,
    /// For how many days partitions of the archive are created ahead.
    days_ahead: i32,
}

impl Store {
    /// `pooled` decides how the statements are sent.
    pub(crate) fn new(schema: Schema, pooled: &Pooled) -> Self {
        let statements = Arc::new(Statements::new(&schema, pooled));
        Self { schema, statements, way: by_function::Way::default(), days_ahead: DAYS_AHEAD }
    }

    /// The same statements for a test, whose archive needs few days.
    #[cfg(feature = "testing")]
    pub(crate) fn of_test(self) -> Self {
        Self { days_ahead: archive::DAYS_AHEAD_OF_A_TEST, ..self }
    }

    pub(crate) fn schema(&self) -> &Schema {
        &self.schema
    }
}
