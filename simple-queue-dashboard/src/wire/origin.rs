//! Where a request comes from, and whom it asks.

use http::{HeaderMap, Uri, header};

/// Whether the page that sent a form is one of ours: the browser says so itself or, over plain HTTP, names the page's
/// origin. A request with neither is refused.
pub(crate) fn is_same_origin(headers: &HeaderMap, uri: &Uri) -> bool {
    let text = |name: &str| headers.get(name).map(|value| value.to_str().unwrap_or_default());
    if let Some(site) = text("sec-fetch-site") {
        return site == "same-origin";
    }
    let origin = text("origin").and_then(|origin| origin.split_once("://"));
    let host = host_of(headers, uri);
    origin.is_some_and(|(_, origin)| host.is_some_and(|host| origin.eq_ignore_ascii_case(host)))
}

/// Whether the host that is asked is one of these. Without the check, a page whose name leads to this address reads
/// whatever its visitor may.
pub(crate) fn is_known_host(known: &[String], headers: &HeaderMap, uri: &Uri) -> bool {
    host_of(headers, uri).is_some_and(|host| {
        let name = without_port(host);
        known.iter().any(|known| known.eq_ignore_ascii_case(name))
    })
}

/// The host with its port.
fn host_of<'r>(headers: &'r HeaderMap, uri: &'r Uri) -> Option<&'r str> {
    let named = headers.get(header::HOST).and_then(|host| host.to_str().ok());
    named.or_else(|| uri.authority().map(http::uri::Authority::as_str))
}

fn without_port(host: &str) -> &str {
    match host.rsplit_once(':') {
        Some((name, port)) if port.bytes().all(|byte| byte.is_ascii_digit()) => name,
        _ => host,
    }
}

#[cfg(test)]
mod tests {
    use http::{HeaderName, HeaderValue};

    use super::*;

    fn headers(pairs: &[(&'static str, &'static str)]) -> HeaderMap {
        let pairs = pairs
            .iter()
            .map(|&(name, value)| (HeaderName::from_static(name), HeaderValue::from_static(value)));
        pairs.collect()
    }

    #[test]
    fn a_form_of_another_page_is_told_from_one_of_ours() {
        let uri = Uri::from_static("/jobs");
        let same = |pairs: &[_]| is_same_origin(&headers(pairs), &uri);
        let host = ("host", "queue.test:8321");
        assert!(same(&[host, ("sec-fetch-site", "same-origin")]));
        assert!(same(&[host, ("origin", "http://queue.test:8321")]));
        for other in ["cross-site", "same-site", "none", ""] {
            assert!(!same(&[
                host,
                ("sec-fetch-site", other),
                ("origin", "http://queue.test:8321")
            ]));
        }
        for other in ["http://evil.test", "http://queue.test", "null", "queue.test:8321"] {
            assert!(!same(&[host, ("origin", other)]), "{other}");
        }
        assert!(!same(&[host]) && !same(&[("origin", "http://queue.test:8321")]));
    }

    #[test]
    fn a_host_is_known_whatever_its_port() {
        let known = ["localhost".to_owned(), "[::1]".to_owned()];
        let uri = Uri::from_static("/jobs");
        let is_known = |host| is_known_host(&known, &headers(&[("host", host)]), &uri);
        for host in ["localhost", "LOCALHOST:8321", "[::1]:8321", "[::1]"] {
            assert!(is_known(host), "{host}");
        }
        for host in ["evil.test", "localhost.evil.test", "", "localhost:80x", "localhost:8321:1"] {
            assert!(!is_known(host), "{host}");
        }
        assert!(!is_known_host(&known, &headers(&[]), &uri));
        assert!(is_known_host(&known, &headers(&[]), &Uri::from_static("http://localhost/jobs")));
    }
}
