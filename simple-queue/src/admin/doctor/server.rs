//! The server: its version, notifications, connections, clock, and what is between it and this process.

use std::time::Duration;

use super::{
    Doctor,
    finding::{Check, Finding, or_ok, seconds, span},
};
use crate::store::{ConnectionsLook, NotificationsLook, ServerLook, repair};

/// 15, the oldest version of the server that the library supports.
const OLDEST_VERSION: i32 = 150_000;

pub(super) async fn server(doctor: &Doctor<'_>) -> sqlx::Result<Vec<Finding>> {
    let store = doctor.queue().store();
    let look = doctor.ask(1, async |connection| store.look_at_server(connection).await).await?;
    Ok(judge_server(&look))
}

fn judge_server(look: &ServerLook) -> Vec<Finding> {
    const CHECK: Check = Check::Server;
    let ServerLook { release, version, encoding, role, database, .. } = look;
    let mut findings = Vec::new();
    if *version < OLDEST_VERSION {
        let why = "statements of the library need version 15";
        let old = Finding::wrong(CHECK, format!("the server is PostgreSQL {release}"), why);
        findings.push(old.advice("upgrade the server"));
    }
    if encoding != "UTF8" {
        let why = "payloads and keys are texts in UTF-8";
        let other =
            Finding::wrong(CHECK, format!("the encoding of `{database}` is {encoding}"), why);
        findings.push(other.advice("make another database, with `encoding 'UTF8'`"));
    }
    if look.is_standby {
        let why = "nothing can be enqueued, started or finished here";
        let standby = Finding::wrong(CHECK, "the server is a standby", why);
        findings.push(standby.advice("connect to the primary"));
    } else if look.is_read_only {
        let why = "nothing can be enqueued, started or finished by a session that may only read";
        let found = "sessions of this role begin read-only";
        findings.push(Finding::wrong(CHECK, found, why).sql(repair::writable(database)));
    }
    if look.uses_schema == Some(false) {
        let found = format!("the role `{role}` may not use the schema");
        let remedy = "connect as another role, or grant what `migrations/grants` has";
        findings.push(Finding::not_allowed(CHECK, found).advice(remedy));
    }
    let may = match (look.sees, look.acts) {
        (_, Some(true)) => "may look and act",
        (Some(true), _) => "may look",
        _ => "may not look at jobs",
    };
    or_ok(findings, CHECK, format!("PostgreSQL {release}, writable; the role `{role}` {may}"))
}

pub(super) async fn notifications(doctor: &Doctor<'_>) -> sqlx::Result<Vec<Finding>> {
    let store = doctor.queue().store();
    let look =
        doctor.ask(1, async |connection| store.look_at_notifications(connection).await).await?;
    Ok(judge_notifications(&look))
}

fn judge_notifications(look: &NotificationsLook) -> Vec<Finding> {
    const CHECK: Check = Check::Notifications;
    let used = format!("{:.1} % of the queue of notifications is used", look.used * 100.0);
    if look.used <= 0.1 {
        return vec![Finding::ok(CHECK, used)];
    }
    let why = "when it is full, no transaction that notifies can commit: an enqueue fails while a worker sleeps";
    let finding = |found| Finding::bad(CHECK, look.used > 0.5, found, why);
    vec![match &look.idle {
        Some((pid, role, for_seconds)) => {
            let since = span(seconds(*for_seconds));
            let found = format!(
                "{used}; the session {pid} of {role} has been idle in a transaction for {since}"
            );
            finding(found).sql(repair::end_session(&pid.to_string()))
        }
        None => finding(used).advice("look for a session that listens and is in a transaction"),
    }]
}

pub(super) async fn connections(doctor: &Doctor<'_>) -> sqlx::Result<Vec<Finding>> {
    let store = doctor.queue().store();
    let look =
        doctor.ask(1, async |connection| store.look_at_connections(connection).await).await?;
    Ok(judge_connections(look))
}

fn judge_connections(look: ConnectionsLook) -> Vec<Finding> {
    /// 6 connections of a worker beside its pool.
    const OF_A_WORKER: i64 = 6;
    const CHECK: Check = Check::Connections;
    let ConnectionsLook { used, there_are, workers } = look;
    let found = format!(
        "{used} of {there_are} connections are used; {workers} workers need {} beside their pools",
        workers * OF_A_WORKER
    );
    if used * 10 <= there_are * 8 {
        return vec![Finding::ok(CHECK, found)];
    }
    let why = "a worker that gets no connection for its heartbeats is taken for dead, and its jobs run twice";
    let advice =
        "raise max_connections, make pools smaller, or put a pooler before the application";
    vec![Finding::bad(CHECK, used * 20 > there_are * 19, found, why).advice(advice)]
}

pub(super) async fn pooler(doctor: &Doctor<'_>) -> sqlx::Result<Vec<Finding>> {
    const CHECK: Check = Check::Pooler;
    let servers = doctor.queue().servers();
    let session = servers.session().await?;
    Ok(vec![match (session, servers.pooled().get()) {
        (Some(_), false) => Finding::ok(CHECK, "sessions are this process's own"),
        (Some(_), true) => {
            Finding::ok(CHECK, "a pooler lends sessions, and the direct URL is known")
        }
        (None, _) => {
            let found = "a pooler lends sessions for a transaction at a time";
            let why = "nothing can listen through it: jobs are found by polling, and migrations need a session";
            let advice =
                "give workers the URL of the server too: `SimpleQueue::builder(…).direct_url(…)`";
            Finding::warning(CHECK, found, why).advice(advice)
        }
    }])
}

pub(super) async fn clock(doctor: &Doctor<'_>) -> sqlx::Result<Vec<Finding>> {
    let store = doctor.queue().store();
    let (before, there, after) = doctor
        .ask(1, async |connection| {
            let before = now();
            let there = store.look_at_clock(connection).await?.timestamp_micros();
            Ok((before, there, now()))
        })
        .await?;
    Ok(judge_clock(before, there, after))
}

#[expect(clippy::disallowed_methods, reason = "it is compared with the clock of the database")]
fn now() -> i64 {
    chrono::Utc::now().timestamp_micros()
}

/// The server's time was read between the two others; all are microseconds.
fn judge_clock(before: i64, there: i64, after: i64) -> Vec<Finding> {
    /// 2 s: more than a slow answer explains.
    const MOST: Duration = Duration::from_secs(2);
    let here = before + (after - before) / 2;
    let apart = Duration::from_micros(here.abs_diff(there));
    let way = if here < there { "behind" } else { "ahead of" };
    let found =
        format!("the clock of this machine is {} ms {way} the database's", apart.as_millis());
    if apart <= MOST {
        return vec![Finding::ok(Check::Clock, found)];
    }
    let why = "the queue goes by the database's clock, so no job is late for it; times that this machine makes are off";
    vec![Finding::warning(Check::Clock, found, why).advice("set the clock of this machine by NTP")]
}

#[cfg(test)]
mod tests {
    use super::{super::finding::Severity, *};

    fn good() -> ServerLook {
        ServerLook {
            release: "15.3".to_owned(),
            version: 150_003,
            encoding: "UTF8".to_owned(),
            is_standby: false,
            is_read_only: false,
            role: "ann".to_owned(),
            database: "app".to_owned(),
            uses_schema: Some(true),
            sees: Some(true),
            acts: Some(true),
        }
    }

    #[test]
    fn a_server_that_the_queue_cannot_use_is_wrong() {
        assert_eq!(judge_server(&good())[0].severity, Severity::Ok);
        for (look, word) in [
            (ServerLook { version: 140_009, ..good() }, "PostgreSQL"),
            (ServerLook { encoding: "LATIN1".to_owned(), ..good() }, "LATIN1"),
            (ServerLook { is_standby: true, ..good() }, "standby"),
            (ServerLook { is_read_only: true, ..good() }, "read-only"),
        ] {
            let found = judge_server(&look).remove(0);
            assert!(found.severity == Severity::Wrong && found.found.contains(word), "{found:?}");
        }
        let stranger = ServerLook { uses_schema: Some(false), ..good() };
        assert_eq!(judge_server(&stranger)[0].severity, Severity::NotAllowed);
    }

    #[test]
    fn a_full_queue_of_notifications_names_who_keeps_it() {
        let look = |used| NotificationsLook { used, idle: Some((7, "app".to_owned(), 90.0)) };
        assert_eq!(judge_notifications(&look(0.1))[0].severity, Severity::Ok);
        let found = judge_notifications(&look(0.2)).remove(0);
        assert_eq!(found.severity, Severity::Warning);
        assert_eq!(found.remedy.unwrap().to_string(), "select pg_terminate_backend(7);");
        assert_eq!(judge_notifications(&look(0.6))[0].severity, Severity::Wrong);
    }

    #[test]
    fn connections_are_counted_beside_those_there_are() {
        let severity = |used| {
            judge_connections(ConnectionsLook { used, there_are: 100, workers: 2 })[0].severity
        };
        assert_eq!(severity(80), Severity::Ok);
        assert_eq!(severity(81), Severity::Warning);
        assert_eq!(severity(96), Severity::Wrong);
    }

    #[test]
    fn a_clock_may_be_off_by_two_seconds_and_by_the_time_of_an_answer() {
        let severity = |before, there, after| judge_clock(before, there, after)[0].severity;
        assert_eq!(severity(0, 2_000_000, 0), Severity::Ok);
        assert_eq!(severity(0, 2_500_000, 5_000_000), Severity::Ok);
        assert_eq!(severity(0, 2_000_001, 0), Severity::Warning);
        assert!(judge_clock(9_000_000, 0, 9_000_000)[0].found.contains("9000 ms ahead"));
    }
}
