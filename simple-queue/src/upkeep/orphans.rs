//! Returns the jobs of a dead process in parts, where the database refuses to return them together.

use crate::{
    database::{
        Dedicated,
        failure::{described, is_about_a_row},
    },
    store::{Division, Name, Reaped, Store, log_set_aside},
    telemetry,
};

/// Returns these jobs in halves. Each part is a transaction of its own, which checks again that the process is dead. A
/// job that cannot be returned alone becomes a dead letter with the database's error.
pub(crate) async fn return_apart(
    connection: &mut Dedicated,
    store: &Store,
    name: Name<'_>,
    max_crash_count: i32,
    refusal: &sqlx::Error,
) -> sqlx::Result<Reaped> {
    let orphans =
        connection.ask(async |connection| store.list_orphans(connection, name).await).await?;
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
                all.dead_lettered += i64::from(log_set_aside(orphan.id, why, aside)?);
            }
            Err(error) => return Err(error),
        }
    }
    Ok(all)
}
