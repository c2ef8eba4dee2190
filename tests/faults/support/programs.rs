//! Programs that some cases need besides Postgres. One that is missing is an error that says how to get it,
//! never a case that is passed over.

use std::path::PathBuf;

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
