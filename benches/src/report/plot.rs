//! A plot of the medians, as SVG.

use std::fmt::Write;

use super::{statistics::Summary, table::number};
use crate::measure::Settings;

/// What a bar shows: the first of these that a case has.
const HEADLINES: [&str; 5] = ["jobs/s", "p50 ms", "wall s", "stmts/s", "last÷first"];

const WIDTH: f64 = 900.0;
const NAMES: f64 = 190.0;
const BAR: f64 = 18.0;
const HEADING: f64 = 40.0;

/// A group of bars for each case.
pub(super) fn svg(settings: &Settings, summaries: &[Summary]) -> String {
    let mut groups: Vec<Vec<&Summary>> = Vec::new();
    for summary in summaries {
        match groups.last_mut() {
            Some(group)
                if (group[0].workload, &group[0].case) == (summary.workload, &summary.case) =>
            {
                group.push(summary);
            }
            _ => groups.push(vec![summary]),
        }
    }
    let mut body = String::new();
    let mut y = HEADING;
    for group in groups {
        y = draw_group(&mut body, &group, y);
    }
    let height = y + BAR;
    let title = escape(&format!("{} · {}", settings.measured_at, settings.machine));
    format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"{WIDTH}\" height=\"{height}\" \
         viewBox=\"0 0 {WIDTH} {height}\" font-family=\"sans-serif\" font-size=\"12\">\n\
         <rect width=\"100%\" height=\"100%\" fill=\"white\"/>\n\
         <text x=\"10\" y=\"20\" fill=\"#555\">{title}</text>\n{body}</svg>\n"
    )
}

fn draw_group(svg: &mut String, group: &[&Summary], top: f64) -> f64 {
    let headline = HEADLINES
        .into_iter()
        .find(|metric| group.iter().any(|summary| summary.medians.contains_key(metric)));
    let Some(metric) = headline else { return top };
    let value = |summary: &Summary| summary.medians.get(metric).copied();
    let most = group.iter().filter_map(|summary| value(summary)).fold(f64::MIN_POSITIVE, f64::max);
    let heading = escape(&format!("{}: {} ({metric})", group[0].workload, group[0].case));
    text(svg, 10.0, top + 22.0, "font-weight=\"bold\"", &heading);
    let mut y = top + HEADING;
    for summary in group {
        text(svg, 10.0, y - 2.0, "", &escape(&summary.contestant));
        let (length, label) = match value(summary) {
            Some(value) => ((WIDTH - NAMES - 90.0) * value / most, number(value)),
            None => (0.0, "failed".to_owned()),
        };
        let colour = match &*summary.contestant {
            name if name.starts_with("simple-queue") => "#1f77b4",
            name if name.starts_with("bare") => "#999999",
            _ => "#e08214",
        };
        line(
            svg,
            &format!(
                "<rect x=\"{NAMES}\" y=\"{:.1}\" width=\"{length:.1}\" height=\"{:.1}\" fill=\"{colour}\"/>",
                y - BAR * 0.75,
                BAR * 0.8
            ),
        );
        text(svg, NAMES + length + 6.0, y - 2.0, "", &label);
        y += BAR;
    }
    y
}

fn text(svg: &mut String, x: f64, y: f64, attributes: &str, text: &str) {
    line(svg, &format!("<text x=\"{x:.1}\" y=\"{y:.1}\" {attributes}>{text}</text>"));
}

fn line(svg: &mut String, line: &str) {
    writeln!(svg, "{line}").expect("a string takes everything");
}

fn escape(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;")
}
