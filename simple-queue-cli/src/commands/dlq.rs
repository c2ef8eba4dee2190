//! Dead letters: the commands of jobs, for those that are dead, and their groups by error.

use anyhow::Result;

use super::{act, jobs};
use crate::{
    args::{Acting, Connection, Dlq, Format, Jobs, Selection},
    exit::Exit,
};

pub(super) async fn run(connection: &Connection, format: Format, dlq: Dlq) -> Result<Exit> {
    let jobs = match dlq {
        Dlq::List { selection, limit } => {
            Jobs::List { selection: dead(selection), limit, contents: true }
        }
        Dlq::Retry(acting) => Jobs::Retry(those(acting)?),
        Dlq::Delete(acting) => Jobs::Delete(those(acting)?),
    };
    jobs::run(connection, format, jobs).await
}

/// Before a term is added, because that would mean all of them where no job is meant.
fn those(acting: Acting) -> Result<Acting> {
    act::some_are_meant(&acting)?;
    Ok(Acting { selection: dead(acting.selection), ..acting })
}

/// Those of the jobs that are dead.
fn dead(mut selection: Selection) -> Selection {
    selection.terms.insert(0, "state:dead".to_owned());
    selection
}
