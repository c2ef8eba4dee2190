//! Acts on the jobs that a filter means: says to how many, asks, does it, says what was left.

use anyhow::Result;
use simple_queue::{ActState, Admin, Count, JobFilter, Touched};

use crate::{
    args::{Acting, Connection},
    exit::{Exit, Mistake},
    output::shown,
};

#[derive(Debug, Clone)]
pub(super) enum Verb {
    Retry,
    Cancel,
    Delete,
    RunNow,
    MoveTo(String),
    SetPriority(i16),
}

impl Verb {
    /// What is done to jobs, after "to".
    fn words(&self) -> String {
        match self {
            Self::Retry => "run again".to_owned(),
            Self::Cancel => "cancel".to_owned(),
            Self::Delete => "delete".to_owned(),
            Self::RunNow => "run now".to_owned(),
            Self::MoveTo(queue) => format!("move to `{}`", shown(queue)),
            Self::SetPriority(priority) => format!("set to priority {priority}"),
        }
    }

    /// The jobs that it can be done to, where the filter does not say it.
    fn narrows(&self, filter: JobFilter) -> JobFilter {
        match self {
            Self::Retry => filter.only_dead(),
            Self::Cancel | Self::RunNow | Self::MoveTo(_) | Self::SetPriority(_) => {
                filter.only_live()
            }
            Self::Delete => filter,
        }
    }

    async fn carry_out(self, admin: &Admin, filter: JobFilter) -> Result<Touched> {
        let selected = admin.select(filter);
        let act = match self {
            Self::Retry => selected.retry(),
            Self::Cancel => selected.cancel(),
            Self::Delete => selected.delete(),
            Self::RunNow => selected.run_now(),
            Self::MoveTo(queue) => selected.move_to(queue),
            Self::SetPriority(priority) => selected.set_priority(priority),
        };
        Ok(act.await?)
    }
}

/// Refuses an act on all jobs that is not asked for as such.
pub(super) fn some_are_meant(acting: &Acting) -> Result<()> {
    if acting.selection.terms.is_empty() && !acting.all {
        let hint = "say which, as in `kind:send_mail` or an id, or `--all`";
        return Err(Mistake::new("no job is meant", hint).into());
    }
    Ok(())
}

pub(super) async fn run(connection: &Connection, acting: Acting, verb: Verb) -> Result<Exit> {
    some_are_meant(&acting)?;
    let filter = verb.narrows(acting.selection.filter()?);
    let queue = connection.queue().await?;
    let count = queue.admin().count(&filter).await?;
    let (words, number) = (verb.words(), count.counted());
    if number == 0 {
        anstream::eprintln!("no job matches `{filter}`");
        return Ok(Exit::Nothing);
    }
    let jobs = if count == Count::Exact(1) { "job" } else { "jobs" };
    let words = format!("{words}: {count} {jobs} with `{}`", shown(&filter.to_string()));
    if acting.dry_run {
        anstream::eprintln!("{words}");
        return Ok(Exit::Done);
    }
    let admin = connection.acting_on(&queue, &words, number)?;
    let touched = verb.carry_out(&admin, filter).await?;
    Ok(report(&touched))
}

/// Says what an act did.
pub(super) fn report(touched: &Touched) -> Exit {
    anstream::eprintln!("done: {}, left as they are: {}", touched.done, touched.left_alone);
    for (id, why) in touched.left.iter().take(10) {
        anstream::eprintln!("  {id}: {why}");
    }
    if touched.left.len() > 10 {
        anstream::eprintln!("  and more; `simple-queue audit show {}` has them", touched.act);
    }
    match touched.state {
        ActState::Done if touched.done == 0 => Exit::Nothing,
        ActState::Done => Exit::Done,
        state => {
            anstream::eprintln!(
                "it is {state}; `simple-queue audit resume {}` goes on",
                touched.act
            );
            Exit::Wrong
        }
    }
}
