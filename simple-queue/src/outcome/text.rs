//! Error texts as they are stored and logged: cut to length, without characters that Postgres cannot store.

use std::{
    error::Error,
    fmt::{self, Display, Write},
};

/// 8 kB of an error are kept, so that ten attempts do not make a row of megabytes.
const MAX_ERROR_BYTES: usize = 8 * 1024;

/// Marks the end of a text that was cut.
const MORE: &str = "…";

/// A text in the form that is stored and logged.
pub(crate) fn cut(mut text: String) -> String {
    if text.len() > MAX_ERROR_BYTES {
        text.truncate(text.floor_char_boundary(MAX_ERROR_BYTES - MORE.len()));
        text.push_str(MORE);
        text.shrink_to_fit();
    }
    // Postgres cannot store NUL in a text.
    if text.contains('\0') { cut(text.replace('\0', "\u{FFFD}")) } else { text }
}

/// The printed form of a value, cut while it is written.
pub(crate) fn words_of(value: &dyn Display) -> String {
    let mut words = Words(String::new());
    match write!(words, "{value}") {
        // The writer stops a longer text with an error.
        Ok(()) | Err(fmt::Error) => cut(words.0),
    }
}

/// The error and its causes in one line: `sending failed: connection refused`.
pub(super) fn with_sources(error: &(dyn Error + 'static)) -> String {
    let mut text = words_of(&error);
    let mut source = error.source();
    while let Some(cause) = source {
        let cause_text = words_of(&cause);
        // Many errors already print their source; printing it twice would not help.
        if !text.ends_with(&cause_text) {
            text.push_str(": ");
            text.push_str(&cause_text);
        }
        source = cause.source().filter(|_| text.len() < MAX_ERROR_BYTES);
    }
    cut(text)
}

/// Accepts a little more than is kept, so that a longer text is recognized.
struct Words(String);

impl Write for Words {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        let room = (MAX_ERROR_BYTES + MORE.len()).saturating_sub(self.0.len());
        self.0.push_str(&text[..text.floor_char_boundary(room)]);
        if text.len() > room { Err(fmt::Error) } else { Ok(()) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_long_error_is_cut_at_a_character_and_nul_is_replaced() {
        let text = cut("ä\0".repeat(10_000));
        assert!(text.len() <= MAX_ERROR_BYTES, "{}", text.len());
        assert!(text.ends_with(MORE) && !text.contains('\0'));
        assert_eq!(cut("short".to_owned()), "short");
        let longest = "x".repeat(MAX_ERROR_BYTES);
        assert_eq!(cut(longest.clone()), longest);
    }

    #[test]
    fn an_error_is_not_asked_for_more_than_is_kept() {
        struct Endless<'a>(&'a std::cell::Cell<usize>);
        impl Display for Endless<'_> {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                loop {
                    self.0.set(self.0.get() + 1);
                    f.write_str("once more ")?;
                }
            }
        }
        let asked = std::cell::Cell::new(0);
        let words = words_of(&Endless(&asked));
        assert!(words.len() <= MAX_ERROR_BYTES && words.ends_with(MORE));
        assert!(asked.get() < 1000, "{}", asked.get());
    }

    #[test]
    fn the_cause_of_a_long_error_makes_it_no_longer() {
        #[derive(Debug, thiserror::Error)]
        #[error("{0}")]
        struct Long(String, #[source] std::io::Error);
        let cause = || std::io::Error::other("z".repeat(20_000));
        let text = with_sources(&Long("y".repeat(20_000), cause()));
        assert!(text.len() <= MAX_ERROR_BYTES && text.starts_with('y') && text.ends_with(MORE));
        let text = with_sources(&Long("short".to_owned(), cause()));
        assert!(text.len() <= MAX_ERROR_BYTES && text.starts_with("short: z"));
    }
}
