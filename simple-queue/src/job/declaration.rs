//! Refuses at compile time two jobs of one name, and two declarations of one limit that differ.

use super::Limit;

/// What the compiler knows of a job in a `jobs![…]` list.
#[derive(Debug, Clone, Copy)]
pub struct KindDeclaration {
    /// The job's kind.
    pub kind: &'static str,
    /// Hash of the kind, compared first. Comparing hundreds of long common prefixes byte by byte
    /// would exceed the compiler's limit of constant evaluation.
    pub hash: u64,
    /// File and line of the declaration.
    pub declared_at: &'static str,
    /// The limits that it shares with other jobs.
    pub limits: &'static [Limit],
}

/// The 64-bit FNV-1a hash of a kind.
pub(crate) const fn hash_of_kind(kind: &str) -> u64 {
    let bytes = kind.as_bytes();
    let (mut hash, mut at) = (0xcbf2_9ce4_8422_2325_u64, 0);
    while at < bytes.len() {
        hash = (hash ^ bytes[at] as u64).wrapping_mul(0x0000_0100_0000_01b3);
        at += 1;
    }
    hash
}

/// Fails in a constant when two declarations share a kind. The message names both places.
///
/// # Panics
/// When two kinds are equal; in a constant that is a compile error with the message.
pub const fn assert_distinct_kinds(declarations: &[KindDeclaration]) {
    let mut second = 1;
    while second < declarations.len() {
        let mut first = 0;
        while first < second {
            let a = &declarations[first];
            let b = &declarations[second];
            if a.hash == b.hash && equal(a.kind, b.kind) {
                let mut message = Message::new();
                message.push("two jobs share the name `");
                message.push(a.kind);
                message.push("` (");
                message.push(a.declared_at);
                message.push(" and ");
                message.push(b.declared_at);
                message.push("); give one of them `#[job(name = \"...\")]`");
                message.panic();
            }
            first += 1;
        }
        second += 1;
    }
}

/// Fails in a constant when two jobs declare a limit of one name differently. The message names both
/// places.
///
/// # Panics
/// When the numbers or rates of a limit differ; in a constant that is a compile error with the message.
pub const fn assert_equal_limits(declarations: &[KindDeclaration]) {
    let mut second = 1;
    while second < declarations.len() {
        let mut first = 0;
        // Most jobs have none.
        while first < second && !declarations[second].limits.is_empty() {
            let (a, b) = (&declarations[first], &declarations[second]);
            if let Some(limit) = different_limit(a.limits, b.limits) {
                let mut message = Message::new();
                message.push("the limit `");
                message.push(limit);
                message
                    .push("` is declared twice, with different numbers or rates (by the jobs at ");
                message.push(a.declared_at);
                message.push(" and ");
                message.push(b.declared_at);
                message.push("); give both the same `static`");
                message.panic();
            }
            first += 1;
        }
        second += 1;
    }
}

/// The name of a limit that allows something else in the second list.
const fn different_limit(a: &[Limit], b: &[Limit]) -> Option<&'static str> {
    let mut of_a = 0;
    while of_a < a.len() {
        let mut of_b = 0;
        while of_b < b.len() {
            let (first, second) = (&a[of_a], &b[of_b]);
            if !first.allows_as(second) && equal(first.name, second.name) {
                return Some(first.name);
            }
            of_b += 1;
        }
        of_a += 1;
    }
    None
}

const fn equal(a: &str, b: &str) -> bool {
    let a = a.as_bytes();
    let b = b.as_bytes();
    if a.len() != b.len() {
        return false;
    }
    let mut at = 0;
    while at < a.len() {
        if a[at] != b[at] {
            return false;
        }
        at += 1;
    }
    true
}

/// A text built at compile time, where nothing can allocate; text that does not fit is cut.
struct Message {
    bytes: [u8; 1024],
    length: usize,
}

impl Message {
    const fn new() -> Self {
        Self { bytes: [0; 1024], length: 0 }
    }

    const fn push(&mut self, text: &str) {
        let text = text.as_bytes();
        let mut at = 0;
        while at < text.len() && self.length < self.bytes.len() {
            self.bytes[self.length] = text[at];
            self.length += 1;
            at += 1;
        }
    }

    const fn panic(&self) -> ! {
        let (used, _) = self.bytes.split_at(self.length);
        match std::str::from_utf8(used) {
            Ok(text) => panic!("{}", text),
            Err(_) => panic!("two declarations contradict each other"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::job::Rate;

    const fn declared(kind: &'static str, hash: u64) -> KindDeclaration {
        KindDeclaration { kind, hash, declared_at: "src/mail.rs:12", limits: &[] }
    }

    #[test]
    fn kinds_are_hashed_as_fnv1a_does() {
        assert_eq!(hash_of_kind(""), 0xcbf2_9ce4_8422_2325);
        assert_eq!(hash_of_kind("foobar"), 0x8594_4171_f739_67e8);
    }

    #[test]
    fn different_kinds_pass_even_when_their_hashes_collide() {
        assert_distinct_kinds(&[declared("a", 1), declared("b", 1), declared("c", 2)]);
    }

    const fn under(limits: &'static [Limit]) -> KindDeclaration {
        KindDeclaration { limits, ..declared("a", 1) }
    }

    #[test]
    fn jobs_may_share_a_limit_that_is_declared_twice_with_one_number() {
        const TEN: Limit = Limit::named("ten").concurrency(10);
        const OTHER: Limit = Limit::named("other").concurrency(5);
        const AGAIN: Limit = Limit::named("ten").concurrency(10);
        assert_equal_limits(&[under(&[OTHER, TEN]), under(&[]), under(&[AGAIN])]);
    }

    #[test]
    #[should_panic(
        expected = "the limit `ten` is declared twice, with different numbers or rates (by the jobs at src/mail.rs:12 and src/mail.rs:12)"
    )]
    fn two_numbers_for_a_limit_are_refused_with_both_places() {
        const TEN: Limit = Limit::named("ten").concurrency(10);
        const ELEVEN: Limit = Limit::named("ten").concurrency(11);
        assert_equal_limits(&[under(&[TEN]), under(&[ELEVEN])]);
    }

    #[test]
    #[should_panic(expected = "the limit `ten` is declared twice, with different numbers or rates")]
    fn two_rates_for_a_limit_are_refused() {
        const TEN: Limit = Limit::named("ten").rate(Rate::per_second(10));
        const IN_BURSTS: Limit = Limit::named("ten").rate(Rate::per_second(10).burst(5));
        assert_equal_limits(&[under(&[TEN]), under(&[IN_BURSTS])]);
    }

    #[test]
    #[should_panic(expected = "two jobs share the name `a` (src/mail.rs:12 and src/mail.rs:12)")]
    fn equal_kinds_are_refused_with_both_places() {
        assert_distinct_kinds(&[declared("a", 1), declared("b", 2), declared("a", 1)]);
    }
}
