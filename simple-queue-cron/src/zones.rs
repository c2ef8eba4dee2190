//! The zones of the IANA database.

use chrono_tz::{TZ_VARIANTS, Tz};

/// Finds a zone by its name.
///
/// # Errors
/// A sentence with the name that was likely meant.
pub fn zone(name: &str) -> Result<Tz, String> {
    name.parse().map_err(|_| {
        let suggestion = nearest(name).map_or_else(
            || "; zones are named like \"Europe/Berlin\" or \"UTC\"".to_owned(),
            |zone| format!(", did you mean \"{}\"?", zone.name()),
        );
        format!("unknown time zone \"{name}\"{suggestion}")
    })
}

/// The zone that was likely meant: by its whole name, or by the city alone.
fn nearest(name: &str) -> Option<Tz> {
    let written = name.to_lowercase().replace(' ', "_");
    if written.is_empty() {
        return None;
    }
    let edits = |zone: Tz| {
        let known = zone.name().to_lowercase();
        let city = known.rsplit('/').next().unwrap_or(&known);
        let whole = strsim::damerau_levenshtein(&written, &known);
        // A city without its region is one edit away, so that the whole name goes first.
        std::cmp::min(whole, strsim::damerau_levenshtein(&written, city) + 1)
    };
    let best = TZ_VARIANTS.iter().map(|&zone| (edits(zone), zone)).min_by_key(|(edits, _)| *edits);
    best.filter(|(edits, _)| edits * 3 <= written.chars().count() + 2).map(|(_, zone)| zone)
}
