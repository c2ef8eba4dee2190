//! Writes a filter.

use std::fmt::{self, Display, Formatter};

use chrono::SecondsFormat;

use super::{
    JobFilter, State,
    bounds::{Bounds, Moment},
    matches::{Match, Wanted},
    words::{UNITS, is_bare, is_bare_key},
};

impl Display for JobFilter {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        f.write_str(&self.terms().join(" "))
    }
}

impl JobFilter {
    fn terms(&self) -> Vec<String> {
        let mut terms = Vec::new();
        if self.state != State::Any {
            terms.push(format!("state:{}", self.state.as_str()));
        }
        let statuses: Vec<String> = self.statuses.iter().map(ToString::to_string).collect();
        for (word, values) in
            [("queue", &self.queues), ("kind", &self.kinds), ("status", &statuses)]
        {
            if !values.is_empty() {
                let values: Vec<String> = values.iter().map(|value| quoted(value)).collect();
                terms.push(format!("{word}:{}", values.join(",")));
            }
        }
        if let Some(ids) = &self.ids {
            let ids: Vec<String> = ids.iter().map(ToString::to_string).collect();
            terms.push(format!(
                "id:{}",
                if ids.is_empty() { "none".to_owned() } else { ids.join(",") }
            ));
        }
        terms.extend(self.worker.map(|worker| format!("worker:{worker}")));
        terms.extend(range("priority", &self.priority, ToString::to_string));
        terms.extend(range("attempts", &self.attempts, ToString::to_string));
        terms.extend(range("created", &self.created, ToString::to_string));
        terms.extend(range("finished", &self.finished, ToString::to_string));
        terms.extend(self.tags.iter().map(|tag| format!("tag:{}", quoted(tag))));
        for (word, text) in [("fingerprint", &self.fingerprint), ("key", &self.unique_key)] {
            terms.extend(text.iter().map(|text| format!("{word}:{}", quoted(text))));
        }
        for (word, matches) in [("args", &self.args), ("metadata", &self.metadata)] {
            terms.extend(matches.iter().map(|wanted| format!("{word}{wanted}")));
        }
        for (word, text) in [("error", &self.error), ("error_key", &self.error_key)] {
            terms.extend(text.iter().map(|text| format!("{word}:{}", quoted(text))));
        }
        terms
    }
}

/// A range; one number stands for itself.
fn range<T: Copy + PartialEq>(
    word: &str,
    bounds: &Bounds<T>,
    written: impl Fn(&T) -> String,
) -> Option<String> {
    if bounds.is_open() {
        return None;
    }
    let [from, to] =
        [&bounds.from, &bounds.to].map(|end| end.as_ref().map(&written).unwrap_or_default());
    Some(format!("{word}:{from}..{to}"))
}

impl Display for Moment {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        match self {
            Self::At(time) => f.write_str(&time.to_rfc3339_opts(SecondsFormat::AutoSi, true)),
            Self::Ago(micros) => {
                let fits = |(_, unit): &&(&str, u64)| micros.is_multiple_of(*unit);
                let (name, unit) = UNITS.iter().find(fits).unwrap_or(&("us", 1));
                write!(f, "-{}{name}", micros / unit)
            }
        }
    }
}

impl Display for Match {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        for key in &self.path {
            let key = if is_bare_key(key) { key.clone() } else { in_quotes(key) };
            write!(f, ".{key}")?;
        }
        match &self.value {
            Wanted::Word(word) => write!(f, ":{}", quoted(word)),
            Wanted::Exact(value) => {
                let json = value.to_string();
                write!(f, ":={}", if is_bare(&json) { json } else { in_quotes(&json) })
            }
        }
    }
}

fn quoted(value: &str) -> String {
    if is_bare(value) { value.to_owned() } else { in_quotes(value) }
}

fn in_quotes(value: &str) -> String {
    let mut quoted = String::with_capacity(value.len() + 2);
    quoted.push('"');
    for c in value.chars() {
        if c == '"' || c == '\\' {
            quoted.push('\\');
        }
        quoted.push(c);
    }
    quoted.push('"');
    quoted
}
