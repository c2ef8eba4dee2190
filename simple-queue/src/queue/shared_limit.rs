//! A limit that holds for all processes together, as a process declares it.

/// A limit that holds for all processes together.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct SharedLimit {
    /// Its name in the database.
    pub(crate) name: String,
    pub(crate) most: usize,
}

impl SharedLimit {
    pub(crate) fn new(name: String, most: u32) -> Self {
        Self { name, most: usize::try_from(most).unwrap_or(usize::MAX) }
    }

    pub(crate) fn of_queue(queue: &str, most: usize) -> Self {
        Self { name: format!("queue:{queue}"), most }
    }
}
