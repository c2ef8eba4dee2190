//! Aligned tables.

use std::io::IsTerminal;

use super::statistics::{Ratio, Spread, Summary};
use crate::metrics::TENTHS;

/// Whether to use bold type and colours.
#[derive(Debug, Clone, Copy)]
pub(super) struct Styles {
    colours: bool,
}

impl Styles {
    pub(super) fn for_stdout() -> Self {
        let refused = std::env::var_os("NO_COLOR").is_some_and(|value| !value.is_empty());
        Self { colours: std::io::stdout().is_terminal() && !refused }
    }

    pub(super) fn heading(self, text: &str) -> String {
        self.wrapped("1", text)
    }

    pub(super) fn good(self, text: &str) -> String {
        self.wrapped("32", text)
    }

    pub(super) fn bad(self, text: &str) -> String {
        self.wrapped("1;31", text)
    }

    fn wrapped(self, code: &str, text: &str) -> String {
        if self.colours { format!("\u{1b}[{code}m{text}\u{1b}[0m") } else { text.to_owned() }
    }
}

/// The order of columns; what is not here comes at the end.
const ORDER: &[&str] = &[
    "jobs/s",
    "wall s",
    "ideal s",
    "wall÷ideal",
    "last÷first",
    "p50 ms",
    "p95 ms",
    "p99 ms",
    "max ms",
    "call p50 ms",
    "call p95 ms",
    "call p99 ms",
    "stmts/s",
    "server %",
    "client %",
    "server µs/job",
    "client µs/job",
    "WAL B/job",
    "life WAL B/job",
    "stmts/job",
    "dead/job",
    "HOT/job",
];

pub(super) fn print_summaries(styles: Styles, summaries: &[Summary]) {
    let mut metrics: Vec<&str> =
        summaries.iter().flat_map(|summary| summary.figures.keys().copied()).collect();
    // The curve of a run is for the plot and the JSON file.
    metrics.retain(|metric| !TENTHS.contains(metric));
    metrics.sort_by_key(|&metric| {
        (ORDER.iter().position(|&known| known == metric).unwrap_or(ORDER.len()), metric)
    });
    metrics.dedup();
    let head: Vec<&str> = std::iter::once("median").chain(metrics.iter().copied()).collect();
    let rows = summaries.iter().map(|summary| {
        let values = metrics.iter().map(|metric| {
            let figure = summary.figures.get(metric);
            figure.map_or_else(|| "–".to_owned(), |spread| number(spread.median))
        });
        std::iter::once(summary.contestant.clone()).chain(values).collect()
    });
    print(styles, &head, 1, rows);
}

pub(super) fn print_ratios(styles: Styles, metrics: &[&'static str], ratios: &[Ratio]) {
    let mut pairs: Vec<(&str, &str)> = Vec::new();
    for ratio in ratios {
        let pair = (&*ratio.ours, &*ratio.other);
        if !pairs.contains(&pair) {
            pairs.push(pair);
        }
    }
    if pairs.is_empty() {
        return;
    }
    println!();
    let head: Vec<&str> =
        std::iter::once("ratio in a round").chain(metrics.iter().copied()).collect();
    let rows = pairs.into_iter().map(|(ours, other)| {
        let cells = metrics.iter().map(|&metric| {
            ratios
                .iter()
                .find(|ratio| ratio.ours == ours && ratio.other == other && ratio.metric == metric)
                .map_or_else(
                    || "–".to_owned(),
                    |&Ratio { median, least, most, .. }| spread(Spread { median, least, most }),
                )
        });
        std::iter::once(format!("{ours} ÷ {other}")).chain(cells).collect()
    });
    print(styles, &head, 1, rows);
}

/// With this many columns of words on the left, and columns of numbers on the right.
pub(super) fn print(
    styles: Styles,
    head: &[&str],
    words: usize,
    rows: impl Iterator<Item = Vec<String>>,
) {
    for line in lines(styles, head, words, rows) {
        println!("{line}");
    }
}

/// The heading and the rows, aligned; a style that is put around one later does not change its width.
pub(super) fn lines(
    styles: Styles,
    head: &[&str],
    words: usize,
    rows: impl Iterator<Item = Vec<String>>,
) -> Vec<String> {
    let rows: Vec<Vec<String>> = rows.collect();
    let width = |column: usize| {
        let cells = rows.iter().map(|row| row[column].chars().count());
        cells.chain([head[column].chars().count()]).max().unwrap_or_default()
    };
    let line = |cells: &[String]| {
        let cells = cells.iter().enumerate().map(|(column, cell)| {
            let width = width(column);
            if column < words { format!("{cell:<width$}") } else { format!("{cell:>width$}") }
        });
        cells.collect::<Vec<_>>().join("  ").trim_end().to_owned()
    };
    let head: Vec<String> = head.iter().map(|&cell| cell.to_owned()).collect();
    std::iter::once(styles.heading(&line(&head))).chain(rows.iter().map(|row| line(row))).collect()
}

/// The median, and in brackets what the rounds lie between.
pub(super) fn spread(Spread { median, least, most }: Spread) -> String {
    format!("{} [{}..{}]", number(median), number(least), number(most))
}

/// With about three significant digits, and thousands set apart.
pub(crate) fn number(value: f64) -> String {
    let magnitude = value.abs();
    if magnitude >= 100.0 {
        let digits = format!("{value:.0}");
        let (sign, digits) = digits.strip_prefix('-').map_or(("", &*digits), |rest| ("-", rest));
        let groups: Vec<&str> = digits
            .as_bytes()
            .rchunks(3)
            .rev()
            .map(|group| std::str::from_utf8(group).expect("digits are ASCII"))
            .collect();
        return format!("{sign}{}", groups.join(","));
    }
    match magnitude {
        10.0.. => format!("{value:.1}"),
        0.1.. => format!("{value:.2}"),
        _ => format!("{value:.3}"),
    }
}

#[cfg(test)]
mod tests {
    use super::number;

    #[test]
    fn numbers_have_about_three_significant_digits() {
        let written: Vec<String> =
            [0.0, 0.0123, 0.5, 9.876, 45.67, 456.7, 1_234_567.0, -1234.0].map(number).into();
        assert_eq!(
            written,
            ["0.000", "0.012", "0.50", "9.88", "45.7", "457", "1,234,567", "-1,234"]
        );
    }
}
