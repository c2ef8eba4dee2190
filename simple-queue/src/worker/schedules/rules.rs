//! Rules of schedules, read once.

use std::collections::HashMap;

use crate::{
    Error,
    schedule::{Schedule, StoredRule},
};

/// 10,000, upper bound of the rules that are kept. Beyond it they are read again.
const MOST: usize = 10_000;

/// The rules that this process has read. Many schedules share few rules, and each is read at every tick.
#[derive(Debug, Default)]
pub(super) struct Rules(HashMap<StoredRule, Schedule>);

impl Rules {
    pub(super) fn read(&mut self, rule: StoredRule) -> Result<Schedule, Error> {
        if let Some(read) = self.0.get(&rule) {
            return Ok(read.clone());
        }
        let read = rule.read()?;
        if self.0.len() >= MOST {
            self.0.clear();
        }
        self.0.insert(rule, read.clone());
        Ok(read)
    }
}
