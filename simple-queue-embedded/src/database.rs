//! Creates databases, and their URLs.

use sqlx::{AssertSqlSafe, Connection as _, Executor as _, PgConnection};
use uuid::Uuid;

use super::EmbeddedError;

/// How the server copies the empty database.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum CreateStrategy {
    /// The fastest strategy if no disk write is awaited.
    FileCopy,
    /// The server's default. Copying files would force a checkpoint on the other users of the
    /// server.
    ServerDefault,
}

/// Creates an empty database on the server of `url`, and returns the URL of the database.
pub(super) async fn create(url: &str, strategy: CreateStrategy) -> Result<String, EmbeddedError> {
    let database = format!("simple_queue_{}", Uuid::now_v7().simple());
    let strategy = match strategy {
        CreateStrategy::FileCopy => "strategy file_copy",
        CreateStrategy::ServerDefault => "",
    };
    // No session can be connected to `template0`; a session would make the server refuse the copy.
    let sql = format!("create database {database} template template0 {strategy}");
    match execute(url, sql).await {
        Ok(()) => Ok(with_database(url, &database)),
        Err(error) => Err(EmbeddedError::CreateDatabase { database, error }),
    }
}

async fn execute(url: &str, sql: String) -> Result<(), sqlx::Error> {
    let mut connection = PgConnection::connect(url).await?;
    connection.execute(AssertSqlSafe(sql)).await?;
    connection.close().await
}

/// Returns `url` with another database and everything else, such as the TLS mode, unchanged.
fn with_database(url: &str, database: &str) -> String {
    let (place, query) = url.split_once('?').unwrap_or((url, ""));
    let host = place.find("://").map_or(0, |at| at + "://".len());
    let end = place[host..].find('/').map_or(place.len(), |at| host + at);
    let mut changed = format!("{}/{database}", &place[..end]);
    // This parameter would take precedence over the path.
    let kept = query.split('&').filter(|pair| !pair.is_empty() && !pair.starts_with("dbname="));
    for (index, pair) in kept.enumerate() {
        changed.push(if index == 0 { '?' } else { '&' });
        changed.push_str(pair);
    }
    changed
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_database_of_a_url_changes() {
        for (url, expected) in [
            ("postgres://h", "postgres://h/new"),
            ("postgres://u:p@h:5432/old", "postgres://u:p@h:5432/new"),
            ("postgres://h/old?sslmode=disable", "postgres://h/new?sslmode=disable"),
            ("postgres://u@h?sslmode=require", "postgres://u@h/new?sslmode=require"),
            ("postgres:///old?host=/run/pg&user=u", "postgres:///new?host=/run/pg&user=u"),
            ("postgres://h?dbname=old&user=u", "postgres://h/new?user=u"),
        ] {
            assert_eq!(with_database(url, "new"), expected, "{url}");
        }
    }
}
