//! Refuses two jobs of one name at compile time.

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
            Err(_) => panic!("two jobs share a name; give one of them `#[job(name = \"...\")]`"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const fn declared(kind: &'static str, hash: u64) -> KindDeclaration {
        KindDeclaration { kind, hash, declared_at: "src/mail.rs:12" }
    }

    #[test]
    fn different_kinds_pass_even_when_their_hashes_collide() {
        assert_distinct_kinds(&[declared("a", 1), declared("b", 1), declared("c", 2)]);
    }

    #[test]
    #[should_panic(expected = "two jobs share the name `a` (src/mail.rs:12 and src/mail.rs:12)")]
    fn equal_kinds_are_refused_with_both_places() {
        assert_distinct_kinds(&[declared("a", 1), declared("b", 2), declared("a", 1)]);
    }
}
