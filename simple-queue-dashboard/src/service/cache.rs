//! Pages as they were made last: the viewers of one within a tick share it, and one that cannot be made is shown
//! as it was.

use std::{
    collections::HashMap,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::{Duration, Instant},
};

use chrono::{DateTime, Utc};
use parking_lot::Mutex;
use simple_queue::Rights;
use tokio::sync::{Mutex as AsyncMutex, Semaphore};

use super::PATIENCE;
use crate::{
    pages::{self, Page},
    trouble::Trouble,
    visit::{Made, Visit},
    wire::Format,
};

/// 2 pages are read at once.
const AT_ONCE: usize = 2;

/// 200 pages are remembered.
const MOST: usize = 200;

/// 250 ms: a page that takes longer is remembered for ten times as long as it took.
const SLOW: Duration = Duration::from_millis(250);

/// 30 s, the longest time for which a page is shown without being made again.
const LONGEST: Duration = Duration::from_secs(30);

#[derive(Debug)]
pub(super) struct Cache {
    tick: Duration,
    pages: Mutex<HashMap<Key, Arc<Slot>>>,
    /// Raised by each act, after which every page is made again.
    acts: AtomicU64,
    permits: Semaphore,
}

/// Who may see the same. The name of a visitor is not in a page, only around it.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
struct Key {
    path: Vec<String>,
    query: String,
    is_json: bool,
    rights: Rights,
}

/// A page; the request that makes it has the lock.
type Slot = AsyncMutex<Option<Kept>>;

#[derive(Debug, Clone)]
struct Kept {
    made: Arc<Made>,
    at: DateTime<Utc>,
    until: Instant,
    acts: u64,
}

/// A page as it was made last, and when.
pub(super) type Last = (DateTime<Utc>, Arc<Made>);

impl Cache {
    pub(super) fn new(tick: Duration) -> Self {
        let (pages, acts) = (Mutex::default(), AtomicU64::new(0));
        Self { tick, pages, acts, permits: Semaphore::new(AT_ONCE) }
    }

    /// Makes every page again when it is asked for next.
    pub(super) fn forget(&self) {
        self.acts.fetch_add(1, Ordering::Relaxed);
    }

    pub(super) async fn get(
        &self,
        page: &Page,
        visit: &Visit,
    ) -> Result<Arc<Made>, (Trouble, Option<Last>)> {
        let slot = self.slot(visit);
        let mut kept = slot.lock().await;
        let acts = self.acts.load(Ordering::Relaxed);
        if let Some(kept) = &*kept
            && kept.until > Instant::now()
            && kept.acts == acts
        {
            return Ok(Arc::clone(&kept.made));
        }
        let begun = Instant::now();
        let patience = page.patience().unwrap_or(PATIENCE);
        let made = tokio::time::timeout(patience, async {
            let _permit = self.permits.acquire().await;
            pages::make(page, visit).await
        });
        match made.await.unwrap_or(Err(Trouble::Slow)) {
            Ok(made) => {
                let (took, made) = (begun.elapsed(), Arc::new(made));
                let pause = if took > SLOW { took * 10 } else { self.tick };
                let until =
                    Instant::now() + std::cmp::min(std::cmp::max(pause, self.tick), LONGEST);
                *kept = Some(Kept { made: Arc::clone(&made), at: crate::now(), until, acts });
                Ok(made)
            }
            Err(trouble) => {
                let last = kept.as_ref().map(|kept| (kept.at, Arc::clone(&kept.made)));
                Err((trouble, last))
            }
        }
    }

    fn slot(&self, visit: &Visit) -> Arc<Slot> {
        let key = Key {
            path: visit.asked.path.clone(),
            query: visit.asked.query_text.clone(),
            is_json: visit.asked.format == Format::Json,
            rights: visit.rights(),
        };
        let mut pages = self.pages.lock();
        if pages.len() >= MOST && !pages.contains_key(&key) {
            // Removes those that no request makes or waits for and that are out of date.
            pages.retain(|_, slot| {
                slot.try_lock().map_or(true, |kept| {
                    kept.as_ref().is_some_and(|kept| kept.until > Instant::now())
                })
            });
            if pages.len() >= MOST {
                pages.clear();
            }
        }
        Arc::clone(pages.entry(key).or_default())
    }
}
