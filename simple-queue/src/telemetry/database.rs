//! Events of `database`: servers that move, connections that end, calls that are sent again.

use std::{fmt::Display, time::Duration};

const TARGET: &str = "simple_queue::database";

pub(crate) fn call_retried(error: &dyn Display, wait: Duration) {
    tracing::debug!(target: TARGET, %error, ?wait, "transient failure of a call, retrying");
}

pub(crate) fn no_writable_server(servers: usize) {
    tracing::warn!(target: TARGET, servers, "no writable server, retrying");
}

pub(crate) fn server_changed(from: &str, to: &str) {
    tracing::warn!(target: TARGET, from, to, "failover: another server is writable, connections move to it");
}

pub(crate) fn connection_unencrypted(server: &str) {
    tracing::warn!(
        target: TARGET,
        server,
        "the connection to the database is not encrypted: `sslmode=prefer` continues without TLS where the server has none, or where `sqlx` was built without one of its `tls-…` features; set `sslmode=require` to refuse that, or `sslmode=disable` if it is intended"
    );
}

pub(crate) fn pooler_found() {
    tracing::info!(
        target: TARGET,
        "connection pooler found between this process and the server: every statement is sent in a transaction of its own"
    );
}

pub(crate) fn connection_not_closed(error: &dyn Display) {
    tracing::debug!(target: TARGET, %error, "a connection could not be closed cleanly");
}

pub(crate) fn abandoned_connection_ended(error: &dyn Display) {
    tracing::debug!(target: TARGET, %error, "the connection of an abandoned call has ended");
}

pub(crate) fn server_not_asked(error: &dyn Display) {
    tracing::debug!(target: TARGET, %error, "a server could not be asked whether it is writable");
}

pub(crate) fn schema_missing(error: &dyn Display) {
    tracing::error!(target: TARGET, %error, "the schema is missing or older than this release: run `SimpleQueue::migrate`");
}

pub(crate) fn grant_missing(error: &dyn Display, missing: &str) {
    tracing::error!(target: TARGET, %error, missing, "the database role lacks a GRANT: `SimpleQueue::grants` has those of each role");
}
