//! What every page has around it.

use maud::{DOCTYPE, Markup, html};
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use simple_queue::{Right, Rights};

use crate::{
    assets::{SCRIPT, STYLE},
    settings::Settings,
    text,
};

/// A page of the navigation.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Tab {
    Jobs,
    Queues,
    Kinds,
    Dead,
    Schedules,
    Limits,
    Workers,
    Actions,
    Doctor,
    New,
}

impl Tab {
    const ALL: [Self; 10] = [
        Self::Jobs,
        Self::Queues,
        Self::Kinds,
        Self::Dead,
        Self::Schedules,
        Self::Limits,
        Self::Workers,
        Self::Actions,
        Self::Doctor,
        Self::New,
    ];

    /// Its words, its path, and the key that leads to it.
    const fn about(self) -> (&'static str, &'static str, &'static str) {
        match self {
            Self::Jobs => (text::JOBS, "/jobs", "j"),
            Self::Queues => (text::QUEUES, "/queues", "q"),
            Self::Kinds => (text::KINDS, "/kinds", "k"),
            Self::Dead => (text::DEAD_LETTERS, "/dead", "d"),
            Self::Schedules => (text::SCHEDULES, "/schedules", "c"),
            Self::Limits => (text::LIMITS, "/limits", "l"),
            Self::Workers => (text::WORKERS, "/workers", "w"),
            Self::Actions => (text::ACTIONS, "/actions", "o"),
            Self::Doctor => (text::DOCTOR, "/doctor", "h"),
            Self::New => (text::NEW_JOB, "/new", "n"),
        }
    }

    fn is_for(self, rights: Rights) -> bool {
        match self {
            Self::Dead | Self::Actions => rights.has(Right::SeeContents),
            Self::New => rights.has(Right::Insert),
            _ => true,
        }
    }
}

/// What stands around a page.
#[derive(Debug)]
pub(crate) struct Frame<'p> {
    pub(crate) settings: &'p Settings,
    pub(crate) visitor: &'p str,
    pub(crate) rights: Rights,
    pub(crate) here: Option<Tab>,
    pub(crate) title: &'p str,
    pub(crate) is_live: bool,
}

impl Frame<'_> {
    /// The part that is refreshed.
    pub(crate) fn main(&self, content: &Markup) -> Markup {
        html! { main id="main" tabindex="-1" data-live[self.is_live] { (content) } }
    }
}

pub(crate) fn page_of(frame: &Frame<'_>, main: &Markup) -> Markup {
    let Frame { settings, visitor, rights, here, title, .. } = frame;
    let every = settings.refresh.as_millis();
    html! {
        (DOCTYPE)
        html lang="en" data-every=(every) {
            (head(settings, title))
            body {
                a.skip href="#main" { (text::SKIP) }
                header.top {
                    (brand(settings))
                    p.note.bad #lost role="alert" hidden { (text::LOST) }
                    div.push {}
                    (controls(every))
                    small.who title=(visitor) { (visitor) }
                }
                nav.side aria-label=(text::PAGES) {
                    ul {
                        @for tab in Tab::ALL.into_iter().filter(|tab| tab.is_for(*rights)) {
                            @let (words, path, key) = tab.about();
                            @let current = (*here == Some(tab)).then_some("page");
                            @if matches!(tab, Tab::Schedules | Tab::Actions | Tab::New) {
                                li.gap aria-hidden="true" {}
                            }
                            li {
                                a href=(settings.link(path)) data-key=(key) aria-current=[current] { (words) }
                            }
                        }
                    }
                }
                (main)
                dialog #dialog aria-labelledby="dialog-title" {}
                (help())
            }
        }
    }
}

/// A page for a visitor who was refused.
pub(crate) fn bare_page(settings: &Settings, title: &str, main: &Markup) -> Markup {
    html! {
        (DOCTYPE)
        html lang="en" data-every="0" {
            (head(settings, title))
            body {
                header.top { (brand(settings)) }
                nav.side aria-label=(text::PAGES) {}
                main id="main" { section.card { (main) } }
            }
        }
    }
}

fn head(settings: &Settings, title: &str) -> Markup {
    let name = settings.name.as_deref();
    let icon = format!(
        "<svg xmlns='http://www.w3.org/2000/svg' viewBox='0 0 16 16'><rect width='16' height='16' rx='4' fill='{}'/>\
         <path d='M4 5h8M4 8h8M4 11h5' stroke='white' stroke-width='1.6'/></svg>",
        settings.colour
    );
    let icon = utf8_percent_encode(&icon, NON_ALPHANUMERIC);
    html! {
        head {
            meta charset="utf-8";
            meta name="viewport" content="width=device-width, initial-scale=1";
            meta name="color-scheme" content="light dark";
            title {
                (title) " · " @if let Some(name) = name { (name) " · " } "simple-queue"
            }
            link rel="icon" href={ "data:image/svg+xml," (icon) };
            link rel="stylesheet" href=(settings.link(&format!("/assets/{}", STYLE.name)));
            script src=(settings.link(&format!("/assets/{}", SCRIPT.name))) {}
        }
    }
}

fn brand(settings: &Settings) -> Markup {
    html! {
        a.brand href=(settings.link("/jobs")) {
            svg viewBox="0 0 16 16" aria-hidden="true" {
                rect width="16" height="16" rx="4" fill=(settings.colour) {}
                path d="M4 5h8M4 8h8M4 11h5" stroke="white" stroke-width="1.6" {}
            }
            "simple-queue"
        }
        @if let Some(name) = &settings.name { span.env { (name) } }
        p.unstyled { (text::UNSTYLED) }
    }
}

fn controls(every: u128) -> Markup {
    let own = format!("{every}");
    let choices = [("1000", "1 s"), ("2000", "2 s"), ("5000", "5 s"), ("15000", "15 s")];
    let is_listed = every == 0 || choices.iter().any(|(value, _)| *value == own);
    html! {
        div.controls.js-only {
            select #every aria-label=(text::REFRESH) title=(text::REFRESH) {
                @for (value, words) in choices { option value=(value) { (words) } }
                @if !is_listed { option value=(own) { (every / 1000) " s" } }
                option value="0" { (text::OFF) }
            }
            button.plain #theme type="button" aria-label=(text::THEME) title=(text::THEME) { "◐" }
            button.plain.wide #keys type="button" aria-label=(text::KEYS) title=(text::KEYS) { "?" }
        }
    }
}

fn help() -> Markup {
    html! {
        dialog #help aria-labelledby="help-title" {
            h1 #help-title { (text::KEYS) }
            dl.facts {
                @for (key, words) in text::KEY_WORDS {
                    dt { kbd { (key) } }
                    dd { (words) }
                }
            }
            div.acts { button type="button" data-close { (text::CLOSE) } }
        }
    }
}
