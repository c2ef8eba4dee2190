//! A bar for each contestant, with what its rounds lie between.

use super::{MARGIN, WIDTH, class_of, svg::Svg};
use crate::report::{
    statistics::{Spread, Summary},
    table::number,
};

/// What a bar shows: the first of these that a case has, and which of two values is the better one.
const HEADLINES: [(&str, &str); 5] = [
    ("jobs/s", "more is better"),
    ("p50 ms", "less is better"),
    ("wall s", "less is better"),
    ("stmts/s", "less is better"),
    ("last÷first", "more is better"),
];

const NAMES: f64 = 190.0;
const NUMBERS: f64 = 80.0;
const ROW: f64 = 21.0;
const BAR: f64 = 13.0;

/// Draws the bars of a case from this height on; returns where they end.
pub(super) fn draw(svg: &mut Svg, case: &[Summary], top: f64) -> f64 {
    let shown = HEADLINES
        .into_iter()
        .find(|(metric, _)| case.iter().any(|summary| summary.figures.contains_key(metric)));
    let Some((metric, better)) = shown else { return top };
    let Summary { workload, case: name, size, .. } = &case[0];
    let (left, mut y) = (MARGIN + NAMES, top + 34.0);
    let rounds = case.iter().map(|summary| summary.rounds).max().unwrap_or_default();
    let heading = format!("{workload}, {name} ({size}; rounds: {rounds})");
    svg.text(MARGIN, y - 8.0, "heading", &heading);
    svg.text(WIDTH - MARGIN, y - 8.0, "muted end", &format!("{metric}, {better}"));
    let spread = |summary: &Summary| summary.figures.get(metric).copied();
    let most = case.iter().filter_map(spread).map(|spread| spread.most).fold(0.0, f64::max);
    let length =
        |value: f64| (WIDTH - 2.0 * MARGIN - NAMES - NUMBERS) * value / most.max(f64::MIN_POSITIVE);
    for summary in case {
        let base = y + BAR - 2.5;
        svg.text(left - 10.0, base, "end", &summary.contestant);
        match spread(summary) {
            Some(Spread { median, least, most }) => {
                svg.bar((left, y), length(median), BAR, class_of(&summary.contestant));
                let middle = y + BAR / 2.0;
                let range = [(left + length(least), middle), (left + length(most), middle)];
                svg.line(&range, "range");
                svg.text(left + length(most) + 8.0, base, "", &number(median));
            }
            None => svg.text(left, base, "muted", "failed"),
        }
        y += ROW;
    }
    y
}
