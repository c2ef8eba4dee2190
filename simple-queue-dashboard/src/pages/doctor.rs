//! What is wrong, and what repairs it.

use std::cmp::Reverse;

use maud::{Markup, html};
use serde_json::json;
use simple_queue::{Finding, Remedy, Severity};

use crate::{
    text,
    trouble::Trouble,
    visit::{Json, Made, Visit},
};

pub(super) async fn made(visit: &Visit) -> Result<Made, Trouble> {
    let mut findings = visit.admin.doctor().await?;
    findings.sort_by_key(|finding| Reverse(finding.severity));
    let bad = findings.iter().filter(|it| it.severity > Severity::NotAllowed).count();
    let html = || {
        html! {
            div.head {
                h1 { (text::DOCTOR) }
                @if bad == 0 { span.badge.ok { (text::ALL_IS_WELL) } }
                @else { span.badge.warning { (text::findings(bad)) } }
                div.acts { a.button href=(visit.link("/doctor")) { (text::LOOK_AGAIN) } }
            }
            section.card.flush {
                table.cards {
                    thead {
                        tr {
                            th scope="col" { (text::CHECK) } th scope="col" { (text::FOUND) }
                        }
                    }
                    tbody { @for finding in &findings { (row(finding)) } }
                }
            }
            p.soft { (text::DOCTOR_CHANGES_NOTHING) }
        }
    };
    let made = visit.made(text::DOCTOR, html, || Json::of(&json!({ "findings": findings })));
    Ok(made?.still())
}

fn row(finding: &Finding) -> Markup {
    let (class, words) = match finding.severity {
        Severity::Ok => ("ok", text::WELL),
        Severity::NotAllowed => ("", text::MAY_NOT_LOOK),
        Severity::Warning => ("warning", text::WARNING),
        _ => ("wrong", text::WRONG),
    };
    html! {
        tr {
            td { span { span class={ "badge " (class) } { (words) } " " b { (finding.check) } } }
            td {
                div {
                    (finding.found)
                    @if let Some(why) = &finding.why { p.soft { (why) } }
                    @if let Some(remedy) = &finding.remedy {
                        @match remedy {
                            Remedy::Sql(_) | Remedy::Command(_) => pre { (remedy) },
                            _ => p { (remedy) },
                        }
                    }
                }
            }
        }
    }
}
