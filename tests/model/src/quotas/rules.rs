//! The rules of lending, each of which can be broken.

/// A rule of lending.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Rule {
    /// What is lent is read from the locked row, and not from the snapshot.
    CountsUnderTheLock,
    /// A statement that arrives after a later one of its process changes nothing.
    NumbersItsStatements,
    /// A process gives a permit back before it says so, and not when the answer comes.
    HandsInFirst,
    /// A process whose answer was lost asks again.
    AsksAgain,
    /// A process that lost its row forgets its permits.
    ForgetsWithItsRow,
    /// The permits of a dead process are taken back.
    TakesBackFromTheDead,
    /// A notification concerns a process whose statement is on its way: the answer may be older.
    HearsWhileItAsks,
    /// Who gives permits back notifies those that want some.
    NotifiesOfPermits,
    /// Who wants no more permits notifies those that want some: their part has grown.
    NotifiesOnceSatisfied,
    /// Who begins to want permits notifies those that have some.
    NotifiesOfWants,
}

impl Rule {
    /// All of them.
    pub const ALL: &[Self] = &[
        Self::CountsUnderTheLock,
        Self::NumbersItsStatements,
        Self::HandsInFirst,
        Self::AsksAgain,
        Self::ForgetsWithItsRow,
        Self::TakesBackFromTheDead,
        Self::HearsWhileItAsks,
        Self::NotifiesOfPermits,
        Self::NotifiesOnceSatisfied,
        Self::NotifiesOfWants,
    ];
}
