//! URLs that name several servers.

use std::str::FromStr;

use sqlx::postgres::PgConnectOptions;

/// Why a URL is not one of a Postgres database.
#[derive(Debug, thiserror::Error)]
#[error("{problem}")]
pub(crate) struct InvalidUrl {
    pub(crate) problem: String,
}

/// The connection options of each server that a URL names, at least one. The driver reads one host; libpq also reads
/// `one:5432,two:5432`. <https://www.postgresql.org/docs/current/libpq-connect.html#LIBPQ-MULTIPLE-HOSTS>
pub(crate) fn parse_url(url: &str) -> Result<Vec<PgConnectOptions>, InvalidUrl> {
    // The rest is not shown: without a scheme the driver takes a user name for the scheme, and the password for the
    // database name.
    let problem = match url.split_once("://") {
        Some(("postgres" | "postgresql", _)) => None,
        Some((scheme, _)) if is_scheme(scheme) => Some(format!(
            "it begins with `{scheme}://`, and Postgres is at `postgres://` or `postgresql://`"
        )),
        _ => Some("it does not begin with `postgres://` or `postgresql://`".to_owned()),
    };
    if let Some(problem) = problem {
        return Err(InvalidUrl { problem });
    }
    let options = each_server(url).into_iter().map(|url| PgConnectOptions::from_str(&url));
    options.collect::<Result<_, _>>().map_err(|error| match error {
        sqlx::Error::Configuration(problem) => InvalidUrl { problem: problem.to_string() },
        error => InvalidUrl { problem: error.to_string() },
    })
}

/// Whether this is safe to show: a plain word, not part of credentials.
fn is_scheme(scheme: &str) -> bool {
    scheme.len() <= 16 && scheme.chars().all(|c| c.is_ascii_alphanumeric() || "+-.".contains(c))
}

fn each_server(url: &str) -> Vec<String> {
    let start = url.find("://").map_or(0, |at| at + "://".len());
    let end = url[start..].find(['/', '?']).map_or(url.len(), |at| start + at);
    let hosts = url[start..end].rfind('@').map_or(start, |at| start + at + 1);
    url[hosts..end].split(',').map(|host| [&url[..hosts], host, &url[end..]].concat()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_host_of_a_url_becomes_a_url() {
        let one = "postgres://app:a%2Cb@db.local:6000/app?sslmode=disable";
        assert_eq!(each_server(one), [one]);
        assert_eq!(
            each_server("postgres://app@one:5432,two,[::1]:7/app?application_name=a,b"),
            [
                "postgres://app@one:5432/app?application_name=a,b",
                "postgres://app@two/app?application_name=a,b",
                "postgres://app@[::1]:7/app?application_name=a,b",
            ]
        );
        assert_eq!(each_server("postgres:///app?host=/run"), ["postgres:///app?host=/run"]);
        assert_eq!(parse_url("postgres://one:1,two:2/app").unwrap()[1].get_port(), 2);
    }

    #[test]
    fn one_host_that_cannot_be_read_spoils_the_url() {
        assert!(parse_url("postgres://one:5432,two:many/app").is_err());
    }

    #[test]
    fn what_is_no_url_of_postgres_is_refused_without_showing_a_password() {
        for (url, expected) in [
            ("http://localhost:5432/app", "it begins with `http://`"),
            ("app:secret@localhost:5432/app", "it does not begin with `postgres://`"),
            ("app:secret@localhost/app?next=x://y", "it does not begin with `postgres://`"),
            ("", "it does not begin with `postgres://`"),
            ("postgres://app:secret@localhost:many/app", "invalid port number"),
        ] {
            let error = parse_url(url).unwrap_err().to_string();
            assert!(error.contains(expected) && !error.contains("secret"), "{url}: {error}");
        }
    }
}
