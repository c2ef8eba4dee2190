//! Settings of the server and of the roles.

use std::time::Duration;

use super::{
    Doctor,
    finding::{Check, Finding, or_ok},
};
use crate::{
    row::Count,
    store::{SettingLook, repair},
};

/// 2,000,000,000 transactions: with so many since a row was frozen, the server stops.
const LAST_AGE: i64 = 2_000_000_000;

pub(super) async fn settings(doctor: &Doctor<'_>) -> sqlx::Result<Vec<Finding>> {
    let store = doctor.queue().store();
    let settings =
        doctor.ask(1, async |connection| store.look_at_settings(connection).await).await?;
    Ok(judge(&settings, doctor.queue().servers().statement_timeout()))
}

fn judge(settings: &[SettingLook], statement_timeout: Duration) -> Vec<Finding> {
    const CHECK: Check = Check::Settings;
    let mut findings = Vec::new();
    for (name, is_wrong, why) in [
        ("fsync", true, "a crash of the server may destroy the database"),
        ("full_page_writes", true, "a crash of the server may destroy the database"),
        ("autovacuum", true, "dead rows are never removed, so fetches become slower and slower"),
        ("track_counts", true, "autovacuum does not work without it"),
        (
            "synchronous_commit",
            false,
            "a crash of the server may forget what was committed in its last moments: jobs run twice",
        ),
    ] {
        let off = settings.iter().find(|it| it.name == name && it.value == "off");
        if let Some(setting) = off {
            let off = Finding::bad(CHECK, is_wrong, format!("`{name}` is off"), why);
            findings.push(turned_on(off, setting));
        }
    }
    findings.extend(timeouts(settings, statement_timeout));
    let age = settings.iter().find(|it| it.name == "age").and_then(|it| it.value.parse().ok());
    findings.extend(age.and_then(wraparound));
    let age = Count::Exact(age.map_or(0, |age| u64::try_from(age).unwrap_or(0)));
    or_ok(findings, CHECK, format!("as they should be; the oldest row is {age} transactions old"))
}

/// With what turns a setting on where it was turned off.
fn turned_on(
    off: Finding,
    SettingLook { name, source, role, database, .. }: &SettingLook,
) -> Finding {
    if role.is_some() || database.is_some() {
        return off.sql(repair::reset_setting(role.as_deref(), database.as_deref(), name));
    }
    match source.as_deref() {
        // It goes before what a statement writes.
        Some("command line") => off.advice(format!("start the server without `-c {name}=off`")),
        Some("client") => off.advice(format!("connect without the option `{name}`")),
        _ => off.sql(repair::set_for_all(name, "on")),
    }
}

fn wraparound(age: i64) -> Option<Finding> {
    if age < LAST_AGE / 2 {
        return None;
    }
    let transactions = Count::Exact(u64::try_from(age).unwrap_or(0));
    let found = format!("the oldest row of the database is {transactions} transactions old");
    let why = "at two thousand million the server refuses every write, until all tables are frozen";
    let old = Finding::bad(Check::Settings, age > LAST_AGE * 4 / 5, found, why);
    Some(old.sql(repair::freeze()))
}

/// Time-outs that end what the library lets run.
///
/// A setting of a role is named once, not again as that of the present session.
fn timeouts(settings: &[SettingLook], statement_timeout: Duration) -> Vec<Finding> {
    let mut findings = Vec::new();
    let too_short = |it: &&SettingLook| {
        let least = match it.name.as_str() {
            "statement_timeout" | "transaction_timeout" => statement_timeout,
            "idle_in_transaction_session_timeout" => Duration::from_secs(10),
            "lock_timeout" => Duration::from_millis(100),
            _ => return false,
        };
        // Zero is no limit.
        parse(&it.value).is_some_and(|limit| !limit.is_zero() && limit < least)
    };
    for it in settings.iter().filter(too_short) {
        let SettingLook { name, value, role, database, .. } = it;
        let of_role = role.is_some() || database.is_some();
        let is_named = |other: &SettingLook| {
            other.name == *name && (other.role.is_some() || other.database.is_some())
        };
        if !of_role && settings.iter().any(is_named) {
            continue;
        }
        let whose = match (role, database) {
            (Some(role), _) => format!(" of the role `{role}`"),
            (None, Some(database)) => format!(" of the database `{database}`"),
            (None, None) => " of sessions like this one".to_owned(),
        };
        let found = format!("`{name}`{whose} is {value}");
        let why = "the library's own sessions set theirs; but in your transactions, in which jobs are enqueued and \
            finished, statements are ended that only wait for a moment";
        let short = Finding::warning(Check::Settings, found, why);
        let reset = repair::reset_setting(role.as_deref(), database.as_deref(), name);
        findings.push(short.sql(reset));
    }
    findings
}

/// A time as the server's settings have it: a number, of milliseconds unless a unit stands behind it.
fn parse(value: &str) -> Option<Duration> {
    let end = value.find(|c: char| !c.is_ascii_digit()).unwrap_or(value.len());
    let number: u64 = value[..end].parse().ok()?;
    let milliseconds = match value[end..].trim() {
        "" | "ms" => 1,
        "s" => 1000,
        "min" => 60_000,
        "h" => 3_600_000,
        "d" => 86_400_000,
        _ => return None,
    };
    number.checked_mul(milliseconds).map(Duration::from_millis)
}

#[cfg(test)]
mod tests {
    use super::{super::finding::Severity, *};

    const TIMEOUT: Duration = Duration::from_secs(10);

    fn setting(name: &str, value: &str, role: Option<&str>) -> SettingLook {
        let role = role.map(str::to_owned);
        let (name, value) = (name.to_owned(), value.to_owned());
        SettingLook { name, value, source: None, role, database: None }
    }

    #[test]
    fn what_is_off_is_found_with_what_turns_it_on() {
        for (name, severity) in
            [("fsync", Severity::Wrong), ("synchronous_commit", Severity::Warning)]
        {
            let found = judge(&[setting(name, "off", None)], TIMEOUT).remove(0);
            assert_eq!(found.severity, severity);
            assert!(found.remedy.unwrap().to_string().starts_with("alter system set"));
            assert_eq!(judge(&[setting(name, "on", None)], TIMEOUT)[0].severity, Severity::Ok);
        }
    }

    #[test]
    fn a_setting_is_turned_on_where_it_was_turned_off() {
        let remedy = |source: Option<&str>, role: Option<&str>| {
            let source = source.map(str::to_owned);
            let off = SettingLook { source, ..setting("fsync", "off", role) };
            judge(&[off], TIMEOUT).remove(0).remedy.unwrap().to_string()
        };
        assert!(remedy(Some("command line"), None).contains("without `-c fsync=off`"));
        assert!(remedy(Some("client"), None).contains("without the option"));
        assert_eq!(remedy(Some("user"), Some("w")), "alter role \"w\" reset fsync;");
        assert!(remedy(Some("configuration file"), None).starts_with("alter system set fsync"));
    }

    #[test]
    fn a_short_time_out_of_a_role_is_found_once() {
        let settings = [
            setting("statement_timeout", "1000", None),
            setting("statement_timeout", "1s", Some("w")),
        ];
        let found = judge(&settings, TIMEOUT);
        assert_eq!(found.len(), 1);
        let remedy = found[0].remedy.as_ref().unwrap().to_string();
        assert_eq!(remedy, "alter role \"w\" reset statement_timeout;");
        for fine in ["0", "10s", "1min", "3h", "11000", "1d"] {
            let of_role = [setting("statement_timeout", fine, Some("w"))];
            assert_eq!(judge(&of_role, TIMEOUT)[0].severity, Severity::Ok, "{fine}");
        }
    }

    #[test]
    fn rows_that_are_old_are_found_before_the_server_stops() {
        let severity = |age: &str| judge(&[setting("age", age, None)], TIMEOUT)[0].severity;
        assert_eq!(severity("200000000"), Severity::Ok);
        assert_eq!(severity("1000000000"), Severity::Warning);
        assert_eq!(severity("1700000000"), Severity::Wrong);
    }
}
