//! Lists and counts jobs, and enqueues one.

use std::collections::BTreeMap;

use anyhow::Result;
use serde_json::value::{RawValue, to_raw_value};
use simple_queue::{Admin, FilterError, Inserted, JobFilter, JobRow};
use uuid::Uuid;

use super::{act, edit, job, now, tail};
use crate::{
    args::{Connection, Format, Jobs, Selection},
    exit::{Exit, Mistake},
    output::{Cell, List, line, shown},
};

pub(super) async fn run(connection: &Connection, format: Format, jobs: Jobs) -> Result<Exit> {
    match jobs {
        Jobs::List { selection, limit, contents } => {
            list(&connection.admin().await?, format, &selection.filter()?, limit, contents).await
        }
        Jobs::Count { selection } => {
            let count = connection.admin().await?.count(&selection.filter()?).await?;
            line(&count.to_string());
            Ok(if count.counted() == 0 { Exit::Nothing } else { Exit::Done })
        }
        Jobs::Show { id } => job::show(&connection.admin().await?, format, id).await,
        Jobs::Retry(acting) => act::run(connection, acting, act::Verb::Retry).await,
        Jobs::Cancel(acting) => act::run(connection, acting, act::Verb::Cancel).await,
        Jobs::Delete(acting) => act::run(connection, acting, act::Verb::Delete).await,
        Jobs::RunNow(acting) => act::run(connection, acting, act::Verb::RunNow).await,
        Jobs::Move { to, acting } => act::run(connection, acting, act::Verb::MoveTo(to)).await,
        Jobs::Priority { to, acting } => {
            act::run(connection, acting, act::Verb::SetPriority(to)).await
        }
        Jobs::RunAgain { id } => {
            let admin = connection.acting(&format!("run the job {id} once more")).await?;
            Ok(inserted(admin.run_again(id).await?))
        }
        Jobs::Edit { id, change } => edit::run(connection, id, change).await,
        Jobs::Tail { selection, last, every } => {
            tail::run(&connection.admin().await?, format, &selection.filter()?, last, every).await
        }
        Jobs::New { kind, queue, arg, args, at, priority } => {
            let args = arguments(args.as_deref(), &arg)?;
            let words = format!("enqueue a job of `{}`", shown(&kind));
            let admin = connection.acting(&words).await?;
            let mut job = admin.enqueue_raw(kind, args);
            if let Some(queue) = queue {
                job = job.queue(queue);
            }
            if let Some(at) = at {
                job = job.at(at);
            }
            if let Some(priority) = priority {
                job = job.priority(priority);
            }
            Ok(inserted(job.await?))
        }
    }
}

/// The payload of a new job: as a whole, or an object of single arguments.
fn arguments(whole: Option<&str>, single: &[String]) -> Result<Box<RawValue>> {
    if let Some(whole) = whole {
        return parse_args(whole);
    }
    if single.is_empty() {
        return parse_args("null");
    }
    let mut arguments = BTreeMap::new();
    for argument in single {
        let Some((name, value)) = argument.split_once('=') else {
            let problem = format!("`{}` has no value", shown(argument));
            return Err(Mistake::new(problem, "write it as in `--arg user_id=42`").into());
        };
        // What is no JSON is a text.
        let value = match serde_json::from_str::<Box<RawValue>>(value) {
            Ok(json) => json,
            Err(_) => to_raw_value(value)?,
        };
        arguments.insert(name, value);
    }
    Ok(to_raw_value(&arguments)?)
}

/// Arguments as they were typed, with their numbers as they stand there.
pub(super) fn parse_args(args: &str) -> Result<Box<RawValue>> {
    serde_json::from_str(args).map_err(|problem| {
        let problem = format!("`{}` is no JSON: {problem}", shown(args));
        let hint = "write the arguments as an object, as in --args '{\"user_id\": 42}'";
        Mistake::new(problem, hint).into()
    })
}

fn inserted(inserted: Inserted) -> Exit {
    match inserted {
        Inserted::Done(id) => {
            line(&id.to_string());
            Exit::Done
        }
        Inserted::Left(why) => {
            anstream::eprintln!("not enqueued: {why}");
            Exit::Nothing
        }
    }
}

impl Selection {
    /// The filter that was typed.
    pub(super) fn filter(&self) -> Result<JobFilter> {
        let terms: Vec<String> = self
            .terms
            .iter()
            .map(|term| match term.parse::<Uuid>() {
                Ok(id) => format!("id:{id}"),
                Err(_) => term.clone(),
            })
            .collect();
        let text = terms.join(" ");
        text.parse().map_err(|error: FilterError| {
            let pointer = format!("{}^", " ".repeat(error.text[..error.at].chars().count()));
            let problem = format!("{}\n  {}\n  {pointer}", error.problem, error.text);
            Mistake::new(problem, "`simple-queue jobs list --help` has the terms of a filter")
                .into()
        })
    }
}

async fn list(
    admin: &Admin,
    format: Format,
    filter: &JobFilter,
    limit: usize,
    contents: bool,
) -> Result<Exit> {
    let (mut jobs, mut next) = (Vec::new(), None);
    loop {
        let mut find = admin.find(filter).limit(limit - jobs.len());
        if let Some(cursor) = next {
            find = find.after(cursor);
        }
        let page = if contents { find.with_contents() } else { find }.await?;
        jobs.extend(page.jobs);
        next = page.next;
        if next.is_none() || jobs.len() >= limit {
            break;
        }
    }
    let mut list = List::new(columns(contents));
    for job in &jobs {
        list.push(row(job, contents));
    }
    list.write(format, now(), "no job matches");
    if next.is_some() {
        anstream::eprintln!("there may be more; `--limit` shows more of them");
    }
    Ok(if list.is_empty() { Exit::Nothing } else { Exit::Done })
}

pub(super) const fn columns(contents: bool) -> &'static [&'static str] {
    const ALL: &[&str] = &[
        "id", "status", "queue", "kind", "attempt", "due", "created", "ended", "payload", "error",
    ];
    if contents { ALL } else { ALL.split_at(8).0 }
}

pub(super) fn row(job: &JobRow, contents: bool) -> Vec<Cell> {
    let attempts = match job.max_attempts {
        Some(most) => format!("{}/{most}", job.attempt),
        None => job.attempt.to_string(),
    };
    let mut cells = vec![
        Cell::text(job.id.to_string()),
        Cell::Status(job.status),
        Cell::text(&job.queue),
        Cell::text(&job.kind),
        Cell::Count(attempts),
        Cell::Time(job.run_at),
        Cell::Time(Some(job.created_at)),
        Cell::Time(job.finished_at),
    ];
    if contents {
        let inside = job.contents.as_ref();
        let payload = inside.and_then(|inside| inside.payload.clone());
        let error = inside.and_then(|inside| {
            let last = inside.errors.last().map(|failed| failed.error.clone());
            last.or_else(|| inside.reason.clone())
        });
        cells.extend([payload, error].map(|text| Cell::text(text.unwrap_or_default())));
    }
    cells
}
