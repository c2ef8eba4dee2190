//! Which arguments are hidden of kinds that this process does not have the code of.

use std::{
    collections::HashMap,
    sync::Arc,
    time::{Duration, Instant},
};

use parking_lot::Mutex;

use super::Admin;
use crate::{Error, database::again, row::KindState};

/// 10 s for which the kinds are remembered: so much later a change of what a kind hides is seen.
const REMEMBERED_FOR: Duration = Duration::from_secs(10);

/// The kinds that workers have declared, as they were read last. All clones of a view share them.
#[derive(Clone, Default)]
pub(super) struct Masks(Arc<Mutex<Option<Remembered>>>);

/// What was read, and when.
type Remembered = (Instant, Arc<KnownKinds>);

/// By name and alias.
pub(super) type KnownKinds = HashMap<String, Arc<KindState>>;

impl Admin {
    /// The kinds that workers have declared.
    pub(super) async fn known_kinds(&self) -> Result<Arc<KnownKinds>, Error> {
        if let Some((at, known)) = &*self.masks.0.lock()
            && at.elapsed() < REMEMBERED_FOR
        {
            return Ok(Arc::clone(known));
        }
        let listed = again!(tries => self.queue.ask_for(1, async |connection| {
            self.queue.store().list_kinds(connection, None).await
        }));
        let listed = listed.map_err(Error::database("read what kinds hide"))?;
        let mut known = KnownKinds::new();
        for kind in listed {
            let kind = Arc::new(kind);
            for alias in &kind.aliases {
                known.insert(alias.clone(), Arc::clone(&kind));
            }
            known.insert(kind.kind.clone(), kind);
        }
        let known = Arc::new(known);
        *self.masks.0.lock() = Some((Instant::now(), Arc::clone(&known)));
        Ok(known)
    }
}

/// Whether a kind that a worker has declared hides an argument.
pub(super) fn hides(known: &KnownKinds, kind: &str, argument: &str) -> bool {
    let known = known.get(kind);
    known.is_some_and(|kind| {
        kind.arguments.iter().any(|known| known.is_redacted && known.is_stored_as(argument))
    })
}
