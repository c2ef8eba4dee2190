//! Whether the tables are as this release makes them.

use super::{
    Doctor,
    finding::{Check, Finding, or_ok},
};
use crate::store::repair::Repair;

const WHY: &str = "the statements of the library rely on it";

pub(super) async fn drift(doctor: &Doctor<'_>) -> sqlx::Result<Vec<Finding>> {
    let store = doctor.queue().store();
    let described =
        doctor.ask(1, async |connection| store.describe_schema(connection).await).await?;
    let Some(described) = described else {
        let found = format!("there is no schema `{}`", store.schema().name());
        let missing = Finding::wrong(Check::Drift, found, WHY);
        return Ok(vec![missing.command("simple-queue migrate")]);
    };
    let differences = described.differences(Repair::of(store.schema())).into_iter();
    let findings = differences
        .map(|it| Finding::bad(Check::Drift, it.is_grave, it.what, WHY).sql(it.repair))
        .collect();
    Ok(or_ok(
        findings,
        Check::Drift,
        "tables, indexes and functions are as this release makes them",
    ))
}
