//! What is asked for.

use http::{HeaderMap, Method, header, request::Parts};

use super::params::{Params, parts_of};

/// A request, as far as pages look at it.
#[derive(Debug, Clone)]
pub(crate) struct Asked {
    pub(crate) method: Method,
    /// Its path below the place where the dashboard is mounted, in parts.
    pub(crate) path: Vec<String>,
    pub(crate) query: Params,
    /// The query as it was sent.
    pub(crate) query_text: String,
    pub(crate) form: Params,
    pub(crate) format: Format,
    /// The version of the page that the browser has.
    pub(crate) known: Option<String>,
}

/// How the answer is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) enum Format {
    Page,
    /// Only what changes, for the script.
    Patch,
    Json,
}

impl Format {
    /// The media type of a patch.
    pub(crate) const PATCH: &'static str = "text/vnd.sq-patch";

    pub(crate) fn of(headers: &HeaderMap) -> Self {
        let accept = headers.get(header::ACCEPT).and_then(|accept| accept.to_str().ok());
        let accept = accept.unwrap_or_default();
        if accept.contains(Self::PATCH) {
            Self::Patch
        } else if accept.contains("application/json") && !accept.contains("text/html") {
            Self::Json
        } else {
            Self::Page
        }
    }
}

impl Asked {
    /// `None`: the path is no text. A router that mounts the dashboard takes the prefix away, and without a router
    /// it is still there.
    pub(crate) fn of(parts: &Parts, prefix: &str) -> Option<Self> {
        let path = parts.uri.path();
        let below = path
            .strip_prefix(prefix)
            .filter(|below| !prefix.is_empty() && (below.is_empty() || below.starts_with('/')));
        let query_text = parts.uri.query().unwrap_or_default().to_owned();
        let known = parts.headers.get(header::IF_NONE_MATCH);
        Some(Self {
            method: parts.method.clone(),
            path: parts_of(below.unwrap_or(path))?,
            query: Params::parse(query_text.as_bytes()),
            query_text,
            form: Params::default(),
            format: Format::of(&parts.headers),
            known: known.and_then(|known| known.to_str().ok()).map(str::to_owned),
        })
    }
}

#[cfg(test)]
mod tests {
    use http::Request;

    use super::*;

    #[test]
    fn a_path_is_the_same_with_and_without_a_router_before_it() {
        for path in ["/admin/queue/jobs/7", "/jobs/7", "/admin/queue/jobs/7/"] {
            let (parts, ()) = Request::builder().uri(path).body(()).unwrap().into_parts();
            assert_eq!(Asked::of(&parts, "/admin/queue").unwrap().path, ["jobs", "7"], "{path}");
        }
        let (parts, ()) = Request::builder().uri("/admin/queued").body(()).unwrap().into_parts();
        assert_eq!(Asked::of(&parts, "/admin/queue").unwrap().path, ["admin", "queued"]);
    }
}
