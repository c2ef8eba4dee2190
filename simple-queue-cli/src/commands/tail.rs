//! Follows the jobs that match a filter.

use std::{
    collections::{HashSet, VecDeque},
    time::Duration,
};

use anyhow::Result;
use simple_queue::{Admin, JobFilter, JobRow, JobStatus};
use uuid::Uuid;

use super::{jobs, now};
use crate::{args::Format, exit::Exit, output::List};

/// 500 jobs of a page.
const PAGE: usize = 500;

/// 4 pages of a look. What they do not reach is not told.
const PAGES: usize = 4;

/// 100,000 jobs that are remembered as told.
const REMEMBERED: usize = 100_000;

/// Tells the last jobs that match, and then those that come to match, until the program is stopped.
pub(super) async fn run(
    admin: &Admin,
    format: Format,
    filter: &JobFilter,
    last: usize,
    every: Duration,
) -> Result<Exit> {
    let mut told = Told::default();
    let first = look(admin, filter, &told).await?;
    told.extend(&first);
    write(&first[first.len().saturating_sub(last)..], format);
    loop {
        tokio::time::sleep(every).await;
        let new = look(admin, filter, &told).await?;
        told.extend(&new);
        write(&new, format);
    }
}

/// The jobs that match and were not told yet, the oldest first. All pages are looked at: those that wait in a queue come
/// in the order in which they are due.
async fn look(admin: &Admin, filter: &JobFilter, told: &Told) -> Result<Vec<JobRow>> {
    let (mut new, mut next) = (Vec::new(), None);
    for _ in 0..PAGES {
        let mut find = admin.find(filter).limit(PAGE);
        if let Some(cursor) = next {
            find = find.after(cursor);
        }
        let page = find.await?;
        new.extend(page.jobs.into_iter().filter(|job| !told.has(job)));
        next = page.next;
        if next.is_none() {
            break;
        }
    }
    new.reverse();
    Ok(new)
}

fn write(jobs: &[JobRow], format: Format) {
    let mut list = List::new(jobs::columns(false));
    for job in jobs {
        list.push(jobs::row(job, false));
    }
    list.write_rows(format, now());
}

/// The jobs that were told, each in a status.
#[derive(Debug, Default)]
struct Told {
    all: HashSet<(Uuid, JobStatus)>,
    in_order: VecDeque<(Uuid, JobStatus)>,
}

impl Told {
    fn has(&self, job: &JobRow) -> bool {
        self.all.contains(&(job.id, job.status))
    }

    fn extend(&mut self, jobs: &[JobRow]) {
        for job in jobs {
            let it = (job.id, job.status);
            if self.all.insert(it) {
                self.in_order.push_back(it);
            }
        }
        while self.in_order.len() > REMEMBERED
            && let Some(oldest) = self.in_order.pop_front()
        {
            self.all.remove(&oldest);
        }
    }
}
