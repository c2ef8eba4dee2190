//! The database of a queue that is to be built.

use std::fmt;

use sqlx::PgPool;

/// Database of a queue: a pool of yours, or a URL. [`SimpleQueue::builder`](crate::SimpleQueue::builder) takes anything that
/// converts into one.
#[derive(Clone)]
pub struct Database(pub(super) Place);

#[derive(Clone)]
pub(super) enum Place {
    Pool(PgPool),
    Url(String),
}

impl From<PgPool> for Database {
    fn from(pool: PgPool) -> Self {
        Self(Place::Pool(pool))
    }
}

impl From<&PgPool> for Database {
    fn from(pool: &PgPool) -> Self {
        pool.clone().into()
    }
}

impl From<String> for Database {
    fn from(url: String) -> Self {
        Self(Place::Url(url))
    }
}

impl From<&String> for Database {
    fn from(url: &String) -> Self {
        url.clone().into()
    }
}

impl From<&str> for Database {
    fn from(url: &str) -> Self {
        url.to_owned().into()
    }
}

/// Leaves out the URL, which may hold a password.
impl fmt::Debug for Database {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self.0 {
            Place::Pool(_) => "Database(pool)",
            Place::Url(_) => "Database(URL)",
        })
    }
}
