//! The span of time that a page is about.

use std::time::Duration;

use crate::visit::Visit;

/// The span that the address asks for, and its word; otherwise this one.
pub(super) fn span(visit: &Visit, default: &'static str) -> (Duration, &'static str) {
    const HOUR: u64 = 3600;
    let asked = visit.query().get("since").unwrap_or(default);
    let hours = match asked {
        "24h" => (24, "24h"),
        "3d" => (3 * 24, "3d"),
        "7d" => (7 * 24, "7d"),
        "30d" => (30 * 24, "30d"),
        _ => (1, "1h"),
    };
    (Duration::from_secs(hours.0 * HOUR), hours.1)
}
