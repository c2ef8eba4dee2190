//! Changes a job that waits.

use anyhow::Result;
use simple_queue::Acted;
use uuid::Uuid;

use crate::{
    args::{Change, Connection},
    exit::{Exit, Mistake},
    output::shown,
};

pub(super) async fn run(connection: &Connection, id: Uuid, asked: Change) -> Result<Exit> {
    let args = asked.args.as_deref().map(super::jobs::parse_args).transpose()?;
    if args.is_none() && asked.priority.is_none() && asked.at.is_none() {
        let problem = "it is not said what is to be changed";
        return Err(
            Mistake::new(problem, "pass `--args JSON`, `--priority N` or `--at TIME`").into()
        );
    }
    let Some(seen) = connection.admin().await?.job(id).await? else {
        anstream::eprintln!("there is no job {id}");
        return Ok(Exit::Nothing);
    };
    let admin =
        connection.acting(&format!("edit the job {id} of `{}`", shown(&seen.job.kind))).await?;
    // The job as it was when it was asked for: what changed meanwhile is not overwritten.
    let mut change = admin.edit(id).expecting(seen.job.version);
    if let Some(args) = args {
        change = change.args(args);
    }
    if let Some(priority) = asked.priority {
        change = change.priority(priority);
    }
    if let Some(at) = asked.at {
        change = change.run_at(at);
    }
    Ok(match change.await? {
        Acted::Done => {
            anstream::eprintln!("it is changed");
            Exit::Done
        }
        Acted::Left(why) => {
            anstream::eprintln!("it is left as it is: {why}");
            Exit::Nothing
        }
    })
}
