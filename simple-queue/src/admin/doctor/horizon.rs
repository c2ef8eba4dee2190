//! Who keeps dead rows from being removed.

use std::time::Duration;

use super::{
    Doctor,
    finding::{Check, Finding, or_ok, seconds, span},
};
use crate::{
    row::Count,
    store::{Holder, repair},
};

/// 1,000,000 transactions: with so many since a snapshot, every scan meets what it keeps.
const MOST_TRANSACTIONS: i64 = 1_000_000;

const WHY: &str =
    "no vacuum removes what ended since, so each fetch reads past more and more dead entries";

pub(super) async fn horizon(doctor: &Doctor<'_>) -> sqlx::Result<Vec<Finding>> {
    let store = doctor.queue().store();
    let holders =
        doctor.ask(1, async |connection| store.look_for_horizon(connection).await).await?;
    Ok(judge(&holders, doctor.patience, doctor.admin.sees_contents()))
}

fn judge(holders: &[Holder], patience: Duration, shows_statements: bool) -> Vec<Finding> {
    const CHECK: Check = Check::Horizon;
    let mut findings: Vec<Finding> =
        holders.iter().filter_map(|it| holder(it, patience, shows_statements)).collect();
    if let Some(Holder { hidden, me, .. }) = holders.first().filter(|it| it.hidden > 0) {
        let found = format!("{hidden} sessions of other roles are hidden from the role `{me}`");
        let grant = repair::grant_role("pg_read_all_stats", me);
        findings.push(Finding::not_allowed(CHECK, found).sql(grant));
    }
    let oldest = holders.iter().map(|it| it.transactions).max().unwrap_or(0);
    or_ok(
        findings,
        CHECK,
        format!("no old transaction; the oldest sees {oldest} transactions back"),
    )
}

/// What holds it for too long; `None`: this does not.
fn holder(it: &Holder, patience: Duration, shows_statements: bool) -> Option<Finding> {
    const CHECK: Check = Check::Horizon;
    let Holder { kind, name, transactions, .. } = it;
    let age = it.seconds.map(seconds);
    let is_far = *transactions > MOST_TRANSACTIONS;
    let is_old = is_far || age.is_some_and(|age| age > patience);
    let ago = age.map(|age| format!(" for {}", span(age))).unwrap_or_default();
    let transactions = Count::Exact(u64::try_from(*transactions).unwrap_or(0));
    let role = it.role.as_deref().unwrap_or_default();
    let finding = match kind.as_str() {
        "session" if is_old => {
            let statement = it.query.as_deref().filter(|_| shows_statements);
            let statement = statement.map(|it| format!(": {}", first_line(it))).unwrap_or_default();
            let state = it.state.as_deref().unwrap_or("in a transaction");
            let found = format!(
                "the session {name} of {role} has been in its transaction{ago} ({state}), {transactions} transactions \
                back{statement}"
            );
            Finding::wrong(CHECK, found, WHY).sql(repair::end_session(name))
        }
        "standby" if is_old => {
            let found = format!(
                "a query on the standby of session {name} ({role}) holds {transactions} transactions"
            );
            let advice = "end the query on the standby, or set hot_standby_feedback = off there";
            Finding::wrong(CHECK, found, WHY).advice(advice)
        }
        "prepared" if is_old => {
            let found =
                format!("the transaction `{name}` of {role} has been prepared{ago} and not ended");
            Finding::wrong(CHECK, found, WHY).sql(repair::roll_back_prepared(name))
        }
        "slot" if is_far => {
            let found =
                format!("the replication slot `{name}` is {transactions} transactions behind");
            Finding::wrong(CHECK, found, WHY).advice("look why its receiver does not follow")
        }
        "idle_slot" => {
            let found = format!(
                "no client reads the replication slot `{name}`, {transactions} transactions behind"
            );
            let why =
                "it keeps the log of the server, until the disk is full, and rows of catalogs";
            Finding::bad(CHECK, is_far, found, why).sql(repair::drop_slot(name))
        }
        _ => return None,
    };
    Some(finding)
}

/// 60 characters of a statement, in one line.
fn first_line(statement: &str) -> String {
    statement.split_whitespace().collect::<Vec<_>>().join(" ").chars().take(60).collect()
}

#[cfg(test)]
mod tests {
    use super::{super::finding::Severity, *};

    fn holder_of(kind: &str, seconds: Option<f64>, transactions: i64) -> Holder {
        Holder {
            kind: kind.to_owned(),
            name: "7".to_owned(),
            role: Some("app".to_owned()),
            state: None,
            query: Some("select\n secret".to_owned()),
            transactions,
            seconds,
            hidden: 0,
            me: "me".to_owned(),
        }
    }

    #[test]
    fn only_what_is_old_or_far_behind_is_found() {
        let patience = Duration::from_mins(5);
        for (kind, age, transactions, severity) in [
            ("session", Some(299.0), 1_000_000, Severity::Ok),
            ("session", Some(301.0), 5, Severity::Wrong),
            ("session", Some(1.0), 1_000_001, Severity::Wrong),
            ("prepared", Some(301.0), 5, Severity::Wrong),
            ("standby", Some(301.0), 5, Severity::Wrong),
            ("slot", None, 5, Severity::Ok),
            ("slot", None, 1_000_001, Severity::Wrong),
            ("idle_slot", None, 5, Severity::Warning),
            ("idle_slot", None, 1_000_001, Severity::Wrong),
        ] {
            let found = judge(&[holder_of(kind, age, transactions)], patience, true);
            assert_eq!(found[0].severity, severity, "{kind} {age:?} {transactions}");
        }
    }

    #[test]
    fn statements_are_shown_only_to_who_may_see_what_jobs_contain() {
        let holders = [holder_of("session", Some(400.0), 5)];
        let found = |shows| judge(&holders, Duration::ZERO, shows).remove(0).found;
        assert!(found(true).ends_with(": select secret") && !found(false).contains("secret"));
    }

    #[test]
    fn hidden_sessions_are_counted_and_the_right_is_named() {
        let hidden = Holder { hidden: 3, ..holder_of("none", None, 0) };
        let found = judge(&[hidden], Duration::ZERO, true).remove(0);
        assert_eq!(found.severity, Severity::NotAllowed);
        assert!(found.remedy.unwrap().to_string().contains("grant pg_read_all_stats to \"me\""));
    }
}
