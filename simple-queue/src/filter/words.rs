//! The words of the written form, for both directions.

use super::State;

/// What a term is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Word {
    State,
    Queue,
    Kind,
    Status,
    Id,
    Worker,
    Priority,
    Attempts,
    Created,
    Finished,
    After,
    Before,
    Tag,
    Fingerprint,
    Key,
    Args,
    Metadata,
    Error,
    ErrorKey,
}

impl Word {
    pub(super) const ALL: [(&str, Self); 19] = [
        ("state", Self::State),
        ("queue", Self::Queue),
        ("kind", Self::Kind),
        ("status", Self::Status),
        ("id", Self::Id),
        ("worker", Self::Worker),
        ("priority", Self::Priority),
        ("attempts", Self::Attempts),
        ("created", Self::Created),
        ("finished", Self::Finished),
        ("after", Self::After),
        ("before", Self::Before),
        ("tag", Self::Tag),
        ("fingerprint", Self::Fingerprint),
        ("key", Self::Key),
        ("args", Self::Args),
        ("metadata", Self::Metadata),
        ("error", Self::Error),
        ("error_key", Self::ErrorKey),
    ];

    pub(super) fn of(name: &str) -> Option<Self> {
        Self::ALL.iter().find(|(known, _)| *known == name).map(|(_, word)| *word)
    }

    /// Whether a filter may have several terms of it.
    pub(super) fn repeats(self) -> bool {
        matches!(self, Self::Tag | Self::Args | Self::Metadata)
    }
}

impl State {
    pub(super) const ALL: [(&str, Self); 7] = [
        ("waiting", Self::Waiting),
        ("later", Self::Later),
        ("running", Self::Running),
        ("live", Self::Live),
        ("done", Self::Done),
        ("dead", Self::Dead),
        ("any", Self::Any),
    ];

    pub(crate) fn as_str(self) -> &'static str {
        Self::ALL.iter().find(|(_, state)| *state == self).map_or("any", |(name, _)| name)
    }
}

/// The units of a time before now, the longest first, in microseconds.
pub(super) const UNITS: [(&str, u64); 6] = [
    ("d", 24 * 60 * 60 * 1_000_000),
    ("h", 60 * 60 * 1_000_000),
    ("m", 60 * 1_000_000),
    ("s", 1_000_000),
    ("ms", 1_000),
    ("us", 1),
];

/// Whether a value needs no quotes.
pub(super) fn is_bare(value: &str) -> bool {
    !value.is_empty() && !value.starts_with('=') && !value.chars().any(ends_bare)
}

/// Whether a bare value ends before this character.
pub(super) fn ends_bare(c: char) -> bool {
    c.is_whitespace() || c == '"' || c == ','
}

/// Whether a key of a path needs no quotes.
pub(super) fn is_bare_key(key: &str) -> bool {
    !key.is_empty() && !key.chars().any(ends_bare_key)
}

/// Whether a bare key of a path ends before this character.
pub(super) fn ends_bare_key(c: char) -> bool {
    ends_bare(c) || c == '.' || c == ':'
}
