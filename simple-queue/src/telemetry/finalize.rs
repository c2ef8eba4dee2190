//! Events of `finalize`: outcomes that are written late, refused or discarded.
