//! A number of jobs that may not be all of them.

use std::fmt;

/// A number of jobs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Count {
    /// So many.
    Exact(u64),
    /// So many or more: it was not counted further.
    AtLeast(u64),
}

impl Count {
    /// Returns the number, whether it is all or not.
    pub const fn counted(self) -> u64 {
        match self {
            Self::Exact(count) | Self::AtLeast(count) => count,
        }
    }
}

impl fmt::Display for Count {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let digits = self.counted().to_string();
        for (at, digit) in digits.char_indices() {
            if at > 0 && (digits.len() - at).is_multiple_of(3) {
                f.write_str(",")?;
            }
            write!(f, "{digit}")?;
        }
        f.write_str(if matches!(self, Self::AtLeast(_)) { "+" } else { "" })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_number_is_written_in_groups_of_three_digits() {
        for (count, written) in [
            (Count::Exact(0), "0"),
            (Count::Exact(812), "812"),
            (Count::Exact(1_000), "1,000"),
            (Count::AtLeast(10_000), "10,000+"),
            (Count::Exact(1_234_567), "1,234,567"),
        ] {
            assert_eq!(count.to_string(), written);
        }
    }
}
