//! Whether the tables are those of this release.

use super::{
    Doctor,
    finding::{Check, Finding, or_ok},
};
use crate::store::history::{History, PartState, read_history};

pub(super) async fn migrations(doctor: &Doctor<'_>) -> sqlx::Result<Vec<Finding>> {
    let schema = doctor.queue().store().schema();
    let history = doctor.ask(2, async |connection| read_history(schema, connection).await).await?;
    Ok(judge(&history))
}

fn judge(history: &History) -> Vec<Finding> {
    const CHECK: Check = Check::Migrations;
    let mut findings = Vec::new();
    let (mut applied, mut newest) = (0, String::new());
    for (part, state) in &history.parts {
        match state {
            PartState::Current { release } => {
                applied += 1;
                newest.clone_from(release);
            }
            PartState::Missing => {
                let why = "statements of this release need what it makes";
                let missing = Finding::wrong(CHECK, format!("the part `{part}` is missing"), why);
                findings.push(missing.command("simple-queue migrate"));
            }
            PartState::Older { release } => {
                let found = format!("the part `{part}` is that of release {release}");
                let why = "this release replaces it with another text";
                findings.push(Finding::wrong(CHECK, found, why).command("simple-queue migrate"));
            }
            PartState::Newer { release } => {
                let found = format!("the part `{part}` is that of the newer release {release}");
                let why = "a newer release has migrated; this program is older than the tables";
                let advice = "use the program of the newer release";
                findings.push(Finding::warning(CHECK, found, why).advice(advice));
            }
            PartState::Other { release } => {
                let found = format!("the part `{part}` has another text, of release {release}");
                let why = "the tables were made by a program that is not this one, and nothing says what differs";
                findings
                    .push(Finding::wrong(CHECK, found, why).command("simple-queue schema diff"));
            }
        }
    }
    for (part, release) in &history.unknown {
        let found = format!("the part `{part}` of release {release} is not known to this program");
        let why = "a newer release has migrated; this program is older than the tables";
        let newer = Finding::warning(CHECK, found, why);
        findings.push(newer.advice("use the program of the newer release"));
    }
    or_ok(findings, CHECK, format!("all {applied} parts are applied, the last by release {newest}"))
}

#[cfg(test)]
mod tests {
    use super::{super::finding::Severity, *};

    #[test]
    fn each_state_of_a_part_is_told_apart() {
        let release = || "9.9.9".to_owned();
        for (state, severity) in [
            (PartState::Current { release: release() }, Severity::Ok),
            (PartState::Missing, Severity::Wrong),
            (PartState::Older { release: release() }, Severity::Wrong),
            (PartState::Newer { release: release() }, Severity::Warning),
            (PartState::Other { release: release() }, Severity::Wrong),
        ] {
            let history = History::of(vec![("functions", state)], Vec::new());
            assert_eq!(judge(&history)[0].severity, severity);
        }
        let history = History::of(Vec::new(), vec![("0009_more".to_owned(), release())]);
        assert!(judge(&history)[0].found.contains("`0009_more` of release 9.9.9"));
    }
}
