//! A part of a lane that is swept, and its size.

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
    /// Lower bound of where it begins; `None`: the beginning of its lane.
    pub(super) stop: Option<Position>,
    pub(super) width: u32,
    /// The slices around it that were not read in time, the smallest last.
    pub(super) late: Vec<Late>,
}

/// A slice that was not read in time.
#[derive(Debug, Clone, Copy)]
pub(super) struct Late {
    from: Option<Position>,
    width: u32,
}

/// 128, the bits of an id. The width of a part is a power of two of positions. A position is an id at a microsecond:
/// the id is its low 128 bits, the microseconds are the high ones.
pub(super) const ID_BITS: u32 = 128;
/// 2^62 microseconds: the whole lane.
pub(super) const WHOLE: u32 = ID_BITS + 62;
/// 2^36 microseconds, 19 hours: the first slice of an expensive lane.
const FIRST_SLICE: u32 = ID_BITS + 36;
/// 2^60 ids, of which one process makes a handful. A slice this small that is not read in time means that the server is
/// slow.
pub(super) const FEW_IDS: u32 = 60;
/// 16 times (2^4) the width of a slice that was read quickly is the width of the next one.
const STEP: u32 = 4;

fn wider(width: u32) -> u32 {
    match width + STEP {
        // Two thousand years.
        width if width >= ID_BITS + 56 => WHOLE,
        width => width,
    }
}

fn narrower(width: u32) -> u32 {
    match width {
        WHOLE => FIRST_SLICE,
        width => width.saturating_sub(12),
    }
}

impl Part {
    /// Where it begins; `None`: at the beginning of its lane.
    pub(super) fn from(&self, present: Option<Position>) -> Option<Position> {
        let from = self.until.or(present).and_then(|until| before(until, self.width));
        std::cmp::max(from, self.stop)
    }

    /// The part to read after this one. It is wider if this one was read quickly, but within a slice that was not read
    /// in time it stays narrower than that slice.
    pub(super) fn rest(self, from: Option<Position>, is_cheap: bool) -> Self {
        let mut late = self.late;
        late.retain(|late| from.is_some() && from > late.from);
        let width = if is_cheap { wider(self.width) } else { self.width };
        let width = late.last().map_or(width, |late| std::cmp::min(width, late.width - STEP));
        Self { until: from, width, late, ..self }
    }

    /// Its first slice, after the whole was not read in time.
    pub(super) fn divided(mut self, present: Option<Position>) -> Self {
        self.late.push(Late { from: self.from(present), width: std::cmp::max(self.width, STEP) });
        self.width = narrower(self.width);
        self
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

    fn whole_lane() -> Part {
        let below = LaneBelow {
            share: ("q".to_owned(), None),
            excluded: Vec::new(),
            priority: 0,
            until: Some(position(1 << 50, 0)),
        };
        Part { until: below.until, stop: None, width: WHOLE, late: Vec::new(), below }
    }

    /// Reads a lane in which one place takes long. Returns how many reads were late, and how many were not.
    fn reads(dense: Position, most: u128) -> (u32, u32) {
        let key = |at: Position| (at.run_at.timestamp_micros(), at.id.as_u128());
        let (mut part, mut late, mut in_time) = (whole_lane(), 0, 0);
        loop {
            let (from, until) = (part.from(None), part.until.unwrap());
            let holds = from.is_none_or(|from| from <= dense) && dense < until;
            let is_small = from.is_some_and(|from| {
                key(from).0 == key(until).0 && until.id.as_u128() - from.id.as_u128() <= most
            });
            if holds && !is_small {
                (part, late) = (part.divided(None), late + 1);
                continue;
            }
            in_time += 1;
            part = part.rest(from, !holds);
            if from.is_none() {
                return (late, in_time);
            }
        }
    }

    #[test]
    fn a_place_that_takes_long_is_passed_after_some_forty_reads_that_are_late() {
        for (micros, id) in [((1 << 50) - 1, 1 << 100), ((1 << 50) - (1 << 32), 7), (1 << 20, 0)] {
            let (late, in_time) = reads(position(micros, id), 1 << 80);
            assert!(late <= 50 && in_time <= 800, "{micros} {id}: {late} late, {in_time} in time");
        }
    }

    #[test]
    fn a_slice_that_is_not_read_in_time_becomes_smaller_down_to_one_id() {
        let mut part = whole_lane();
        for _ in 0..40 {
            part = part.divided(None);
        }
        assert_eq!(part.width, 0);
        for _ in 0..100 {
            part = part.rest(None, true);
        }
        assert_eq!(part.width, WHOLE);
    }
}
