//! A limit that holds for all processes together, as a process declares it.

use crate::{
    job::{Limit, Rate},
    store::DeclaredLimit,
};

/// A limit that holds for all processes together.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct SharedLimit {
    /// Its name in the database.
    pub(crate) name: String,
    /// How many jobs may run at once.
    pub(crate) most: Option<usize>,
    /// How many may start in a time.
    pub(crate) rate: Option<Rate>,
}

impl SharedLimit {
    pub(crate) fn new(name: String, most: Option<u32>, rate: Option<Rate>) -> Self {
        let most = most.map(|most| usize::try_from(most).unwrap_or(usize::MAX));
        Self { name, most, rate }
    }

    pub(crate) fn declared(&self) -> DeclaredLimit<'_> {
        let Self { name, most, rate } = self;
        DeclaredLimit { name, most: *most, rate: *rate }
    }

    /// The limit of a queue, which allows anything yet.
    pub(crate) fn of_queue(queue: &str) -> Self {
        Self { name: format!("queue:{queue}"), most: None, rate: None }
    }
}

impl From<Limit> for SharedLimit {
    fn from(Limit { name, concurrency, rate }: Limit) -> Self {
        Self::new(name.to_owned(), concurrency, rate)
    }
}
