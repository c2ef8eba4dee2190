//! Where a list goes on.

use std::{fmt, str::FromStr};

use chrono::{DateTime, Utc};
use uuid::Uuid;

/// Where the next page of a list begins; [`Page::next`](super::Page::next). It can be written and
/// read back, for a link. It belongs to its filter.
#[derive(Debug, Clone, PartialEq)]
pub struct Cursor(pub(super) Place);

/// The first row that is not looked at yet.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Place {
    /// By ids, the newest first.
    Ids(Uuid),
    /// By ends, the last first.
    Ends(Option<DateTime<Utc>>, Uuid),
    /// In the lane of a queue and priority, by due times.
    Lane {
        queue: String,
        priority: i16,
        run_at: DateTime<Utc>,
        from: Uuid,
    },
    /// Among the jobs of keys of a queue: the gate, and the job behind it.
    Keys {
        queue: String,
        gate: String,
        priority: i16,
        run_at: DateTime<Utc>,
        from: Uuid,
    },
    Suspects(Uuid),
}

impl Place {
    /// All ids.
    pub(super) const NEWEST: Self = Self::Ids(Uuid::max());
}

/// The next smaller id; `None` below the smallest.
pub(super) fn before(id: Uuid) -> Option<Uuid> {
    id.as_u128().checked_sub(1).map(Uuid::from_u128)
}

/// The next larger id; the largest stays.
pub(super) fn after(id: Uuid) -> Uuid {
    Uuid::from_u128(id.as_u128().saturating_add(1))
}

impl fmt::Display for Cursor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let micros = |time: &DateTime<Utc>| time.timestamp_micros();
        match &self.0 {
            Place::Ids(id) => write!(f, "i/{}", id.simple()),
            Place::Ends(None, id) => write!(f, "e//{}", id.simple()),
            Place::Ends(Some(at), id) => write!(f, "e/{}/{}", micros(at), id.simple()),
            Place::Suspects(id) => write!(f, "s/{}", id.simple()),
            Place::Lane { queue, priority, run_at, from } => {
                write!(f, "l/{queue}/{priority}/{}/{}", micros(run_at), from.simple())
            }
            Place::Keys { queue, gate, priority, run_at, from } => {
                // The gate comes last: it may have any characters.
                write!(f, "k/{queue}/{priority}/{}/{}/{gate}", micros(run_at), from.simple())
            }
        }
    }
}

/// A text is not a [`Cursor`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("it is not the place of a list, as `Page::next` writes it")]
#[non_exhaustive]
pub struct NoCursor;

impl FromStr for Cursor {
    type Err = NoCursor;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        place(text).map(Self).ok_or(NoCursor)
    }
}

fn place(text: &str) -> Option<Place> {
    let id = |text: &str| Uuid::try_parse(text).ok();
    let time = |text: &str| DateTime::from_timestamp_micros(text.parse().ok()?);
    let parts: Vec<&str> = text.splitn(6, '/').collect();
    Some(match *parts.as_slice() {
        ["i", top_id] => Place::Ids(id(top_id)?),
        ["s", top_id] => Place::Suspects(id(top_id)?),
        ["e", "", top_id] => Place::Ends(None, id(top_id)?),
        ["e", at, top_id] => Place::Ends(Some(time(at)?), id(top_id)?),
        ["l", queue, priority, run_at, from] => Place::Lane {
            queue: queue.to_owned(),
            priority: priority.parse().ok()?,
            run_at: time(run_at)?,
            from: id(from)?,
        },
        ["k", queue, priority, run_at, from, gate] if !gate.contains('\0') => Place::Keys {
            queue: queue.to_owned(),
            gate: gate.to_owned(),
            priority: priority.parse().ok()?,
            run_at: time(run_at)?,
            from: id(from)?,
        },
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_place_is_read_as_it_was_written() {
        let (id, at) =
            (Uuid::now_v7(), DateTime::from_timestamp_micros(1_796_000_000_123_456).unwrap());
        let (queue, priority) = ("mails".to_owned(), -5);
        for place in [
            Place::NEWEST,
            Place::Suspects(id),
            Place::Ends(None, id),
            Place::Ends(Some(at), id),
            Place::Lane { queue: queue.clone(), priority, run_at: at, from: id },
            Place::Keys {
                queue,
                gate: "key:mails/k#a/b/c".to_owned(),
                priority,
                run_at: at,
                from: id,
            },
        ] {
            let cursor = Cursor(place);
            assert_eq!(cursor.to_string().parse(), Ok(cursor));
        }
        for text in ["", "i", "i/7", "x/y", "l/q/99999/0/0", "e/a/b"] {
            assert_eq!(text.parse::<Cursor>(), Err(NoCursor), "{text}");
        }
    }

    #[test]
    fn ids_have_neighbours() {
        let id = Uuid::from_u128(7);
        assert_eq!((before(id), after(id)), (Some(Uuid::from_u128(6)), Uuid::from_u128(8)));
        assert_eq!((before(Uuid::nil()), after(Uuid::max())), (None, Uuid::max()));
    }
}
