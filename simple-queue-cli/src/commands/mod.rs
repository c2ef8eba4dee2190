//! What each command does. All of them only call what the library makes public.

mod act;
mod audit;
mod dlq;
mod doctor;
mod edit;
mod job;
mod jobs;
mod kinds;
mod limits;
mod queues;
mod schedules;
mod serve;
mod stats;
mod status;
mod tail;
mod top;
mod upkeep;
mod why;
mod workers;

use anyhow::Result;
use chrono::{DateTime, Utc};

use crate::{
    args::{Args, Command, Schema},
    exit::Exit,
};

pub(crate) async fn run(args: Args) -> Result<Exit> {
    let Args { connection, format, command, .. } = args;
    match command {
        Command::Status => status::run(&connection, format).await,
        Command::Why(why) => why::run(&connection, format, why).await,
        Command::Jobs(jobs) => jobs::run(&connection, format, jobs).await,
        Command::Queues(queues) => queues::run(&connection, format, queues).await,
        Command::Kinds => kinds::run(&connection, format).await,
        Command::Workers => workers::list(&connection, format).await,
        Command::Running => workers::running(&connection, format).await,
        Command::Schedules(schedules) => schedules::run(&connection, format, schedules).await,
        Command::Limits(limits) => limits::run(&connection, format, limits).await,
        Command::Stats(stats) => stats::run(&connection, format, stats).await,
        Command::Audit(audit) => audit::run(&connection, format, audit).await,
        Command::Dlq(dlq) => dlq::run(&connection, format, dlq).await,
        Command::Doctor(asked) => doctor::run(&connection, format, &asked).await,
        Command::Schema(Schema::Diff) => doctor::diff(&connection, format).await,
        Command::Top(asked) => top::run(&connection, &asked).await,
        Command::Serve(asked) => serve::run(&connection, asked).await,
        Command::Migrate(asked) => upkeep::migrate(&connection, format, &asked).await,
        Command::Health => upkeep::health(&connection).await,
        Command::Completions { shell } => Ok(upkeep::completions(shell)),
        Command::Man { directory } => upkeep::man(&directory),
    }
}

/// This machine's time, against which times are told in words. The database's would be another statement, and a
/// second's difference is not seen.
#[expect(clippy::disallowed_methods, reason = "only shown")]
fn now() -> DateTime<Utc> {
    Utc::now()
}
