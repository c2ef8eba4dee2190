//! Windows of the calendar, for rates that begin anew at times of the clock.

use std::fmt;

use serde::{Deserialize, Deserializer, Serialize, Serializer, de::Error as _};

/// A window of the calendar, in which a [rate](crate::Rate::in_each) allows its limit.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
#[non_exhaustive]
pub enum Window {
    /// From one full minute to the next.
    Minute,
    /// From one full hour to the next.
    Hour,
    /// From midnight to midnight.
    Day,
    /// From the midnight before Monday.
    Week,
    /// From the midnight before the first.
    Month,
}

impl Window {
    /// About how many seconds it has.
    pub(super) const fn seconds(self) -> u64 {
        match self {
            Self::Minute => 60,
            Self::Hour => 60 * 60,
            Self::Day => 24 * 60 * 60,
            Self::Week => 7 * 24 * 60 * 60,
            Self::Month => 30 * 24 * 60 * 60,
        }
    }

    const fn word(self) -> &'static str {
        match self {
            Self::Minute => "minute",
            Self::Hour => "hour",
            Self::Day => "day",
            Self::Week => "week",
            Self::Month => "month",
        }
    }
}

/// A window and the time zone of its clock.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Calendar {
    pub(super) window: Window,
    pub(super) zone: Zone,
}

impl Calendar {
    pub(super) const fn equals(self, other: Self) -> bool {
        self.window as u8 == other.window as u8 && self.zone.equals(other.zone)
    }
}

impl fmt::Display for Calendar {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} of {}", self.window.word(), self.zone.name())
    }
}

/// 40 bytes, more than the longest name of a time zone has.
const LONGEST: usize = 40;

/// The name of a time zone. It has its bytes in itself, so that a rate can be copied.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) struct Zone {
    bytes: [u8; LONGEST],
    length: usize,
}

impl Zone {
    /// Returns the zone of this name; `None` if it is empty or too long.
    pub(super) const fn of(name: &str) -> Option<Self> {
        let name = name.as_bytes();
        if name.is_empty() || name.len() > LONGEST {
            return None;
        }
        let (mut bytes, mut at) = ([0; LONGEST], 0);
        while at < name.len() {
            bytes[at] = name[at];
            at += 1;
        }
        Some(Self { bytes, length: name.len() })
    }

    fn name(&self) -> &str {
        std::str::from_utf8(&self.bytes[..self.length]).unwrap_or_default()
    }

    const fn equals(self, other: Self) -> bool {
        let mut at = 0;
        while at < LONGEST {
            if self.bytes[at] != other.bytes[at] {
                return false;
            }
            at += 1;
        }
        true
    }
}

impl fmt::Debug for Zone {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.name().fmt(f)
    }
}

impl Serialize for Zone {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.name().serialize(serializer)
    }
}

impl<'de> Deserialize<'de> for Zone {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let name = String::deserialize(deserializer)?;
        Self::of(&name).ok_or_else(|| D::Error::custom("the name of a time zone is too long"))
    }
}
