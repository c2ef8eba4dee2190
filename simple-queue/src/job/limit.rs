//! Limits that hold for all processes together.

/// A limit on how many jobs run at once in all processes together, for jobs of any kinds and queues
/// that name it.
///
/// ```
/// use simple_queue::{Limit, prelude::*};
///
/// /// The payment provider allows 50 connections.
/// static PAYMENTS: Limit = Limit::named("payments").concurrency(50);
///
/// #[job(limits = [PAYMENTS])]
/// async fn charge(order_id: i64) {}
///
/// #[job(limits = [PAYMENTS])]
/// async fn refund(order_id: i64) {}
/// ```
///
/// An operator can change it at run time, on all machines at once: see
/// [`SimpleQueue::limits`](crate::SimpleQueue::limits). Two declarations of one name must have the
/// same number.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limit {
    pub(crate) name: &'static str,
    pub(crate) concurrency: u32,
}

impl Limit {
    /// Names a limit; [`NamedLimit::concurrency`] completes it.
    ///
    /// # Panics
    /// When the name is empty, longer than 128 bytes, or contains a `:` or a control character. In a
    /// `static` that is a compile error.
    pub const fn named(name: &'static str) -> NamedLimit {
        let bytes = name.as_bytes();
        assert!(
            !bytes.is_empty() && bytes.len() <= LONGEST_NAME,
            "the name of a limit has 1 to 128 bytes"
        );
        let mut at = 0;
        while at < bytes.len() {
            assert!(
                bytes[at] != b':' && !bytes[at].is_ascii_control(),
                "the name of a limit contains no `:` and no control character"
            );
            at += 1;
        }
        NamedLimit { name }
    }
}

/// A limit whose number is not set yet; [`Limit::named`] makes one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[must_use = "it limits nothing before its `concurrency` is set"]
pub struct NamedLimit {
    name: &'static str,
}

impl NamedLimit {
    /// Sets how many of the jobs that name the limit run at once, in all processes together.
    ///
    /// # Panics
    /// When it is 0, or above 1,000,000. In a `static` that is a compile error.
    #[must_use]
    pub const fn concurrency(self, concurrency: u32) -> Limit {
        assert!(
            concurrency > 0,
            "a limit of 0 would stop its jobs: pause it with `SimpleQueue::limits`"
        );
        assert!(concurrency <= MOST_OF_A_LIMIT, "a limit is at most 1,000,000");
        Limit { name: self.name, concurrency }
    }
}

/// 128 bytes, upper bound of a limit's name.
const LONGEST_NAME: usize = 128;

/// 1,000,000, upper bound of a limit.
pub(crate) const MOST_OF_A_LIMIT: u32 = 1_000_000;
