//! Returns the jobs of a dead process in parts, where the database refuses to return them together.

use crate::{
    database::{
        Dedicated,
        failure::{described, is_about_a_row},
    },
    store::{Aside, Division, Name, Reaped, Store, Stuck, log_set_aside},
    telemetry,
};

/// Returns these jobs in halves. Each part is a transaction of its own, which checks again that the process is dead. A
/// job that cannot be returned alone becomes a dead letter with the database's error; one that cannot be moved either
/// is added to `stuck`, whose jobs are left out.
pub(crate) async fn return_apart(
    connection: &mut Dedicated,
    store: &Store,
    name: Name<'_>,
    max_crash_count: i32,
    refusal: &sqlx::Error,
    stuck: &mut Stuck,
) -> sqlx::Result<Reaped> {
    let mut orphans =
        connection.ask(async |connection| store.list_orphans(connection, name).await).await?;
    orphans.retain(|orphan| !stuck.ids().contains(&orphan.id));
    telemetry::upkeep::return_refused(orphans.len(), &described(refusal));
    let (mut division, mut all) = (Division::of_refused(orphans), Reaped::default());
    while let Some(part) = division.next() {
        let returned = connection
            .ask_in_transaction(async |connection| {
                store.return_listed_jobs(connection, &part, name, max_crash_count).await
            })
            .await;
        match returned {
            Ok(Some(reaped)) => all += reaped,
            // The process is alive after all.
            Ok(None) => break,
            Err(error) if is_about_a_row(&error) => {
                let Some(orphan) = division.refused(part) else { continue };
                let why = ("it could not be returned", &error);
                let aside = connection
                    .ask_in_transaction(async |connection| {
                        store.set_aside_orphan(connection, orphan, name, why).await
                    })
                    .await;
                match log_set_aside(orphan.id, why, aside)? {
                    Aside::Moved => all.dead_lettered += 1,
                    Aside::Gone => {}
                    Aside::Stuck => stuck.add(orphan.id),
                }
            }
            Err(error) => return Err(error),
        }
    }
    Ok(all)
}
