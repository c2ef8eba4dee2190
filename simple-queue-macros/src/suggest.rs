//! "Did you mean …?"

/// Returns the candidate that was most likely meant, if any is close enough: more than half of its
/// letters right, or its beginning.
pub(crate) fn nearest<'a>(
    written: &str,
    candidates: impl IntoIterator<Item = &'a str>,
) -> Option<&'a str> {
    let edits = |candidate: &str| {
        if written.len() >= 3 && candidate.starts_with(written) {
            0
        } else {
            distance(written, candidate)
        }
    };
    candidates
        .into_iter()
        .map(|candidate| (edits(candidate), candidate))
        .filter(|&(distance, candidate)| {
            let letters = candidate.chars().count();
            // Of a word of two letters one is half, so a letter too many counts against what was written.
            let of = if distance == 1 {
                std::cmp::max(letters, written.chars().count())
            } else {
                letters
            };
            distance * 2 < of
        })
        .min_by_key(|(distance, _)| *distance)
        .map(|(_, candidate)| candidate)
}

/// Returns a clause to follow "unknown …": empty, or `, did you mean …?`.
pub(crate) fn did_you_mean<'a>(
    written: &str,
    candidates: impl IntoIterator<Item = &'a str>,
    quote: char,
) -> String {
    nearest(written, candidates)
        .map(|candidate| format!(", did you mean {quote}{candidate}{quote}?"))
        .unwrap_or_default()
}

/// Number of edits between two words: a letter added, removed, changed, or swapped with the next.
fn distance(from: &str, to: &str) -> usize {
    let (from, to): (Vec<char>, Vec<char>) = (from.chars().collect(), to.chars().collect());
    let mut rows: Vec<Vec<usize>> = vec![(0..=to.len()).collect()];
    for i in 1..=from.len() {
        let mut row = vec![i];
        for j in 1..=to.len() {
            let above = &rows[i - 1];
            let changed = above[j - 1] + usize::from(from[i - 1] != to[j - 1]);
            let mut best = std::cmp::min(changed, std::cmp::min(above[j], row[j - 1]) + 1);
            if i > 1 && j > 1 && from[i - 1] == to[j - 2] && from[i - 2] == to[j - 1] {
                best = std::cmp::min(best, rows[i - 2][j - 2] + 1);
            }
            row.push(best);
        }
        rows.push(row);
    }
    rows[from.len()][to.len()]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn counts_edits() {
        assert_eq!(distance("queue", "queue"), 0);
        assert_eq!(distance("quuee", "queue"), 1);
        assert_eq!(distance("", "abc"), 3);
        assert_eq!(distance("retry", "retries"), 3);
    }

    #[test]
    fn suggests_only_what_is_near() {
        assert_eq!(nearest("retry", ["queue", "retries"]), Some("retries"));
        assert_eq!(nearest("expo", ["linear", "exponential"]), Some("exponential"));
        assert_eq!(nearest("colour", ["queue", "retries"]), None);
        assert_eq!(nearest("bye", ["by", "while", "for"]), Some("by"));
        assert_eq!(nearest("stop", ["halt", "continue", "drop"]), None, "it would cancel jobs");
    }
}
