//! Reads a filter.

use std::{fmt::Display, str::FromStr};

use chrono::DateTime;
use serde_json::Value;
use uuid::Uuid;

use super::{
    JobFilter, State,
    bounds::{Bounds, Moment},
    matches::{Match, Wanted},
    words::{UNITS, Word, ends_bare, ends_bare_key},
};
use crate::job::JobStatus;

/// A text is not a filter.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{problem} (at character {} of `{text}`)", text[..*at].chars().count() + 1)]
#[non_exhaustive]
pub struct FilterError {
    /// The text.
    pub text: String,
    /// Where the problem begins, in bytes.
    pub at: usize,
    /// What is wrong, and what would be right.
    pub problem: String,
}

impl FromStr for JobFilter {
    type Err = FilterError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let mut reader = Reader { text, at: 0 };
        read(&mut reader).map_err(|Problem { at, problem }| FilterError {
            text: text.to_owned(),
            at,
            problem,
        })
    }
}

struct Problem {
    at: usize,
    problem: String,
}

type Parsed<T> = Result<T, Problem>;

fn read(reader: &mut Reader<'_>) -> Parsed<JobFilter> {
    let (mut filter, mut known) = (JobFilter::any(), Vec::<Word>::new());
    // They mean other times in other states, and the state may come later.
    let mut times = Vec::new();
    if let Some(at) = reader.text.find('\0') {
        return Err(Problem { at, problem: "no stored text has a NUL character".to_owned() });
    }
    while reader.skip_spaces() {
        let at = reader.at;
        let (word, name) = reader.word()?;
        if !word.repeats() && known.contains(&word) {
            let problem = match word {
                Word::Queue | Word::Kind | Word::Status | Word::Id => {
                    format!("`{name}` is given twice; write several values with commas between")
                }
                _ => format!("`{name}` is given twice"),
            };
            return Err(Problem { at, problem });
        }
        known.push(word);
        match word {
            Word::After | Word::Before => {
                let (moment, _) = reader.moment()?;
                times.push((word, moment));
            }
            Word::Args => filter.args.push(reader.matched(name)?),
            Word::Metadata => filter.metadata.push(reader.matched(name)?),
            _ => term(&mut filter, reader, word)?,
        }
        reader.end_of_term()?;
    }
    for (word, moment) in times {
        let bounds = filter.times();
        let end = if word == Word::After { &mut bounds.from } else { &mut bounds.to };
        *end = Some(moment);
    }
    Ok(filter)
}

/// Reads the value of a term.
fn term(filter: &mut JobFilter, reader: &mut Reader<'_>, word: Word) -> Parsed<()> {
    match word {
        Word::State => {
            let names = State::ALL.map(|(name, _)| name).join(", ");
            let expected = format!("a state is one of {names}");
            let state = |name: &str| State::ALL.iter().find(|(known, _)| *known == name);
            filter.state = reader.one(|name| state(name).map(|(_, state)| *state), &expected)?;
        }
        Word::Queue => filter.queues = reader.list(|text| Some(text.to_owned()), "")?,
        Word::Kind => filter.kinds = reader.list(|text| Some(text.to_owned()), "")?,
        Word::Status => {
            let expected = "a status is one of pending, running, completed, failed, cancelled, critical_failure, \
                            unprocessable, bad_job";
            filter.statuses = reader.list(|text| text.parse::<JobStatus>().ok(), expected)?;
        }
        Word::Id if reader.take("none") => filter.ids = Some(Vec::new()),
        Word::Id => filter.ids = Some(reader.list(uuid, NO_UUID)?),
        Word::Worker => filter.worker = Some(reader.one(uuid, NO_UUID)?),
        Word::Priority => filter.priority = reader.range(Reader::number)?,
        Word::Attempts => filter.attempts = reader.range(Reader::number)?,
        Word::Created => filter.created = reader.range(Reader::moment)?,
        Word::Finished => filter.finished = reader.range(Reader::moment)?,
        Word::Tag => filter.tags.push(reader.value()?),
        Word::Fingerprint => filter.fingerprint = Some(reader.value()?),
        Word::Key => filter.unique_key = Some(reader.value()?),
        Word::Error => filter.error = Some(reader.value()?),
        Word::ErrorKey => filter.error_key = Some(reader.value()?),
        Word::After | Word::Before | Word::Args | Word::Metadata => {}
    }
    Ok(())
}

const NO_UUID: &str = "it has to be a UUID, as `01a202c7-f117-7578-92ff-7b69cae0e360`";

fn uuid(text: &str) -> Option<Uuid> {
    text.parse().ok()
}

struct Reader<'t> {
    text: &'t str,
    at: usize,
}

impl<'t> Reader<'t> {
    fn rest(&self) -> &'t str {
        &self.text[self.at..]
    }

    fn problem<T>(&self, problem: impl Display) -> Parsed<T> {
        Err(Problem { at: self.at, problem: problem.to_string() })
    }

    /// Whether something comes after the spaces.
    fn skip_spaces(&mut self) -> bool {
        self.at = self.text.len() - self.rest().trim_start().len();
        !self.rest().is_empty()
    }

    fn take(&mut self, token: &str) -> bool {
        let is_there = self.rest().starts_with(token);
        if is_there {
            self.at += token.len();
        }
        is_there
    }

    fn take_until(&mut self, ends: impl Fn(char) -> bool) -> &'t str {
        let rest = self.rest();
        let taken = &rest[..rest.find(ends).unwrap_or(rest.len())];
        self.at += taken.len();
        taken
    }

    /// A word and, unless a path follows, its colon.
    fn word(&mut self) -> Parsed<(Word, &'t str)> {
        let at = self.at;
        let name = self.take_until(ends_bare_key);
        let Some(word) = Word::of(name) else {
            let known = Word::ALL.map(|(name, _)| name).join(", ");
            let problem = if self.rest().starts_with(':') {
                format!("`{name}` is not a word of a filter; these are: {known}")
            } else {
                format!("`{name}` has no value: a term is `word:value`, and the words are {known}")
            };
            return Err(Problem { at, problem });
        };
        if matches!(word, Word::Args | Word::Metadata) {
            return Ok((word, name));
        }
        if !self.take(":") {
            return self.problem(format!("`{name}` needs a colon and a value, as `{name}:value`"));
        }
        Ok((word, name))
    }

    /// The path and the value of `args.user.id:42`.
    fn matched(&mut self, name: &str) -> Parsed<Match> {
        let mut path = Vec::new();
        while self.take(".") {
            path.push(self.key()?);
        }
        if path.is_empty() || !self.take(":") {
            return self.problem(format!("it needs a path and a value, as `{name}.user_id:42`"));
        }
        if !self.take("=") {
            return Ok(Match { path, value: Wanted::Word(self.value()?) });
        }
        let at = self.at;
        let json = self.value()?;
        match serde_json::from_str::<Value>(&json) {
            Ok(value) => Ok(Match { path, value: Wanted::Exact(value) }),
            Err(error) => Err(Problem {
                at,
                problem: format!("after `:=` comes JSON, a text as `:=\"\\\"text\\\"\"`: {error}"),
            }),
        }
    }

    /// A key of a path, with quotes or without.
    fn key(&mut self) -> Parsed<String> {
        if self.rest().starts_with('"') {
            return self.in_quotes();
        }
        match self.take_until(ends_bare_key) {
            "" => self.problem("a key of the path is missing; an empty one is `\"\"`"),
            key => Ok(key.to_owned()),
        }
    }

    /// A value, with quotes or without.
    fn value(&mut self) -> Parsed<String> {
        if self.rest().starts_with('"') {
            return self.in_quotes();
        }
        match self.take_until(ends_bare) {
            "" => self.problem("a value is missing; an empty one is `\"\"`"),
            bare => Ok(bare.to_owned()),
        }
    }

    fn in_quotes(&mut self) -> Parsed<String> {
        let (begin, mut value, mut escaped) = (self.at, String::new(), false);
        for (at, c) in self.rest().char_indices().skip(1) {
            match c {
                _ if escaped => {
                    if c != '"' && c != '\\' {
                        let problem =
                            "`\\` escapes `\"` and `\\` only; write `\\\\` for itself".to_owned();
                        return Err(Problem { at: begin + at - 1, problem });
                    }
                    value.push(c);
                    escaped = false;
                }
                '\\' => escaped = true,
                '"' => {
                    self.at = begin + at + 1;
                    return Ok(value);
                }
                c => value.push(c),
            }
        }
        Err(Problem { at: begin, problem: "this quote has no end".to_owned() })
    }

    fn one<T>(&mut self, read: impl Fn(&str) -> Option<T>, expected: &str) -> Parsed<T> {
        let at = self.at;
        let text = self.value()?;
        read(&text).ok_or_else(|| Problem { at, problem: format!("`{text}`: {expected}") })
    }

    fn list<T>(&mut self, read: impl Fn(&str) -> Option<T>, expected: &str) -> Parsed<Vec<T>> {
        let mut values = vec![self.one(&read, expected)?];
        while self.take(",") {
            values.push(self.one(&read, expected)?);
        }
        Ok(values)
    }

    /// `3`, `3..`, `..3` or `1..3`.
    fn range<T: Copy>(
        &mut self,
        read: impl Fn(&mut Self) -> Parsed<(T, bool)>,
    ) -> Parsed<Bounds<T>> {
        let ends = |rest: &str| rest.chars().next().is_none_or(char::is_whitespace);
        if self.take("..") {
            let (to, _) = read(self)?;
            return Ok(Bounds { from: None, to: Some(to) });
        }
        let (from, stands_alone) = read(self)?;
        if self.take("..") {
            let to = if ends(self.rest()) { None } else { Some(read(self)?.0) };
            return Ok(Bounds { from: Some(from), to });
        }
        if !stands_alone {
            return self.problem(
                "a range has two dots, as `-1h..` for what is newer, or `..-1h` for what is older",
            );
        }
        Ok(Bounds { from: Some(from), to: Some(from) })
    }

    /// What stands before two dots, a space or the end.
    fn end_of_range(&mut self) -> &'t str {
        let rest = self.rest();
        let end = rest.find("..").unwrap_or(rest.len());
        let end = rest[..end].find(ends_bare).unwrap_or(end);
        self.at += end;
        &rest[..end]
    }

    fn number<T: FromStr>(&mut self) -> Parsed<(T, bool)> {
        let at = self.at;
        let text = self.end_of_range();
        let problem = || Problem {
            at,
            problem: format!(
                "`{text}` is no number in range; a range is as `1..3`, `1..` or `..3`"
            ),
        };
        text.parse().map(|number| (number, true)).map_err(|_| problem())
    }

    fn moment(&mut self) -> Parsed<(Moment, bool)> {
        let at = self.at;
        let text = self.end_of_range();
        let ago = |text: &str| {
            let digits = text.find(|c: char| !c.is_ascii_digit())?;
            let unit = UNITS.iter().find(|(name, _)| *name == &text[digits..])?.1;
            text[..digits].parse::<u64>().ok()?.checked_mul(unit)
        };
        let moment = match text.strip_prefix('-') {
            Some(text) => ago(text).map(Moment::ago_in_micros),
            None => DateTime::parse_from_rfc3339(text).ok().map(|time| Moment::at(time.to_utc())),
        };
        let problem = || Problem {
            at,
            problem: format!(
                "`{text}` is no time: write `2026-11-29T10:00:00Z`, or how long before now, as `-90m`, with d, h, m, \
                 s, ms or us"
            ),
        };
        moment.map(|moment| (moment, false)).ok_or_else(problem)
    }

    fn end_of_term(&mut self) -> Parsed<()> {
        match self.rest().chars().next() {
            None => Ok(()),
            Some(c) if c.is_whitespace() => Ok(()),
            Some(',') => self.problem("only `queue`, `kind`, `status` and `id` take several values; repeat the term, or put the value in quotes"),
            Some(_) => self.problem("a space is missing before the next term"),
        }
    }
}
