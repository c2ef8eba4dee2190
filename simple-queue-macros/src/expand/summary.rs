//! The summary of a job's options in the documentation of its struct.

use std::time::Duration;

use quote::quote;
use syn::Path;

use crate::model::{
    AfterFailure, Attempts, Curve, Declaration, JobModel, KeyLimit, OnConflict, Options, Period,
    Piece, Preset, Queue, Rate, Rule, Schedule, StoredArg, Unique, UniqueWhile, Window,
};
use crate::parse::item::plain;
use crate::validate::shown;

/// Returns the sentence that summarizes the options in the struct's documentation.
pub(crate) fn summary(model: &JobModel) -> String {
    let declaration = &model.declaration;
    let mut parts = Vec::new();
    match (&declaration.queue, &declaration.template) {
        (Some(Queue::Name(name)), _) => parts.push(format!("queue `{name}`")),
        (Some(Queue::Const(path)), _) => parts.push(format!("queue `{}`", shown(path))),
        (None, Some(_)) => {}
        (None, None) => parts.push("queue `default`".to_owned()),
    }
    let template = declaration.template.as_ref();
    parts.extend(template.map(|path| format!("template `{}`", shown(path))));
    parts.extend(attempts(&declaration.options));
    parts.extend(unique(declaration));
    let key_limit = declaration.key_limit.as_ref().map(|limit| {
        let key = template_of(&limit.key, &declaration.stored);
        let KeyLimit { concurrency, order, rate, cost, is_fair, key: _ } = limit;
        let held = [
            concurrency.map(|most| format!("at most {most} at once")),
            order.map(|after_failure| match after_failure {
                AfterFailure::Halt => "in order".to_owned(),
                AfterFailure::Continue => "in order over failures too".to_owned(),
                AfterFailure::Drop => "in order up to the first failure".to_owned(),
            }),
            rate.as_ref().map(|rate| {
                let what = if cost.is_some() { "tokens" } else { "starts" };
                self::rate(rate, what)
            }),
            is_fair.then(|| "a fair share".to_owned()),
        ];
        let held: Vec<String> = held.into_iter().flatten().collect();
        format!("{} of a key `{key}`", held.join(" and "))
    });
    parts.extend(key_limit);
    let fingerprint = declaration.fingerprint.as_deref();
    let fingerprint = fingerprint.map(|pieces| template_of(pieces, &declaration.stored));
    parts.extend(fingerprint.map(|fingerprint| format!("fingerprint `{fingerprint}`")));
    parts.extend(options(&declaration.options));
    parts.extend(declaration.schedule.as_ref().map(schedule));
    let version = declaration.version.number;
    parts.extend((version > 1).then(|| format!("version {version}")));
    let named = |what: &str, path: &Path| format!("{what} `{}`", shown(path));
    parts.extend(model.handler.strategy.as_ref().map(|path| named("strategy", path)));
    parts.extend(model.handler.on_exhausted.as_ref().map(|path| named("when exhausted", path)));
    let (function, parts) = (&model.structure.function, parts.join(", "));
    format!(" Stored arguments of the job [`{function}`](fn@{function}): {parts}.")
}

fn schedule(Schedule { rule, .. }: &Schedule) -> String {
    match rule {
        Rule::Cron { cron, zone: None } => format!("enqueued at `{cron}`"),
        Rule::Cron { cron, zone: Some(zone) } => format!("enqueued at `{cron}` in {zone}"),
        Rule::Every(time) => format!("enqueued every {time:?}"),
    }
}

fn attempts(Options { attempts, backoff, .. }: &Options) -> Option<String> {
    let backoff = backoff.as_ref().map(|backoff| curve(&backoff.curve));
    match (attempts, backoff) {
        (None, backoff) => backoff,
        (Some(Attempts(1)), _) => Some("never retried".to_owned()),
        (Some(Attempts(count)), backoff) => {
            let retries = count - 1;
            let plural = if retries == 1 { "retry" } else { "retries" };
            let backoff = backoff.map(|backoff| format!(" ({backoff})")).unwrap_or_default();
            Some(format!("{retries} {plural}{backoff}"))
        }
    }
}

fn unique(declaration: &Declaration) -> Option<String> {
    let stored = &declaration.stored;
    let unique = match &declaration.unique {
        Unique::No => return None,
        Unique::AllArguments => "unique by all arguments".to_owned(),
        Unique::By(by) if by.is_empty() => "one at a time".to_owned(),
        Unique::By(by) => {
            let names = by.iter().filter_map(|number| stored.get(*number));
            let names: Vec<String> = names.map(|arg| format!("`{}`", plain(&arg.name))).collect();
            format!("unique by {}", names.join(" and "))
        }
        Unique::Key(pieces) => format!("unique `{}`", template_of(pieces, stored)),
    };
    let conflict = match declaration.options.on_conflict {
        None | Some(OnConflict::Ignore) => "",
        Some(OnConflict::Replace) => " (a new one replaces it)",
        Some(OnConflict::Reschedule) => " (a new one puts it off)",
        Some(OnConflict::Error) => " (a new one is refused)",
    };
    let time = declaration.options.unique_for.map(|time| format!(" for {time:?}"));
    let states = match declaration.options.unique_while {
        None | Some(UniqueWhile::Running) => "",
        Some(UniqueWhile::Pending) => " until it runs",
    };
    Some(unique + &time.unwrap_or_default() + states + conflict)
}

fn options(options: &Options) -> impl Iterator<Item = String> {
    let Options {
        timeout,
        delay,
        expires,
        priority,
        retain,
        concurrency,
        rate,
        limits,
        tags,
        spool,
        ..
    } = options;
    let lasting = |what: &str, duration: &Option<Duration>| {
        duration.map(|duration| format!("{what} {duration:?}"))
    };
    let tags = tags.as_ref().map(|tags| {
        let tags: Vec<String> = tags.iter().map(|tag| format!("`{tag}`")).collect();
        format!("tagged {}", tags.join(" and "))
    });
    let limits = limits.as_ref().filter(|limits| !limits.is_empty()).map(|limits| {
        let limits: Vec<String> = limits
            .iter()
            .filter_map(|limit| limit.segments.last())
            .map(|last| format!("`{}`", last.ident))
            .collect();
        format!("limited by {}", limits.join(" and "))
    });
    [
        lasting("due after", delay),
        lasting("expires after", expires),
        lasting("timeout", timeout),
        priority.map(|priority| format!("priority {priority}")),
        concurrency.per_process.map(|most| format!("at most {most} at once in a process")),
        concurrency.limit.map(|most| format!("at most {most} at once in all processes")),
        rate.as_ref().map(|rate| self::rate(rate, "starts")),
        limits,
        tags,
        match retain {
            Some(Duration::ZERO) => Some("deleted when it is done".to_owned()),
            retain => lasting("kept for", retain),
        },
        spool.map(|spool| if spool { "spooled" } else { "never spooled" }.to_owned()),
    ]
    .into_iter()
    .flatten()
}

fn rate(Rate { limit, per, .. }: &Rate, what: &str) -> String {
    match per {
        Period::Any(per) => format!("at most {limit} {what} in {per:?}"),
        Period::Calendar(window, zone) => {
            let window = match window {
                Window::Minute => "minute",
                Window::Hour => "hour",
                Window::Day => "day",
                Window::Week => "week",
                Window::Month => "month",
            };
            format!("at most {limit} {what} in each {window} of {zone}")
        }
    }
}

/// Returns the template as it was written.
fn template_of(pieces: &[Piece], stored: &[StoredArg]) -> String {
    let shown = pieces.iter().map(|piece| match piece {
        Piece::Text(text) => text.replace('{', "{{").replace('}', "}}"),
        Piece::Field { argument, path, .. } => {
            let argument = stored.get(*argument).map(|arg| plain(&arg.name)).unwrap_or_default();
            let path = path.iter().map(|member| format!(".{}", quote!(#member)).replace("r#", ""));
            format!("{{{argument}{}}}", path.collect::<String>())
        }
    });
    shown.collect()
}

fn curve(curve: &Curve) -> String {
    match curve {
        Curve::Preset(Preset::Exponential) | Curve::Exponential { .. } => {
            "exponential backoff".to_owned()
        }
        Curve::Preset(Preset::Linear) | Curve::Linear(_) => "linear backoff".to_owned(),
        Curve::Preset(Preset::Fixed) | Curve::Fixed(_) => "fixed backoff".to_owned(),
        Curve::Preset(Preset::None) => "no backoff".to_owned(),
        Curve::Custom(path) => format!("backoff by `{}`", shown(path)),
    }
}
