//! A set of small numbers: of jobs, gates or statements.

/// Holds numbers below eight.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub(crate) struct Set(u8);

impl Set {
    pub(crate) const EMPTY: Self = Self(0);

    pub(crate) const fn of(member: usize) -> Self {
        Self(1 << member)
    }

    pub(crate) const fn has(self, member: usize) -> bool {
        self.0 >> member & 1 == 1
    }

    pub(crate) const fn is_empty(self) -> bool {
        self.0 == 0
    }

    pub(crate) fn insert(&mut self, member: usize) {
        self.0 |= 1 << member;
    }

    pub(crate) fn remove(&mut self, member: usize) {
        self.0 &= !(1 << member);
    }

    #[must_use]
    pub(crate) const fn with(self, others: Self) -> Self {
        Self(self.0 | others.0)
    }

    #[must_use]
    pub(crate) const fn without(self, others: Self) -> Self {
        Self(self.0 & !others.0)
    }

    pub(crate) fn len(self) -> i8 {
        i8::try_from(self.0.count_ones()).unwrap_or(i8::MAX)
    }

    pub(crate) fn iter(self) -> impl Iterator<Item = usize> {
        (0..8).filter(move |&member| self.has(member))
    }

    pub(crate) fn swap_first_two(&mut self) {
        self.0 = self.0 & !0b11 | self.0 >> 1 & 1 | (self.0 & 1) << 1;
    }

    /// All sets of these members but the empty one.
    pub(crate) fn parts(self) -> impl Iterator<Item = Self> {
        (1..=self.0).map(Self).filter(move |part| part.without(self).is_empty())
    }
}

impl FromIterator<usize> for Set {
    fn from_iter<T: IntoIterator<Item = usize>>(members: T) -> Self {
        members.into_iter().fold(Self::EMPTY, |set, member| set.with(Self::of(member)))
    }
}
