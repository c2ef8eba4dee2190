//! Events of `store`: migrations, and rows that a statement cannot handle.
