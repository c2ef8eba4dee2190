//! How answers are written: for people on a terminal, as tabs in a pipe, as JSON where that is asked for.
//!
//! All stored text is hostile: it may hold sequences that a terminal obeys. So every text passes through [`shown`].

mod table;
mod time;

pub(crate) use table::{Cell, List};
pub(crate) use time::{ago, parse_duration, short};

use std::io::{IsTerminal, Write};

use anstyle::{AnsiColor, Style};

pub(crate) const ERROR: Style = AnsiColor::Red.on_default().bold();
pub(crate) const HINT: Style = AnsiColor::Cyan.on_default();
pub(crate) const HEAD: Style = Style::new().dimmed();
pub(crate) const BAD: Style = AnsiColor::Red.on_default();
pub(crate) const GOOD: Style = AnsiColor::Green.on_default();
pub(crate) const NOTABLE: Style = AnsiColor::Yellow.on_default();

/// A colour that a context has, so that one is not taken for another.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Hue {
    Red,
    Yellow,
    Green,
    Cyan,
    Blue,
    Magenta,
}

impl Hue {
    /// As a page has it.
    pub(crate) const fn in_a_page(self) -> &'static str {
        match self {
            Self::Red => "#b42318",
            Self::Yellow => "#b97a00",
            Self::Green => "#1e7a3c",
            Self::Cyan => "#0e7490",
            Self::Blue => "#2159c5",
            Self::Magenta => "#a21caf",
        }
    }

    pub(crate) fn style(self) -> Style {
        let colour = match self {
            Self::Red => AnsiColor::Red,
            Self::Yellow => AnsiColor::Yellow,
            Self::Green => AnsiColor::Green,
            Self::Cyan => AnsiColor::Cyan,
            Self::Blue => AnsiColor::Blue,
            Self::Magenta => AnsiColor::Magenta,
        };
        colour.on_default().bold()
    }
}

/// Whether answers are read by a person.
pub(crate) fn is_terminal() -> bool {
    std::io::stdout().is_terminal()
}

/// Writes a line. A reader that has gone, as `head` does, ends the program.
pub(crate) fn line(text: &str) {
    if writeln!(anstream::stdout(), "{text}").is_err() {
        std::process::exit(0);
    }
}

/// A stored text as it is safe on a terminal: characters that control one are written as `\u{1b}`.
pub(crate) fn shown(text: &str) -> String {
    let is_safe = |c: char| !c.is_control() && !is_bidi(c);
    let mut safe = String::with_capacity(text.len());
    for c in text.chars() {
        if is_safe(c) { safe.push(c) } else { safe.extend(c.escape_default()) }
    }
    safe
}

/// A stored text as a word of a command that is to be typed: it must not be more than a word for a shell.
pub(crate) fn word(text: &str) -> String {
    let is_plain = |c: char| c.is_ascii_alphanumeric() || "_-.:/".contains(c);
    if !text.is_empty() && text.chars().all(is_plain) {
        return text.to_owned();
    }
    format!("'{}'", shown(text).replace('\'', "'\\''"))
}

/// Characters that turn the direction of writing, and so can make one text look like another.
fn is_bidi(c: char) -> bool {
    matches!(c, '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_terminal_would_obey_is_written_out() {
        let hostile = "ok \u{1b}]0;title\u{7} \u{202e}txt.exe\n";
        assert_eq!(shown(hostile), r"ok \u{1b}]0;title\u{7} \u{202e}txt.exe\n");
        assert_eq!(shown("Grüße, 世界"), "Grüße, 世界");
        assert_eq!(word("queue:emails"), "queue:emails");
        assert_eq!(word("$(rm it's)"), r"'$(rm it'\''s)'");
    }
}
