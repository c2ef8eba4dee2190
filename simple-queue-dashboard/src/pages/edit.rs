//! Changes a job that waits.

use maud::{Markup, html};
use simple_queue::{JobDetail, Right};

use crate::{parts::hidden, text, visit::Visit};

pub(super) fn form(visit: &Visit, detail: &JobDetail) -> Markup {
    let job = &detail.job;
    let path = |verb: &str| visit.link(&format!("/jobs/{}/{verb}", job.id));
    let version = job.version.to_string();
    html! {
        @if visit.may(Right::Move) {
            section.card {
                details.more {
                    summary { (text::PLACE) }
                    form.fields method="post" action=(path("move")) data-keep {
                        (hidden(&[("version", &version)]))
                        label.field { (text::QUEUE) input name="queue" value=(job.queue) autocomplete="off"; }
                        label.field {
                            (text::PRIORITY)
                            input name="priority" type="number" min="-32768" max="32767" value=(job.priority);
                        }
                        label.field {
                            (text::WHEN)
                            input name="at" placeholder=(text::WHEN_EXAMPLE) autocomplete="off";
                            small { (text::WHEN_HOW) }
                        }
                        div.field { span { " " } button type="submit" { (text::SAVE) } }
                    }
                }
            }
        }
        @if let Some(contents) = job.contents.as_ref().filter(|_| visit.may(Right::Edit)) {
            section.card {
                details.more {
                    summary { (text::EDIT) }
                    form.cols method="post" action=(path("edit")) data-keep {
                        (hidden(&[("version", &version)]))
                        @if let Some(payload) = &contents.payload {
                            label.field {
                                (text::ARGUMENTS)
                                textarea name="args" rows="8" spellcheck="false" { (payload) }
                                small { (text::EDIT_HOW) }
                            }
                        }
                        div.fields {
                            label.field {
                                (text::ATTEMPTS_ALLOWED)
                                input name="max_attempts" type="number" min="1" value=[job.max_attempts];
                            }
                            label.field {
                                (text::TAGS)
                                input name="tags" value=(contents.tags.join(", ")) autocomplete="off";
                                small { (text::TAGS_HOW) }
                            }
                            div.field { span { " " } button.first type="submit" { (text::SAVE) } }
                        }
                    }
                }
            }
        }
    }
}
