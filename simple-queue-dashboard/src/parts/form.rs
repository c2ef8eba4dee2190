//! Forms.

use maud::{Markup, html};

use crate::{text, visit::Visit, wire::with_query};

/// Hidden fields.
pub(crate) fn hidden(fields: &[(&str, &str)]) -> Markup {
    html! {
        @for (name, value) in fields { input type="hidden" name=(name) value=(value); }
    }
}

/// A button that does what it says at once.
pub(crate) fn act_button(
    visit: &Visit,
    path: &str,
    fields: &[(&str, &str)],
    words: &str,
    class: &str,
) -> Markup {
    html! {
        form method="post" action=(visit.link(path)) {
            (hidden(fields))
            button type="submit" class=(class) { (words) }
        }
    }
}

/// Pauses a queue, or a kind of it.
pub(crate) fn pause_form(visit: &Visit, path: &str, kind: Option<&str>) -> Markup {
    html! {
        form.inline method="post" action=(visit.link(path)) data-keep {
            @if let Some(kind) = kind { (hidden(&[("kind", kind)])) }
            label.field {
                (text::REASON)
                input #pause-reason name="reason" maxlength="500" placeholder=(text::REASON_EXAMPLE);
            }
            label.field {
                (text::LASTS)
                select name="lasting" {
                    @for (value, words) in text::PAUSE_TIMES { option value=(value) { (words) } }
                }
            }
            button type="submit" { (text::PAUSE) }
        }
    }
}

/// Links to the same page about other spans of time.
pub(crate) fn pick_range(visit: &Visit, path: &str, chosen: &str) -> Markup {
    html! {
        nav.acts aria-label=(text::TIME_RANGE) {
            @for (value, words) in text::RANGES {
                @let current = (*value == chosen).then_some("true");
                @let class = if *value == chosen { "button first" } else { "button" };
                a class=(class) aria-current=[current] href=(visit.link(&with_query(path, &[("since", value)]))) { (words) }
            }
        }
    }
}
