//! Errors about limits.

/// Why a limit cannot be used.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum LimitError {
    /// Two declarations of one limit have different numbers.
    #[error(
        "the limit `{name}` is declared with {first} and with {second} (by the job at {declared_at}); give both the same number"
    )]
    #[non_exhaustive]
    Different {
        /// The limit.
        name: String,
        /// The number of the first declaration.
        first: usize,
        /// The number of the second one.
        second: usize,
        /// File and line of the job with the second one.
        declared_at: &'static str,
    },
    /// The database knows no limit of this name.
    #[error(
        "there is no limit `{name}`: `SimpleQueue::limits` lists them, once a worker with such a job has looked for jobs"
    )]
    #[non_exhaustive]
    Unknown {
        /// The name.
        name: String,
    },
}
