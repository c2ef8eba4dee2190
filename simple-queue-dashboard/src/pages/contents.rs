//! What a job contains.

use maud::{Markup, html};
use simple_queue::{JobContents, JobRow, KeyHolder};

use crate::{
    parts::{facts, number, time, tree},
    text,
    visit::Visit,
};

/// 64 kB, above which a payload is a file.
const LONG: u64 = 64 * 1024;

pub(super) fn arguments(visit: &Visit, job: &JobRow, contents: &JobContents) -> Markup {
    html! {
        section.card {
            div.head {
                h2 { (text::ARGUMENTS) }
                div.acts {
                    small { (text::bytes(&number(contents.payload_bytes))) ", " (text::version(contents.payload_version)) }
                    @if let Some(payload) = contents.payload.as_ref().filter(|payload| payload.len() < 4096) {
                        button.plain.js-only type="button" data-copy=(payload) { (text::COPY) }
                    }
                    @if contents.payload_bytes > LONG {
                        a.button href=(visit.link(&format!("/jobs/{}/payload", job.id))) { (text::DOWNLOAD) }
                    }
                }
            }
            @match &contents.payload {
                Some(payload) => (tree(payload)),
                None => p.soft { (text::TOO_LONG) },
            }
        }
        @if let Some(result) = &contents.result {
            section.card { h2 { (text::RESULT) } (tree(result)) }
        }
        @if let Some(metadata) = &contents.metadata {
            section.card { h2 { (text::METADATA) } (tree(metadata)) }
        }
    }
}

/// Tags and keys.
pub(super) fn labels(
    visit: &Visit,
    job: &JobRow,
    contents: &JobContents,
    holder: Option<&KeyHolder>,
) -> Option<Markup> {
    let is_labelled = !contents.tags.is_empty()
        || contents.unique_key.is_some()
        || contents.fingerprint.is_some();
    is_labelled.then(|| {
        let tags = html! {
            ul.chips { @for tag in &contents.tags { li.badge { (tag) } } }
        };
        facts(&[
            (text::TAGS, (!contents.tags.is_empty()).then_some(tags)),
            (
                text::UNIQUE_KEY,
                contents
                    .unique_key
                    .as_ref()
                    .map(|key| html! { code { (key) } (held(visit, job, holder)) }),
            ),
            (text::FINGERPRINT, contents.fingerprint.as_ref().map(|it| html! { code { (it) } })),
        ])
    })
}

/// Who has the unique key.
fn held(visit: &Visit, job: &JobRow, holder: Option<&KeyHolder>) -> Markup {
    html! {
        @if let Some(holder) = holder {
            @if holder.job_id != job.id {
                br;
                small {
                    (text::KEY_HELD_BY) " "
                    a.mono href=(visit.link(&format!("/jobs/{}", holder.job_id))) { (holder.job_id) }
                }
            }
            @if let Some(until) = holder.kept_until { br; small { (text::KEPT_UNTIL) " " (time(until)) } }
        }
    }
}
