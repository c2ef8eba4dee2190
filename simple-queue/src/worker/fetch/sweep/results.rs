//! What a sweep does with the parts that it has read, and with those that it could not read in time.

use super::{
    MOST, PATIENCE, Sweeper, Work,
    slice::{FEW_IDS, Part, WHOLE},
};
use crate::{
    store::{FIRST_TIME, Overtaken, Position},
    telemetry,
};

impl Sweeper {
    /// Records what was found in each part, and continues with the next slice of an expensive lane.
    pub(super) fn apply_results(
        &mut self,
        parts: Vec<Part>,
        found: &Overtaken,
        is_cheap: bool,
        present: Option<Position>,
    ) {
        let mut is_news = false;
        let mut floors = self.worker.sweeps.floors();
        for (place, part) in parts.into_iter().enumerate() {
            let jobs: Vec<Position> = found
                .jobs
                .iter()
                .filter_map(|&(part, position)| (part == place).then_some(position))
                .collect();
            // A job due before the first usable time cannot be read from a floor.
            let is_ancient = |job: &&Position| job.run_at <= FIRST_TIME;
            is_news |=
                floors.found(&part.below.share, jobs.iter().filter(is_ancient).map(|job| job.id));
            let jobs: Vec<Position> = jobs.into_iter().filter(|job| !is_ancient(&job)).collect();
            let first = jobs.first().copied();
            let is_dense = i64::try_from(jobs.len()).is_ok_and(|jobs| jobs >= MOST);
            let from = part.from(present);
            let begins_at_floor = part.until == part.below.until;
            if from.is_none() && begins_at_floor && (is_cheap || is_dense || first.is_none()) {
                is_news |= floors.swept(&part.below, first, found.now);
            } else if let Some(first) = first {
                is_news |= if is_dense || (is_cheap && begins_at_floor) {
                    floors.lower(&part.below, first)
                } else {
                    floors.found(&part.below.share, jobs.iter().map(|job| job.id))
                };
            }
            if part.width == WHOLE {
                continue;
            }
            let lane = (part.below.share.clone(), part.below.priority);
            let is_over = from.is_none_or(|from| part.stop == Some(from));
            let rest = part.rest(from, is_cheap);
            if is_over && rest.width == WHOLE {
                self.widths.remove(&lane);
            } else {
                self.widths.insert(lane, rest.width);
            }
            if !is_over {
                let rest = Work::Parts(vec![rest]);
                if is_cheap { self.near.push(rest) } else { self.far.push(rest) }
            }
        }
        drop(floors);
        if self.patience > PATIENCE {
            self.set_patience(self.patience / 2);
        }
        if is_news {
            self.worker.client.wake().wake_local();
        }
    }

    /// Divides parts that were not read in time: first by lanes, and then a lane into slices.
    pub(super) fn divide(&mut self, parts: Vec<Part>, present: Option<Position>) {
        if parts.len() > 1 {
            self.apart = parts.len();
            self.near.extend(parts.into_iter().map(|part| Work::Parts(vec![part])));
            return;
        }
        for part in parts {
            if part.width < FEW_IDS {
                self.set_patience(self.patience * 2);
            }
            let lane = (part.below.share.clone(), part.below.priority);
            let part = part.divided(present);
            telemetry::fetch::part_timed_out(&part.below.share.0, part.below.priority, part.width);
            self.widths.insert(lane, part.width);
            // Its end is known only after a fetch. The next sweep continues with it then.
            if part.until.is_some() || present.is_some() {
                self.far.push(Work::Parts(vec![part]));
            }
        }
    }
}
