//! Lists and counts jobs, and enqueues one.

use anyhow::Result;
use serde_json::{Map, Value};
use simple_queue::{Admin, FilterError, Inserted, JobFilter, JobRow};
use uuid::Uuid;

use super::{act, job, now};
use crate::{
    args::{Connection, Format, Jobs, Selection},
    exit::{Exit, Mistake},
    output::{Cell, List, line},
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
        Jobs::RunAgain { id } => Ok(inserted(connection.acting().await?.run_again(id).await?)),
        Jobs::New { kind, queue, arg, args, at, priority } => {
            let args = arguments(args.as_deref(), &arg)?;
            let admin = connection.acting().await?;
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

/// The payload of a new job: an object of single arguments, or as a whole.
fn arguments(whole: Option<&str>, single: &[String]) -> Result<Value, Mistake> {
    if let Some(whole) = whole {
        return serde_json::from_str(whole).map_err(|problem| {
            Mistake::new(
                format!("`{whole}` is no JSON: {problem}"),
                "write the arguments as an object, as in --args '{\"user_id\": 42}'",
            )
        });
    }
    let arguments = single.iter().map(|argument| match argument.split_once('=') {
        Some((name, value)) => {
            let text = || Value::String(value.to_owned());
            Ok((name.to_owned(), serde_json::from_str(value).unwrap_or_else(|_| text())))
        }
        None => {
            let problem = format!("`{argument}` has no value");
            Err(Mistake::new(problem, "write it as in `--arg user_id=42`"))
        }
    });
    let arguments: Map<String, Value> = arguments.collect::<Result<_, _>>()?;
    Ok(if arguments.is_empty() { Value::Null } else { arguments.into() })
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

const fn columns(contents: bool) -> &'static [&'static str] {
    const ALL: &[&str] = &[
        "id", "status", "queue", "kind", "attempt", "due", "created", "ended", "payload", "error",
    ];
    if contents { ALL } else { ALL.split_at(8).0 }
}

fn row(job: &JobRow, contents: bool) -> Vec<Cell> {
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
