//! The rate of each tenth of a run, a picture for each contestant: with a snapshot held, and without.

use super::{MARGIN, WIDTH, svg::Svg};
use crate::{
    metrics::TENTHS,
    report::{statistics::Summary, table::number},
};

const COLUMNS: usize = 3;
const GAP: f64 = 24.0;
const PICTURE: f64 = 110.0;
/// Of the space before a picture.
const NAME: f64 = 30.0;

pub(super) fn has_curves(summary: &Summary) -> bool {
    TENTHS.iter().any(|tenth| summary.figures.contains_key(tenth))
}

/// Draws all curves of a workload from this height on; returns where they end.
pub(super) fn draw(svg: &mut Svg, workload: &[&Summary], top: f64) -> f64 {
    let mut y = top;
    // What a case is called before the comma is drawn together, what comes after tells the curves apart.
    let of = |summary: &Summary| summary.case.split(',').next().unwrap_or_default();
    let with_curves: Vec<_> =
        workload.iter().copied().filter(|summary| has_curves(summary)).collect();
    let mut drawn = Vec::new();
    for summary in &with_curves {
        if drawn.contains(&of(summary)) {
            continue;
        }
        drawn.push(of(summary));
        let together: Vec<_> =
            with_curves.iter().copied().filter(|other| of(other) == of(summary)).collect();
        let heading = format!("{}, {} ({})", summary.workload, of(summary), summary.size);
        y = draw_pictures(svg, &heading, &together, y);
    }
    y
}

fn draw_pictures(svg: &mut Svg, heading: &str, summaries: &[&Summary], top: f64) -> f64 {
    svg.text(MARGIN, top + 26.0, "heading", heading);
    draw_legend(svg, top + 26.0);
    let mut contestants: Vec<&str> = Vec::new();
    for summary in summaries {
        if !contestants.contains(&&*summary.contestant) {
            contestants.push(&summary.contestant);
        }
    }
    let gaps = GAP * (COLUMNS as f64 - 1.0);
    let width = (WIDTH - 2.0 * MARGIN - gaps) / COLUMNS as f64;
    let top = top + 34.0;
    for (number, contestant) in contestants.iter().enumerate() {
        let (row, column) = (number / COLUMNS, number % COLUMNS);
        let x = MARGIN + column as f64 * (width + GAP);
        let y = top + row as f64 * (NAME + PICTURE) + NAME;
        let of: Vec<_> =
            summaries.iter().copied().filter(|summary| summary.contestant == *contestant).collect();
        draw_picture(svg, &of, (x, y), width);
    }
    top + contestants.len().div_ceil(COLUMNS) as f64 * (NAME + PICTURE) + 6.0
}

fn draw_legend(svg: &mut Svg, y: f64) {
    for (right, class, text) in [(200.0, "held", "snapshot held"), (60.0, "free", "none held")] {
        let x = WIDTH - MARGIN - right;
        svg.line(&[(x - 34.0, y - 4.0), (x - 8.0, y - 4.0)], &format!("line {class}"));
        svg.text(x, y, "muted", text);
    }
    svg.text(WIDTH - MARGIN - 250.0, y, "muted end", "jobs/s in each tenth of the run");
}

fn draw_picture(svg: &mut Svg, summaries: &[&Summary], (x, y): (f64, f64), width: f64) {
    let rates = |summary: &Summary| -> Vec<f64> {
        TENTHS.iter().filter_map(|tenth| Some(summary.figures.get(tenth)?.median)).collect()
    };
    let most =
        summaries.iter().flat_map(|summary| rates(summary)).fold(f64::MIN_POSITIVE, f64::max);
    svg.text(x, y - 8.0, "", &summaries[0].contestant);
    svg.text(x + width, y - 8.0, "muted end", &format!("up to {}", number(most)));
    for part in [0.0, 0.5, 1.0] {
        let height = y + PICTURE * part;
        svg.line(&[(x, height), (x + width, height)], "grid");
    }
    for summary in summaries {
        let class = if summary.case.contains("held") { "line held" } else { "line free" };
        let points: Vec<_> = rates(summary)
            .into_iter()
            .enumerate()
            .map(|(tenth, rate)| {
                let right = width * tenth as f64 / (TENTHS.len() as f64 - 1.0);
                (x + right, y + PICTURE * (1.0 - rate / most))
            })
            .collect();
        svg.line(&points, class);
    }
}
