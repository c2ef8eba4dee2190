//! Lists: aligned columns on a terminal, tabs in a pipe, a JSON object a line.

use anstyle::Style;
use chrono::{DateTime, SecondsFormat, Utc};
use serde_json::{Map, Value, json};
use simple_queue::JobStatus;
use unicode_width::UnicodeWidthStr;

use super::{BAD, GOOD, HEAD, NOTABLE, ago, is_terminal, line, shown};
use crate::args::Format;

/// A value of a list.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Cell {
    Text(String),
    Number(i64),
    /// A number in words, as `10,000+`.
    Count(String),
    Time(Option<DateTime<Utc>>),
    Status(JobStatus),
}

impl Cell {
    pub(crate) fn text(text: impl Into<String>) -> Self {
        Self::Text(text.into())
    }

    pub(crate) fn number(number: impl TryInto<i64>) -> Self {
        Self::Number(number.try_into().unwrap_or(i64::MAX))
    }

    fn is_right(&self) -> bool {
        matches!(self, Self::Number(_) | Self::Count(_))
    }

    fn for_people(&self, now: DateTime<Utc>) -> String {
        match self {
            Self::Text(text) | Self::Count(text) => shown(text),
            Self::Number(number) => number.to_string(),
            Self::Time(at) => at.map_or_else(|| "–".to_owned(), |at| ago(at, now)),
            Self::Status(status) => status.to_string(),
        }
    }

    fn for_programs(&self) -> String {
        match self {
            // A tab or a line end would be taken for a column or a row.
            Self::Text(text) | Self::Count(text) => shown(text),
            Self::Number(number) => number.to_string(),
            Self::Time(at) => at.map_or_else(String::new, rfc_3339),
            Self::Status(status) => status.to_string(),
        }
    }

    fn json(&self) -> Value {
        match self {
            Self::Text(text) => json!(text),
            Self::Count(text) => {
                text.parse::<i64>().map_or_else(|_| json!(text), |count| json!(count))
            }
            Self::Number(number) => json!(number),
            Self::Time(at) => json!(at.map(rfc_3339)),
            Self::Status(status) => json!(status.as_str()),
        }
    }

    fn style(&self) -> Style {
        match self {
            Self::Status(JobStatus::Completed) => GOOD,
            Self::Status(JobStatus::Running) => NOTABLE,
            Self::Status(status) if status.is_final() && *status != JobStatus::Cancelled => BAD,
            _ => Style::new(),
        }
    }
}

fn rfc_3339(at: DateTime<Utc>) -> String {
    at.to_rfc3339_opts(SecondsFormat::Millis, true)
}

/// A list of things with the same columns.
#[derive(Debug)]
pub(crate) struct List {
    columns: Vec<&'static str>,
    rows: Vec<Vec<Cell>>,
}

impl List {
    pub(crate) fn new(columns: &[&'static str]) -> Self {
        Self { columns: columns.to_vec(), rows: Vec::new() }
    }

    pub(crate) fn push(&mut self, row: impl Into<Vec<Cell>>) {
        self.rows.push(row.into());
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.rows.is_empty()
    }

    /// Writes the list; a person is told in these words that it is empty.
    pub(crate) fn write(&self, format: Format, now: DateTime<Utc>, when_empty: &str) {
        if format.json {
            self.json_lines().iter().for_each(|object| line(object));
        } else if !is_terminal() {
            self.tabbed().iter().for_each(|row| line(row));
        } else if self.is_empty() {
            anstream::eprintln!("{when_empty}");
        } else {
            line(&self.aligned(now));
        }
    }

    /// Writes the rows of a list that goes on: without the names of its columns, and nothing if there are none.
    pub(crate) fn write_rows(&self, format: Format, now: DateTime<Utc>) {
        if format.json {
            self.json_lines().iter().for_each(|object| line(object));
        } else if !is_terminal() {
            self.tabbed().iter().for_each(|row| line(row));
        } else {
            self.aligned(now).lines().skip(1).for_each(line);
        }
    }

    fn json_lines(&self) -> Vec<String> {
        let object = |row: &Vec<Cell>| {
            let fields = self.columns.iter().zip(row);
            let fields: Map<String, Value> =
                fields.map(|(name, cell)| (name.replace(' ', "_"), cell.json())).collect();
            Value::Object(fields).to_string()
        };
        self.rows.iter().map(object).collect()
    }

    fn tabbed(&self) -> Vec<String> {
        let row =
            |row: &Vec<Cell>| row.iter().map(Cell::for_programs).collect::<Vec<_>>().join("\t");
        self.rows.iter().map(row).collect()
    }

    fn aligned(&self, now: DateTime<Utc>) -> String {
        let texts: Vec<Vec<String>> = self
            .rows
            .iter()
            .map(|row| row.iter().map(|cell| cell.for_people(now)).collect())
            .collect();
        let widths: Vec<usize> = (0..self.columns.len())
            .map(|place| {
                let of_rows =
                    texts.iter().filter_map(|row| row.get(place)).map(|text| text.width());
                of_rows.chain([self.columns[place].width()]).max().unwrap_or(0)
            })
            .collect();
        let is_right = |place: usize| {
            self.rows.first().and_then(|row| row.get(place)).is_some_and(Cell::is_right)
        };
        let joined = |texts: &mut dyn Iterator<Item = (&str, Style)>| {
            let padded = texts.zip(&widths).enumerate().map(|(place, ((text, style), &width))| {
                let room = " ".repeat(width - text.width());
                if is_right(place) {
                    format!("{room}{style}{text}{style:#}")
                } else {
                    format!("{style}{text}{style:#}{room}")
                }
            });
            padded.collect::<Vec<_>>().join("  ").trim_end().to_owned()
        };
        let mut lines = vec![joined(&mut self.columns.iter().map(|name| (*name, HEAD)))];
        for (texts, cells) in texts.iter().zip(&self.rows) {
            let styled = texts.iter().zip(cells).map(|(text, cell)| (text.as_str(), cell.style()));
            lines.push(joined(&mut { styled }));
        }
        lines.join("\n")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn list() -> List {
        let mut list = List::new(&["id", "runs", "last run", "status"]);
        let at = DateTime::from_timestamp(1_796_000_000, 0);
        list.push([
            Cell::text("a\tb"),
            Cell::number(7),
            Cell::Time(at),
            Cell::Status(JobStatus::Failed),
        ]);
        list.push([
            Cell::text("c"),
            Cell::number(1234),
            Cell::Time(None),
            Cell::Status(JobStatus::Pending),
        ]);
        list
    }

    #[test]
    fn a_pipe_gets_tabs_and_whole_times() {
        assert_eq!(
            list().tabbed(),
            ["a\\tb\t7\t2026-11-30T00:53:20.000Z\tfailed", "c\t1234\t\tpending"]
        );
    }

    #[test]
    fn a_program_gets_an_object_a_line() {
        let first: Value = serde_json::from_str(&list().json_lines()[0]).unwrap();
        assert_eq!(
            first,
            json!({"id": "a\tb", "runs": 7, "last_run": "2026-11-30T00:53:20.000Z", "status": "failed"})
        );
    }

    #[test]
    fn a_person_gets_aligned_columns() {
        let now = DateTime::from_timestamp(1_796_000_060, 0).unwrap();
        let plain = anstream::adapter::strip_str(&list().aligned(now)).to_string();
        let lines: Vec<&str> = plain.lines().collect();
        assert_eq!(lines.len(), 3);
        assert!(lines[1].starts_with("a\\tb") && lines[1].contains("60 s ago"), "{plain}");
        let ends: Vec<_> = lines[1..]
            .iter()
            .zip(["7", "1234"])
            .map(|(line, number)| line.find(number).map(|at| at + number.len()))
            .collect();
        assert_eq!(ends[0], ends[1], "numbers end in the same column:\n{plain}");
    }
}
