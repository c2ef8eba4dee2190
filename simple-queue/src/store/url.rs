//! URLs that name several servers.

use std::str::FromStr;

use sqlx::postgres::PgConnectOptions;

/// How to connect to each of the servers that a URL names, at least one. The driver reads one host; Postgres's
/// own library reads `one:5432,two:5432` as well.
/// <https://www.postgresql.org/docs/current/libpq-connect.html#LIBPQ-MULTIPLE-HOSTS>
pub(crate) fn parse_url(url: &str) -> sqlx::Result<Vec<PgConnectOptions>> {
    each_server(url).iter().map(|url| PgConnectOptions::from_str(url)).collect()
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
}
