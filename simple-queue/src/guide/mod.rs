//! How to use the library, one subject a page. Every example is compiled.

#[doc = include_str!("declaring_jobs.md")]
pub mod declaring_jobs {}
