//! A search through all states of a model, in the order of their distance from the first one. So the first violation
//! that it finds is reached in as few steps as any.
//!
//! A search of our own, because `stateright` brings second versions of five libraries and a web server, and finds
//! shortest ways only where it does not fold states that are alike.

use std::{
    collections::{HashSet, VecDeque},
    fmt,
    hash::{BuildHasher, BuildHasherDefault, Hash, Hasher},
};

use foldhash::quality::FixedState;

/// A state machine.
pub(crate) trait Model {
    type State: Clone + Hash;

    fn first(&self) -> Self::State;

    /// Everything that may happen next.
    fn steps(&self, state: &Self::State, steps: &mut Steps<Self::State>);

    /// Which invariant the state violates.
    fn violation(&self, state: &Self::State) -> Option<String>;

    fn show(&self, state: &Self::State) -> String;

    /// States with one fingerprint count as one.
    fn fingerprint(&self, state: &Self::State) -> u64 {
        fingerprint(state)
    }
}

/// What may happen next.
#[derive(Debug)]
pub(crate) struct Steps<S> {
    states: Vec<S>,
    /// Only for a trace: the words cost more than the states.
    words: Option<Vec<String>>,
}

impl<S> Steps<S> {
    pub(crate) fn add(&mut self, words: impl FnOnce() -> String, state: S) {
        self.states.push(state);
        if let Some(of_all) = &mut self.words {
            of_all.push(words());
        }
    }

    pub(crate) fn states(&mut self) -> impl Iterator<Item = &mut S> {
        self.states.iter_mut()
    }
}

/// What a search has found.
#[derive(Debug)]
pub enum Verdict {
    /// There are so many states, and none violates an invariant.
    Holds {
        /// How many were seen.
        states: usize,
    },
    /// None of so many states violates an invariant, and there are more.
    HoldsSoFar {
        /// How many were seen.
        states: usize,
    },
    /// A state violates an invariant.
    Violated(Trace),
}

/// The shortest way to a violation.
#[derive(Debug)]
pub struct Trace {
    violation: String,
    steps: Vec<String>,
    states: usize,
    end: String,
}

impl fmt::Display for Trace {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "{} (found among {} states)", self.violation, self.states)?;
        for (number, step) in self.steps.iter().enumerate() {
            writeln!(f, "  {:2}. {step}", number + 1)?;
        }
        write!(f, "      {}", self.end)
    }
}

/// Fingerprints are hashes already.
#[derive(Debug, Default)]
struct AsItIs(u64);

impl Hasher for AsItIs {
    fn finish(&self) -> u64 {
        self.0
    }

    fn write(&mut self, _: &[u8]) {
        unreachable!("only fingerprints are hashed")
    }

    fn write_u64(&mut self, fingerprint: u64) {
        self.0 = fingerprint;
    }
}

/// How a state was first reached: from which one, and by which of its steps.
struct Origin {
    from: usize,
    step: usize,
}

/// Looks at the states of the model, at most at `limit` of them, until one violates an invariant.
pub(crate) fn search<M: Model>(model: &M, limit: usize) -> Verdict {
    let first = model.first();
    let mut known = HashSet::<u64, BuildHasherDefault<AsItIs>>::default();
    known.insert(model.fingerprint(&first));
    let mut origins = vec![Origin { from: 0, step: 0 }];
    let mut open = VecDeque::from([(0, first)]);
    let mut steps = Steps { states: Vec::new(), words: None };
    while let Some((number, state)) = open.pop_front() {
        if let Some(violation) = model.violation(&state) {
            return Verdict::Violated(trace(model, &origins, number, violation));
        }
        model.steps(&state, &mut steps);
        for (step, next) in steps.states.drain(..).enumerate() {
            if known.insert(model.fingerprint(&next)) {
                open.push_back((origins.len(), next));
                origins.push(Origin { from: number, step });
            }
        }
        if origins.len() > limit {
            return Verdict::HoldsSoFar { states: origins.len() };
        }
    }
    Verdict::Holds { states: origins.len() }
}

/// Goes the way again, with words.
fn trace<M: Model>(model: &M, origins: &[Origin], end: usize, violation: String) -> Trace {
    let (mut way, mut at) = (Vec::new(), end);
    while at != 0 {
        way.push(origins[at].step);
        at = origins[at].from;
    }
    let (mut state, mut words) = (model.first(), Vec::new());
    for step in way.into_iter().rev() {
        let mut steps = Steps { states: Vec::new(), words: Some(Vec::new()) };
        model.steps(&state, &mut steps);
        words.push(steps.words.map(|mut of_all| of_all.swap_remove(step)).unwrap_or_default());
        state = steps.states.swap_remove(step);
    }
    Trace { violation, steps: words, states: origins.len(), end: model.show(&state) }
}

pub(crate) fn fingerprint(state: &impl Hash) -> u64 {
    FixedState::default().hash_one(state)
}
