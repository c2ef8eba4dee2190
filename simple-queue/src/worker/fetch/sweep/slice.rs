//! A part of a lane that is swept, and how large it is.

use chrono::DateTime;
use uuid::Uuid;

use crate::{
    store::{FIRST_TIME, LanePart, Position},
    worker::fetch::lane::{LaneBelow, ShareKey},
};

#[derive(Debug, Clone)]
pub(super) struct Part {
    pub(super) below: LaneBelow,
    /// Where it ends; `None`: at the present.
    pub(super) until: Option<Position>,
    /// Where it begins at the earliest; `None`: with its lane.
    pub(super) stop: Option<Position>,
    pub(super) width: u32,
}

/// The width of a part is a power of two of positions. One position is an id at a microsecond: 128 bits of id, then
/// the microseconds.
pub(super) const ID_BITS: u32 = 128;
/// 2^62 microseconds: the whole lane.
pub(super) const WHOLE: u32 = ID_BITS + 62;
/// 2^36 microseconds, 19 hours: the first slice of a dear lane.
const FIRST_SLICE: u32 = ID_BITS + 36;

pub(super) fn wider(width: u32) -> u32 {
    match width + 4 {
        // Two thousand years.
        width if width >= ID_BITS + 56 => WHOLE,
        width => width,
    }
}

pub(super) fn narrower(width: u32) -> u32 {
    match width {
        WHOLE => FIRST_SLICE,
        width => width.saturating_sub(12),
    }
}

impl Part {
    /// Where it begins; `None`: with its lane.
    pub(super) fn from(&self, present: Option<Position>) -> Option<Position> {
        let from = self.until.or(present).and_then(|until| before(until, self.width));
        std::cmp::max(from, self.stop)
    }

    pub(super) fn is_of(&self, (share, priority): &(ShareKey, i16)) -> bool {
        self.below.share == *share && self.below.priority == *priority
    }

    pub(super) fn asked(&self, part: i32, present: Option<Position>) -> LanePart<'_> {
        let from = self.from(present);
        LanePart {
            part,
            queue: &self.below.share.0,
            priority: self.below.priority,
            kinds: self.below.share.1.as_deref(),
            excluded: &self.below.excluded,
            from_run_at: from.map(|from| from.run_at),
            from_id: from.map(|from| from.id),
            until_run_at: self.until.map(|until| until.run_at),
            until_id: self.until.map(|until| until.id),
        }
    }
}

/// The position that lies 2^`width` before another; `None`: the beginning.
fn before(position: Position, width: u32) -> Option<Position> {
    let (micros, id) = (position.run_at.timestamp_micros(), position.id.as_u128());
    let (micros, id) = match width.checked_sub(ID_BITS) {
        Some(width) => (micros.checked_sub(1_i64.checked_shl(width)?)?, id),
        None => {
            let (id, borrowed) = id.overflowing_sub(1 << width);
            (micros.checked_sub(borrowed.into())?, id)
        }
    };
    let run_at = DateTime::from_timestamp_micros(micros).filter(|at| *at > FIRST_TIME)?;
    Some(Position { run_at, id: Uuid::from_u128(id) })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn position(micros: i64, id: u128) -> Position {
        let run_at = DateTime::from_timestamp_micros(micros).unwrap();
        Position { run_at, id: Uuid::from_u128(id) }
    }

    #[test]
    fn a_slice_is_a_power_of_two_of_microseconds_or_of_ids() {
        assert_eq!(
            before(position(1 << 40, 7), ID_BITS + 36),
            Some(position((1 << 40) - (1 << 36), 7))
        );
        assert_eq!(before(position(5, 100), 3), Some(position(5, 92)));
        assert_eq!(before(position(5, 1), 1), Some(position(4, u128::MAX)), "it borrows");
        assert_eq!(before(position(5, 100), WHOLE), None);
        assert_eq!(before(position(5, 100), ID_BITS + 60), None, "before our era");
    }

    #[test]
    fn a_slice_that_is_not_read_in_time_becomes_smaller_down_to_one_id() {
        let mut width = WHOLE;
        for _ in 0..40 {
            width = narrower(width);
        }
        assert_eq!(width, 0);
        for _ in 0..100 {
            width = wider(width);
        }
        assert_eq!(width, WHOLE);
    }
}
