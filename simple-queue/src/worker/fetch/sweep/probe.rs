//! Finds priorities that fetches cannot find, because an old snapshot keeps so many entries of a neighbouring priority
//! that reading past them takes too long.

use super::{Sweeper, Work};
use crate::{
    database::failure::is_statement_timeout,
    worker::fetch::floor::{BEFORE_ALL, Floors},
};

impl Sweeper {
    /// Searches a gap for priorities that fetches do not find.
    pub(super) async fn probe(&mut self, queue: String, low: i32, high: i32) -> sqlx::Result<()> {
        let store = &self.worker.store;
        let found = self
            .connection
            .ask(async |connection| store.find_lane(connection, &queue, low, high).await)
            .await;
        match found {
            Ok(None) => {}
            Ok(Some(priority)) => {
                self.worker.sweeps.floors().pin(&queue, priority);
                self.worker.client.wake().wake_local();
                self.far.push(Work::Gap { queue, low: priority.into(), high });
            }
            Err(error) if is_statement_timeout(&error) => {
                match i16::try_from(low + 1) {
                    // The gap holds a single priority, with many entries.
                    Ok(priority) if high - low <= 2 => {
                        self.worker.sweeps.floors().pin(&queue, priority);
                    }
                    _ => {
                        let middle = between(low, high);
                        self.far.extend([
                            Work::Gap { queue: queue.clone(), low: middle - 1, high },
                            Work::Gap { queue, low, high: middle },
                        ]);
                    }
                }
            }
            Err(error) => {
                self.far.push(Work::Gap { queue, low, high });
                return Err(error);
            }
        }
        // Once no gap is left, every priority in use is known.
        if !self.far.iter().any(Work::is_gap) {
            self.worker.sweeps.floors().probes = true;
        }
        Ok(())
    }
}

/// The gaps between the known priorities of each queue.
pub(super) fn gaps(floors: &Floors) -> Vec<Work> {
    let mut gaps = Vec::new();
    for (queue, priorities) in floors.known() {
        let mut low = BEFORE_ALL;
        for high in priorities.into_iter().map(i32::from).chain([i32::from(i16::MAX) + 1]) {
            if high - low > 1 {
                gaps.push(Work::Gap { queue: queue.clone(), low, high });
            }
            low = high;
        }
    }
    gaps
}

/// Where to divide a gap: near 0, where most priorities are, or in its middle.
const fn between(low: i32, high: i32) -> i32 {
    const NEAR: i32 = 16;
    if high - low > 4 * NEAR {
        if low >= 0 {
            return low + NEAR;
        }
        if high <= 0 {
            return high - NEAR;
        }
    }
    low + (high - low + 1) / 2
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_gap_is_divided_until_one_priority_is_left() {
        for (low, high) in [(0, 32_768), (BEFORE_ALL, 0), (BEFORE_ALL, 32_768), (3, 6), (3, 7)] {
            let mut gaps = vec![(low, high)];
            let mut single = 0;
            while let Some((low, high)) = gaps.pop() {
                match high - low {
                    ..2 => {}
                    2 => single += 1,
                    _ => {
                        let middle = between(low, high);
                        assert!(low < middle && middle < high, "{low} {middle} {high}");
                        gaps.extend([(middle - 1, high), (low, middle)]);
                    }
                }
            }
            assert_eq!(single, high - low - 1, "each priority once");
        }
    }
}
