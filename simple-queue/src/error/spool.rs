//! Errors about the spool.

/// Why the spool cannot be used.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum SpoolError {
    /// Its files cannot be read, or not be removed.
    #[error("the files of the spool cannot be used: {error}; its jobs wait in them")]
    #[non_exhaustive]
    Files {
        /// The error of the operating system.
        error: std::io::Error,
    },
}
