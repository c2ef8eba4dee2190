//! What operators did.

use anyhow::Result;
use simple_queue::{ActRecord, Touched};
use uuid::Uuid;

use super::{act, now};
use crate::{
    args::{Audit, Connection, Format},
    exit::Exit,
    output::{Cell, List},
};

const COLUMNS: &[&str] = &["act", "when", "by", "action", "target", "state", "done", "left"];

pub(super) async fn run(connection: &Connection, format: Format, audit: Audit) -> Result<Exit> {
    match audit {
        Audit::List { limit } => {
            let acts = connection.admin().await?.acts(None, limit).await?;
            Ok(write(&acts, format))
        }
        Audit::Show { id } => {
            let Some(act) = connection.admin().await?.act(id).await? else {
                anstream::eprintln!("there is no act {id}");
                return Ok(Exit::Nothing);
            };
            let exit = write(std::slice::from_ref(&act), format);
            if !format.json {
                for (job, why) in &act.left {
                    anstream::eprintln!("  {job}: {why}");
                }
            }
            Ok(exit)
        }
        Audit::Stop { id } => {
            let stopped = connection.acting(&format!("end the act {id}")).await?.stop(id).await?;
            anstream::eprintln!("{}", if stopped { "it ends" } else { "it does not go on" });
            Ok(if stopped { Exit::Done } else { Exit::Nothing })
        }
        Audit::Resume { id } => match go_on(connection, id).await? {
            Some(touched) => Ok(act::report(&touched)),
            None => {
                anstream::eprintln!("there is no act {id}");
                Ok(Exit::Nothing)
            }
        },
    }
}

async fn go_on(connection: &Connection, id: Uuid) -> Result<Option<Touched>> {
    let admin = connection.acting(&format!("go on with the act {id}")).await?;
    Ok(admin.go_on(id).await?)
}

fn write(acts: &[ActRecord], format: Format) -> Exit {
    let mut list = List::new(COLUMNS);
    for act in acts {
        list.push([
            Cell::text(act.id.to_string()),
            Cell::Time(Some(act.created_at)),
            Cell::text(&act.actor),
            Cell::text(&act.action),
            Cell::text(&act.target),
            Cell::text(act.state.to_string()),
            Cell::number(act.done),
            Cell::number(act.left_alone),
        ]);
    }
    list.write(format, now(), "nothing was done yet");
    if list.is_empty() { Exit::Nothing } else { Exit::Done }
}
