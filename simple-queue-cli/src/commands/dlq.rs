//! Dead letters: the commands of jobs, for those that are dead, and their groups by error.

use anyhow::Result;

use super::{act, jobs, now};
use crate::{
    args::{Acting, Connection, Dlq, Format, Jobs, Selection},
    exit::Exit,
    output::{Cell, HINT, List, word},
};

pub(super) async fn run(connection: &Connection, format: Format, dlq: Dlq) -> Result<Exit> {
    let jobs = match dlq {
        Dlq::Groups { selection } => return groups(connection, format, selection).await,
        Dlq::List { selection, limit } => {
            Jobs::List { selection: dead(selection), limit, contents: true }
        }
        Dlq::Retry(acting) => Jobs::Retry(those(acting)?),
        Dlq::Delete(acting) => Jobs::Delete(those(acting)?),
    };
    jobs::run(connection, format, jobs).await
}

/// What failed alike, and how to run the largest group again.
async fn groups(connection: &Connection, format: Format, selection: Selection) -> Result<Exit> {
    const COLUMNS: &[&str] = &["jobs", "kind", "error", "first", "last", "last job"];
    let filter = dead(selection).filter()?;
    let found = connection.admin().await?.error_groups(&filter).await?;
    let mut list = List::new(COLUMNS);
    for group in &found.groups {
        list.push([
            Cell::number(group.count),
            Cell::text(&group.kind),
            Cell::text(&group.key),
            Cell::Time(Some(group.first_at)),
            Cell::Time(Some(group.last_at)),
            Cell::text(group.sample_id.to_string()),
        ]);
    }
    list.write(format, now(), "no dead letter matches");
    if !found.complete {
        let looked_at = found.looked_at;
        anstream::eprintln!(
            "only the last {looked_at} were looked at; `finished:..-1d` looks at others"
        );
    }
    let Some(largest) = found.groups.first() else { return Ok(Exit::Nothing) };
    let group = word(&largest.filter().to_string());
    anstream::eprintln!("run the first group again: {HINT}simple-queue jobs retry {group}{HINT:#}");
    Ok(Exit::Done)
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
