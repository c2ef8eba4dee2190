//! Databases that refuse bad rows, and workers on them.

use simple_queue::{SimpleQueue, WorkerHandle};

use super::{Probe, TestDatabase};

/// A database that refuses these changes of a bad job, as it refuses a value that it cannot compute with. A job is bad
/// if its metadata says so.
pub(crate) async fn refusing(changes: &[&str]) -> TestDatabase {
    let database = TestDatabase::migrated().await;
    database
        .execute(
            "create function public.refuse() returns trigger language plpgsql as $$ begin
                if new.metadata @> '{\"is\": \"bad\"}' then
                    raise exception 'out of range' using errcode = '22003';
                end if;
                return new;
            end $$",
        )
        .await;
    for change in changes {
        refuse(&database, change).await;
    }
    database
}

/// Calls the function `refuse` before such a change, for example `update on simple_queue.jobs`.
pub(crate) async fn refuse(database: &TestDatabase, change: &str) {
    let name = change.replace(|c: char| !c.is_alphabetic(), "_");
    database
        .execute(&format!(
            "create trigger {name} before {change} for each row execute function public.refuse()"
        ))
        .await;
}

/// Starts a worker that runs the jobs of the probe.
pub(crate) async fn starts(database: &TestDatabase) -> (SimpleQueue, WorkerHandle) {
    let queue = database.queue().await;
    queue.register_handler(Probe::new());
    let worker = queue.start().await;
    (queue, worker)
}
