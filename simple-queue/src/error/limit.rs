//! Errors about limits.

/// Why a limit cannot be used.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum LimitError {
    /// Two declarations of one limit differ.
    #[error(
        "the limit `{name}` is declared with {first}, and with {second} (by the job at {declared_at}); give both the same `static`"
    )]
    #[non_exhaustive]
    Different {
        /// The limit.
        name: String,
        /// What the first declaration allows.
        first: String,
        /// What the second one allows.
        second: String,
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
