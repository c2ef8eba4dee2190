//! The web dashboard of [simple-queue](https://docs.rs/simple-queue): sees jobs, queues, workers and
//! what failed, and acts on them. It is a [`tower` service](tower_service::Service) that nests in any
//! router, or runs by itself as `simple-queue serve`.
//!
//! ```no_run
//! use simple_queue::SimpleQueue;
//! use simple_queue_dashboard::Dashboard;
//!
//! # async fn example() -> Result<(), Box<dyn std::error::Error>> {
//! let queue = SimpleQueue::connect("postgres://localhost/app").await?;
//! let dashboard = Dashboard::new(queue).at("/admin/queue").open().hosts(["localhost"]);
//! let app = axum::Router::new().nest_service("/admin/queue", dashboard);
//! let listener = tokio::net::TcpListener::bind("127.0.0.1:3000").await?;
//! axum::serve(listener, app).await?;
//! # Ok(())
//! # }
//! ```
//!
//! # Who may see it
//!
//! No visitor, before [`Dashboard::gate`] or [`Dashboard::open`] is called. A gate names each visitor and
//! gives them [`Rights`](simple_queue::Rights): what they may not do is not shown, and its route
//! answers 403. Every act is written down in the visitor's name, and listed on the page Actions.
//!
//! A form is taken only from a page of the same origin, so the dashboard needs neither a session nor
//! a cookie. It names no other host, and has no script or style in its pages: it works under the
//! strict content security policy that it sends.
//!
//! # What it costs
//!
//! Nothing without viewers. All viewers of a page within a tick, two seconds unless
//! [`Dashboard::refresh`] says otherwise, share what is read for it, and at most two pages are read at
//! once. The jobs of each state are counted every five seconds, and after an act at once; what cannot be
//! counted soon is counted to 10,000.
//!
//! # For programs
//!
//! Each page answers a request with `Accept: application/json` with the same in JSON, at the same
//! address. `/livez` and `/readyz`, below the path where it is mounted, are for probes: they need
//! no login, and say no more than whether this process works.

mod acts;
mod assets;
mod dashboard;
mod gate;
mod pages;
mod parts;
mod sample;
mod service;
mod settings;
mod text;
mod trouble;
mod visit;
mod wire;

pub use dashboard::Dashboard;
pub use gate::Admit;

/// Compiles the README's example.
#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;

/// This machine's time, for what is only shown or typed relative to now. The database's would be another statement.
#[expect(clippy::disallowed_methods, reason = "only shown")]
fn now() -> chrono::DateTime<chrono::Utc> {
    chrono::Utc::now()
}
