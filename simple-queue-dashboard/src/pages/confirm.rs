//! What an act on picked jobs, or on all that match, would do: shown before it is done.

use maud::{Markup, html};
use serde_json::json;
use simple_queue::{Count, JobFilter, JobRow, Right};
use uuid::Uuid;

use super::rows;
use crate::{
    parts::{back, hidden, state_word},
    text,
    trouble::Trouble,
    visit::{Json, Made, Visit},
    wire::Params,
};

/// What is done to jobs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Verb {
    Retry,
    RunNow,
    Move,
    Priority,
    RunAt,
    Cancel,
    Delete,
}

impl Verb {
    const ALL: [Self; 7] = [
        Self::Retry,
        Self::RunNow,
        Self::Move,
        Self::Priority,
        Self::RunAt,
        Self::Cancel,
        Self::Delete,
    ];

    pub(crate) fn of(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|verb| verb.word() == word)
    }

    const fn word(self) -> &'static str {
        match self {
            Self::Retry => "retry",
            Self::RunNow => "run-now",
            Self::Move => "move",
            Self::Priority => "priority",
            Self::RunAt => "run-at",
            Self::Cancel => "cancel",
            Self::Delete => "delete",
        }
    }

    pub(crate) const fn right(self) -> Right {
        match self {
            Self::Retry => Right::Retry,
            Self::RunNow | Self::Move | Self::Priority | Self::RunAt => Right::Move,
            Self::Cancel => Right::Cancel,
            Self::Delete => Right::Delete,
        }
    }

    const fn words(self) -> &'static str {
        match self {
            Self::Retry => text::RETRY,
            Self::RunNow => text::RUN_NOW,
            Self::Move => text::MOVE,
            Self::Priority => text::PRIORITY,
            Self::RunAt => text::RUN_LATER,
            Self::Cancel => text::CANCEL,
            Self::Delete => text::DELETE,
        }
    }

    const fn why(self) -> &'static str {
        match self {
            Self::Retry => text::RETRY_DOES,
            Self::RunNow => text::RUN_NOW_DOES,
            Self::Move | Self::Priority | Self::RunAt => text::MOVE_DOES,
            Self::Cancel => text::CANCEL_DOES,
            Self::Delete => text::DELETE_DOES,
        }
    }
}

/// Which jobs, and what is done to them.
#[derive(Debug)]
pub(crate) struct Selection {
    pub(crate) verb: Verb,
    pub(crate) ids: Vec<Uuid>,
    /// The filter as it was typed, of the list in which they were picked.
    typed: String,
    is_all: bool,
    /// Those that wait or those that are dead, where the filter does not say it.
    of: Option<String>,
}

impl Selection {
    pub(crate) fn of(params: &Params) -> Result<Self, Trouble> {
        let verb = params.get("verb").and_then(Verb::of);
        let verb = verb.ok_or_else(|| Trouble::NoSuch(text::NO_SUCH_PAGE.to_owned()))?;
        let is_all = params.has("all");
        let ids = params.all("id").map(str::parse).collect::<Result<Vec<Uuid>, _>>();
        let ids = ids.map_err(|problem| Trouble::Typed(problem.to_string()))?;
        if !is_all && ids.is_empty() {
            return Err(Trouble::Typed(text::PICK_SOME.to_owned()));
        }
        let typed = params.get("q").unwrap_or_default().to_owned();
        Ok(Self { verb, ids, typed, is_all, of: params.get("of").map(str::to_owned) })
    }

    /// The only job that was picked.
    pub(crate) fn one(&self) -> Option<Uuid> {
        match self.ids.as_slice() {
            [id] if !self.is_all => Some(*id),
            _ => None,
        }
    }

    /// Whether it has to be said which are deleted: those that wait, or those that are dead.
    fn is_open(&self) -> bool {
        self.verb == Verb::Delete && self.of.is_none() && state_word(&self.typed) == "any"
    }

    /// The jobs, about the states that the act is about.
    pub(crate) fn filter(&self) -> Result<JobFilter, Trouble> {
        let typed = |problem: simple_queue::FilterError| Trouble::Typed(problem.to_string());
        let state = state_word(&self.typed);
        let (filter, is_any) = if self.is_all {
            (self.typed.parse::<JobFilter>().map_err(typed)?, state == "any")
        } else {
            (JobFilter::any().ids(self.ids.iter().copied()), true)
        };
        let is_dead = match self.verb {
            Verb::Retry => true,
            Verb::Delete => self.of.as_deref().unwrap_or(state) == "dead",
            _ => false,
        };
        Ok(match (is_any, is_dead) {
            (false, _) => filter,
            (true, true) => filter.only_dead(),
            (true, false) => filter.only_live(),
        })
    }
}

/// What is shown of the jobs.
struct Preview {
    count: Count,
    /// Of those that are dead, where both may be meant.
    dead: Option<Count>,
    jobs: Vec<JobRow>,
}

pub(super) async fn made(visit: &Visit) -> Result<Made, Trouble> {
    /// 5 jobs are shown.
    const SHOWN: usize = 5;
    let selection = Selection::of(visit.query())?;
    if !visit.may(selection.verb.right()) {
        return Err(Trouble::NotAllowed(text::may_not(selection.verb.right())));
    }
    let filter = selection.filter()?;
    let only_dead = filter.clone().only_dead();
    let count = Box::pin(visit.admin.count(&filter));
    let dead = Box::pin(async {
        if !selection.is_open() {
            return Ok(None);
        }
        visit.admin.count(&only_dead).await.map(Some)
    });
    let shown = visit.admin.find(&filter).limit(SHOWN).into_future();
    // Each may take a while.
    let (count, dead, shown) = tokio::try_join!(count, dead, shown)?;
    let preview = Preview { count, dead, jobs: shown.jobs };
    let made = visit.made(selection.verb.words(), || page(visit, &selection, &preview), || {
        let jobs: Vec<_> = preview.jobs.iter().map(rows::json).collect();
        Json::of(&json!({
            "verb": selection.verb.word(), "filter": filter.to_string(),
            "count": preview.count.counted(), "exact": matches!(preview.count, Count::Exact(_)), "jobs": jobs,
        }))
    });
    Ok(made?.still())
}

fn page(visit: &Visit, selection: &Selection, preview: &Preview) -> Markup {
    let verb = selection.verb;
    let away = match selection.one() {
        Some(id) => visit.link(&format!("/jobs/{id}")),
        None => back(visit, &selection.typed),
    };
    let none = preview.count.counted() == 0 && preview.dead.is_none_or(|dead| dead.counted() == 0);
    html! {
        div.head { h1 { (text::asks(verb.words(), &preview.count.to_string(), preview.dead)) } }
        section.card {
            p { (verb.why()) }
            @if !selection.typed.is_empty() && selection.is_all { p { (text::FILTER) ": " code { (selection.typed) } } }
            @if !preview.jobs.is_empty() { (sample(visit, preview)) }
            form.cols method="post" action=(visit.link("/jobs/act")) {
                (hidden(&[("verb", verb.word()), ("q", &selection.typed)]))
                @if selection.is_all { (hidden(&[("all", "1")])) }
                @for id in &selection.ids { (hidden(&[("id", &id.to_string())])) }
                @if let Some(of) = &selection.of { (hidden(&[("of", of)])) }
                (value_field(verb))
                div.acts {
                    @if none { p.soft { (text::NOTHING_TO_DO) } }
                    @else { (submits(verb, preview)) }
                    a.button href=(away) data-close { (text::BACK) }
                }
            }
        }
    }
}

fn sample(visit: &Visit, preview: &Preview) -> Markup {
    html! {
        ul.steps {
            @for job in &preview.jobs {
                li {
                    (crate::parts::badge(job)) " " (crate::parts::job_link(visit, job)) " "
                    small { (job.queue) }
                }
            }
        }
        @let shown = u64::try_from(preview.jobs.len()).unwrap_or(u64::MAX);
        @if preview.count.counted() > shown { p.soft { (text::AND_MORE) } }
    }
}

/// What has to be said beside which jobs.
fn value_field(verb: Verb) -> Markup {
    html! {
        @match verb {
            Verb::Move => label.field { (text::QUEUE) input name="value" required autocomplete="off"; },
            Verb::Priority => label.field {
                (text::PRIORITY) input name="value" type="number" min="-32768" max="32767" required;
                small { (text::PRIORITY_HOW) }
            },
            Verb::RunAt => label.field {
                (text::WHEN) input name="value" placeholder=(text::WHEN_EXAMPLE) required autocomplete="off";
                small { (text::WHEN_HOW) }
            },
            _ => {},
        }
    }
}

fn submits(verb: Verb, preview: &Preview) -> Markup {
    let class = if matches!(verb, Verb::Cancel | Verb::Delete) { "first danger" } else { "first" };
    html! {
        @if let Some(dead) = preview.dead {
            @for (of, count, words) in [("live", preview.count, text::DELETE_WAITING), ("dead", dead, text::DELETE_DEAD)] {
                @if count.counted() > 0 {
                    button class=(class) type="submit" name="of" value=(of) { (words) " (" (count) ")" }
                }
            }
        } @else {
            button class=(class) type="submit" { (verb.words()) }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn filter(query: &str) -> String {
        let selection = Selection::of(&Params::parse(query.as_bytes())).unwrap();
        selection.filter().unwrap().to_string()
    }

    #[test]
    fn what_was_picked_is_never_more_than_the_filter() {
        let id = "0199c1f0-0000-7000-8000-000000000001";
        assert_eq!(filter(&format!("verb=retry&id={id}")), format!("state:dead id:{id}"));
        assert_eq!(
            filter(&format!("verb=cancel&id={id}&q=queue:x")),
            format!("state:live id:{id}")
        );
        assert_eq!(filter("verb=cancel&all=1&q=state:waiting+queue:x"), "state:waiting queue:x");
        assert_eq!(filter("verb=move&all=1&q=queue:x"), "state:live queue:x");
        assert_eq!(filter("verb=delete&all=1&q=queue:x&of=dead"), "state:dead queue:x");
        assert_eq!(
            filter(&format!("verb=delete&id={id}&q=state:dead")),
            format!("state:dead id:{id}")
        );
        assert!(Selection::of(&Params::parse(b"verb=retry&q=state:dead")).is_err());
        assert!(Selection::of(&Params::parse(b"verb=explode&all=1")).is_err());
    }
}
