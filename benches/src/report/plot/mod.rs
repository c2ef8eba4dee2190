//! A plot of the medians, as SVG: bars for each case, and curves for the rates of a run.

mod bars;
mod curves;
mod svg;

use self::svg::Svg;
use super::statistics::Summary;
use crate::measure::Settings;

const WIDTH: f64 = 880.0;
const MARGIN: f64 = 20.0;

/// The cases in their order; those of a workload that have curves share one picture.
pub(super) fn plot(settings: &Settings, summaries: &[Summary]) -> String {
    let mut svg = Svg::new(WIDTH);
    svg.text(MARGIN, 32.0, "title", "simple-queue beside other job queues on PostgreSQL");
    svg.text(MARGIN, 52.0, "muted", &format!("{} · {}", settings.measured_at, settings.machine));
    let mut y = 66.0;
    let mut workload = "";
    for group in summaries.chunk_by(|a, b| (a.workload, a.case) == (b.workload, b.case)) {
        if group[0].workload != workload {
            workload = group[0].workload;
            let all: Vec<_> =
                summaries.iter().filter(|summary| summary.workload == workload).collect();
            y = curves::draw(&mut svg, &all, y);
        }
        if !curves::has_curves(&group[0]) {
            y = bars::draw(&mut svg, group, y);
        }
    }
    svg.finish(y + MARGIN)
}

/// By whose it is.
fn class_of(contestant: &str) -> &'static str {
    match contestant {
        name if name.starts_with("simple-queue") => "ours",
        name if name.starts_with("bare") => "bare",
        _ => "peer",
    }
}
