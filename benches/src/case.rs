//! What figures are of.

/// What is measured the same way of several contestants.
#[derive(Debug, Clone)]
pub(crate) struct Case {
    pub(crate) workload: &'static str,
    /// The same however much is measured, so that reports can be compared and targets be found.
    pub(crate) name: &'static str,
    /// How much is measured.
    pub(crate) size: String,
    /// By what the contestants are compared.
    pub(crate) ratios: &'static [&'static str],
}

impl std::fmt::Display for Case {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}, {} ({})", self.workload, self.name, self.size)
    }
}
