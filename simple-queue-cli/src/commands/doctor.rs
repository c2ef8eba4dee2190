//! What is wrong with the queue, and what to type.

use anstyle::Style;
use anyhow::Result;
use simple_queue::{Check, Finding, Remedy, Severity};

use crate::{
    args::{Connection, Doctor, Format},
    exit::Exit,
    output::{BAD, GOOD, HEAD, HINT, NOTABLE, line, shown},
};

pub(super) async fn run(connection: &Connection, format: Format, asked: &Doctor) -> Result<Exit> {
    let admin = connection.admin().await?;
    let findings = admin.doctor().patience(asked.patience).await?;
    Ok(write(&findings, format, asked.strict))
}

/// What differs from the tables of this release.
pub(super) async fn diff(connection: &Connection, format: Format) -> Result<Exit> {
    let findings = connection.admin().await?.doctor().only(Check::Drift).await?;
    Ok(write(&findings, format, true))
}

fn write(findings: &[Finding], format: Format, strict: bool) -> Exit {
    for finding in findings {
        if format.json {
            line(&serde_json::to_string(finding).expect("texts are always JSON"));
        } else {
            for text in lines(finding) {
                line(&text);
            }
        }
    }
    let worst = if strict { Severity::Warning } else { Severity::Wrong };
    let is_bad = findings.iter().any(|finding| finding.severity >= worst);
    if is_bad { Exit::Wrong } else { Exit::Done }
}

/// A finding: what was found, why that matters, and what to type, as it can be copied.
fn lines(finding: &Finding) -> Vec<String> {
    let (mark, style) = mark(finding.severity);
    let check = finding.check.as_str().replace('_', " ");
    let mut lines = vec![format!("{style}{mark} {check:<13}{style:#} {}", shown(&finding.found))];
    if let Some(why) = &finding.why {
        lines.push(format!("    {HEAD}{}{HEAD:#}", shown(why)));
    }
    if let Some(remedy) = &finding.remedy {
        let (begin, text) = match remedy {
            Remedy::Command(text) => ("$ ", text.clone()),
            sql => ("", sql.to_string()),
        };
        // Statements keep their lines.
        let texts = text.lines().map(|text| format!("    {HINT}{begin}{}{HINT:#}", shown(text)));
        lines.extend(texts);
    }
    lines
}

const fn mark(severity: Severity) -> (&'static str, Style) {
    match severity {
        Severity::Ok => ("✓", GOOD),
        Severity::Wrong => ("✗", BAD),
        Severity::NotAllowed => ("?", HEAD),
        _ => ("!", NOTABLE),
    }
}
