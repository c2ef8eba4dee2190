//! What is answered, with the headers that every answer has.

use bytes::Bytes;
use http::{
    HeaderMap, HeaderName, HeaderValue, Response, StatusCode,
    header::{
        ALLOW, CACHE_CONTROL, CONTENT_DISPOSITION, CONTENT_SECURITY_POLICY, CONTENT_TYPE, ETAG,
        LOCATION, REFERRER_POLICY, VARY, X_CONTENT_TYPE_OPTIONS,
    },
};
use http_body_util::Full;

use super::Format;
use crate::assets::{Asset, hash};

/// The body of every answer.
pub(crate) type Body = Full<Bytes>;

/// Nothing of another host, nothing that stands in the page itself, and no text that becomes a script.
const POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; \
     connect-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'; \
     require-trusted-types-for 'script'; trusted-types sq";

const EVERY: [(HeaderName, &str); 5] = [
    (CONTENT_SECURITY_POLICY, POLICY),
    (X_CONTENT_TYPE_OPTIONS, "nosniff"),
    (REFERRER_POLICY, "same-origin"),
    (HeaderName::from_static("cross-origin-opener-policy"), "same-origin"),
    (VARY, "accept"),
];

#[derive(Debug, Clone)]
pub(crate) struct Answer {
    status: StatusCode,
    headers: HeaderMap,
    body: Bytes,
}

impl Answer {
    fn new(status: StatusCode, content_type: &'static str, body: impl Into<Bytes>) -> Self {
        let mut headers = HeaderMap::new();
        for (name, value) in EVERY {
            headers.insert(name, HeaderValue::from_static(value));
        }
        headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
        headers.insert(CONTENT_TYPE, HeaderValue::from_static(content_type));
        Self { status, headers, body: body.into() }
    }

    pub(crate) fn page(status: StatusCode, html: String) -> Self {
        Self::new(status, "text/html; charset=utf-8", html)
    }

    pub(crate) fn json(status: StatusCode, json: String) -> Self {
        Self::new(status, "application/json", json)
    }

    pub(crate) fn text(status: StatusCode, text: impl Into<String>) -> Self {
        Self::new(status, "text/plain; charset=utf-8", text.into())
    }

    /// What changes of a page, or 304 where the browser has it.
    pub(crate) fn patch(status: StatusCode, html: String, known: Option<&str>) -> Self {
        let tag = format!("\"{:016x}\"", hash(&html));
        let (status, html) = match known {
            Some(known) if known == tag => (StatusCode::NOT_MODIFIED, String::new()),
            _ => (status, html),
        };
        let mut answer = Self::new(status, "text/vnd.sq-patch; charset=utf-8", html);
        answer.set(ETAG, &tag);
        debug_assert!(
            answer.headers[CONTENT_TYPE].to_str().is_ok_and(|it| it.starts_with(Format::PATCH))
        );
        answer
    }

    /// Another page, after a form.
    pub(crate) fn see(address: &str) -> Self {
        let mut answer = Self::text(StatusCode::SEE_OTHER, "");
        answer.set(LOCATION, address);
        answer
    }

    /// A text that a browser stores and never shows.
    pub(crate) fn download(name: &str, text: String) -> Self {
        let mut answer = Self::text(StatusCode::OK, text);
        answer.set(CONTENT_DISPOSITION, &format!("attachment; filename=\"{name}\""));
        answer
    }

    pub(crate) fn asset(asset: &'static Asset) -> Self {
        let mut answer = Self::new(StatusCode::OK, asset.content_type, asset.text);
        answer.set(CACHE_CONTROL, "public, max-age=31536000, immutable");
        answer
    }

    pub(crate) fn only(allowed: &'static str) -> Self {
        let mut answer = Self::text(StatusCode::METHOD_NOT_ALLOWED, format!("only {allowed}\n"));
        answer.set(ALLOW, allowed);
        answer
    }

    fn set(&mut self, name: HeaderName, value: &str) {
        // What cannot be a header was made from typed text, and is left out.
        if let Ok(value) = HeaderValue::from_str(value) {
            self.headers.insert(name, value);
        }
    }
}

impl From<Answer> for Response<Body> {
    fn from(Answer { status, headers, body }: Answer) -> Self {
        let mut response = Self::new(Full::new(body));
        *response.status_mut() = status;
        *response.headers_mut() = headers;
        response
    }
}
