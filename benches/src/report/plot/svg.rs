//! A drawing that is readable on a light page and on a dark one.

use std::fmt::Write;

/// Of a page that says nothing, the light one.
const STYLE: &str = "
svg { font: 12px system-ui, -apple-system, 'Segoe UI', Helvetica, Arial, sans-serif }
.page { fill: #ffffff } text { fill: #1f2328 } .title { font-size: 16px; font-weight: 600 }
.heading { font-size: 13px; font-weight: 600 } .muted { fill: #59636e } .end { text-anchor: end }
.ours { fill: #0969da } .bare { fill: #8c959f } .peer { fill: #bc6c00 }
.grid { stroke: #d1d9e0 } .range { stroke: #1f2328; stroke-opacity: .55 }
.line { fill: none; stroke-width: 2 } .held { stroke: #0969da } .free { stroke: #8c959f; stroke-dasharray: 5 4 }
@media (prefers-color-scheme: dark) {
.page { fill: #0d1117 } text { fill: #e6edf3 } .muted { fill: #9198a1 }
.ours { fill: #4493f8 } .bare { fill: #6e7681 } .peer { fill: #db8b20 }
.grid { stroke: #30363d } .range { stroke: #e6edf3 } .held { stroke: #4493f8 } .free { stroke: #818b98 }
}
";

pub(super) struct Svg {
    width: f64,
    body: String,
}

impl Svg {
    pub(super) const fn new(width: f64) -> Self {
        Self { width, body: String::new() }
    }

    pub(super) fn text(&mut self, x: f64, y: f64, class: &str, text: &str) {
        let text = text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;");
        self.put(&format!(r#"<text class="{class}" x="{x:.1}" y="{y:.1}">{text}</text>"#));
    }

    pub(super) fn bar(&mut self, (x, y): (f64, f64), width: f64, height: f64, class: &str) {
        self.put(&format!(
            r#"<rect class="{class}" x="{x:.1}" y="{y:.1}" width="{width:.1}" height="{height:.1}" rx="2"/>"#
        ));
    }

    pub(super) fn line(&mut self, points: &[(f64, f64)], class: &str) {
        let points: Vec<_> = points.iter().map(|(x, y)| format!("{x:.1},{y:.1}")).collect();
        self.put(&format!(
            r#"<polyline class="{class}" fill="none" points="{}"/>"#,
            points.join(" ")
        ));
    }

    fn put(&mut self, element: &str) {
        writeln!(self.body, "{element}").expect("a string takes everything");
    }

    pub(super) fn finish(self, height: f64) -> String {
        let Self { width, body } = self;
        format!(
            r#"<svg xmlns="http://www.w3.org/2000/svg" width="{width}" height="{height}" viewBox="0 0 {width} {height}">
<style>{STYLE}</style>
<rect class="page" width="100%" height="100%" rx="8"/>
{body}</svg>
"#
        )
    }
}
