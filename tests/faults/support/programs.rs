//! Programs that some cases need besides Postgres. One that is missing is an error that says how to get it,
//! never a case that is passed over.

use std::{env, path::PathBuf};

/// The library that shows a process another time.
pub(crate) fn faketime() -> PathBuf {
    let places = [
        "/usr/lib/x86_64-linux-gnu/faketime/libfaketimeMT.so.1",
        "/usr/lib/aarch64-linux-gnu/faketime/libfaketimeMT.so.1",
        "/usr/lib/faketime/libfaketimeMT.so.1",
        "/usr/lib64/faketime/libfaketimeMT.so.1",
    ];
    first(&places, "apt-get install libfaketime")
}

fn first(places: &[&str], install: &str) -> PathBuf {
    let found = places.iter().map(PathBuf::from).find(|path| path.exists());
    found.unwrap_or_else(|| panic!("none of {places:?} is there; get it with `{install}`"))
}

/// The pooler; another one than the system's is named by `SIMPLE_QUEUE_PGBOUNCER`.
pub(crate) fn pgbouncer() -> PathBuf {
    if let Some(path) = env::var_os("SIMPLE_QUEUE_PGBOUNCER") {
        return path.into();
    }
    let places = [
        "/usr/sbin/pgbouncer",
        "/usr/bin/pgbouncer",
        "/usr/local/bin/pgbouncer",
        "/opt/homebrew/bin/pgbouncer",
    ];
    first(&places, "apt-get install pgbouncer")
}
