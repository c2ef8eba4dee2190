//! The parts of a migration, and how a schema stands to them.

use std::cmp::Ordering;

/// A file of `migrations/`.
pub(super) struct Part {
    pub(super) name: &'static str,
    pub(super) sql: &'static str,
    /// Whether a newer release with another text applies it again.
    pub(super) repeats: bool,
}

/// In order of application. The files of tables are append-only, and each is applied once.
pub(super) const PARTS: &[Part] = &[
    Part {
        name: "0001_tables",
        sql: include_str!("../../migrations/0001_tables.sql"),
        repeats: false,
    },
    Part { name: "functions", sql: include_str!("../../migrations/functions.sql"), repeats: true },
];

/// What a schema records of a part that was applied.
pub(super) struct Applied {
    pub(super) name: String,
    pub(super) release: String,
    pub(super) checksum: i64,
}

/// A part of a schema beside that of this release. One that is `Other` differs, and is applied only once.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Standing {
    Current,
    Older,
    Newer,
    Other,
}

/// This release.
pub(super) const RELEASE: &str = env!("CARGO_PKG_VERSION");

impl Part {
    pub(super) fn standing(&self, there: &Applied) -> Standing {
        let differs = there.checksum != self.checksum();
        let (ours, theirs) = (number(RELEASE), number(&there.release));
        match theirs.cmp(&ours) {
            _ if !self.repeats => {
                if differs {
                    Standing::Other
                } else {
                    Standing::Current
                }
            }
            Ordering::Less => Standing::Older,
            Ordering::Equal => {
                if differs {
                    Standing::Older
                } else {
                    Standing::Current
                }
            }
            Ordering::Greater => Standing::Newer,
        }
    }

    /// The statement that records it, as text.
    pub(super) fn record(&self) -> String {
        include_str!("sql/record_migration.sql")
            .replace(":name", &format!("'{}'", self.name))
            .replace(":release", &format!("'{RELEASE}'"))
            .replace(":checksum", &self.checksum().to_string())
            .trim_end()
            .to_owned()
    }

    /// FNV-1a over the text: distinguishes versions, and is not a protection.
    pub(super) fn checksum(&self) -> i64 {
        const BASIS: u64 = 0xcbf2_9ce4_8422_2325;
        const PRIME: u64 = 0x0100_0000_01b3;
        let hash =
            self.sql.bytes().fold(BASIS, |hash, byte| (hash ^ u64::from(byte)).wrapping_mul(PRIME));
        hash.cast_signed()
    }
}

/// A release in comparable form: a pre-release is older than its release. A text that is not a release is older than
/// all.
fn number(release: &str) -> Option<([u64; 3], bool)> {
    let (numbers, is_final) = match release.split_once('-') {
        Some((numbers, _)) => (numbers, false),
        None => (release, true),
    };
    let numbers: Vec<u64> = numbers.split('.').map(str::parse).collect::<Result<_, _>>().ok()?;
    Some((numbers.try_into().ok()?, is_final))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn releases_are_compared_by_their_numbers() {
        for (older, newer) in
            [("0.3.0", "0.3.1"), ("0.9.0", "0.10.0"), ("1.0.0-rc.1", "1.0.0"), ("x", "0.0.1")]
        {
            assert!(number(older) < number(newer), "{older} {newer}");
        }
    }
}
