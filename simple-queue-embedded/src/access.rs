//! Access to a server: who can reach it, and how.

use std::{
    ffi::OsString,
    fmt::Write as _,
    fs::Permissions,
    io::{self, Write as _},
    os::unix::fs::PermissionsExt as _,
    path::Path,
};

use super::{
    EmbeddedError, account::Account, directory::ServerDirectory, error::Context as _,
    password::Password,
};

/// 5432, the number in the name of a socket. Its directory is its own, so every server can use the same.
pub(super) const SOCKET_PORT: u16 = 5432;

/// 107 bytes, 103 on macOS: the longest path of a socket.
const SOCKET_PATH: usize = if cfg!(target_os = "linux") { 107 } else { 103 };

/// Settings that ask for another listener than a socket in our directory.
const OTHER_WAYS: [&str; 3] = ["port", "listen_addresses", "unix_socket_directories"];

const SOCKETS: &str = "socket";
const RULES: &str = "pg_hba.conf";

/// How clients reach the server.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Way {
    /// By a socket in a directory that only the server's user can enter, without a password.
    Socket,
    /// By a port, which every user of the machine can reach, with a password.
    Port,
}

impl Way {
    /// Chooses the socket, unless the settings ask for something else, or its path is too long or
    /// cannot be part of a URL.
    pub(super) fn choose(settings: &[(String, String)], directory: &Path) -> Self {
        let asked = settings.iter().any(|(name, _)| OTHER_WAYS.contains(&name.as_str()));
        let socket = directory.join(SOCKETS).join(format!(".s.PGSQL.{SOCKET_PORT}"));
        // libpq takes a comma as the separator of several hosts.
        let fits =
            socket.to_str().is_some_and(|path| path.len() <= SOCKET_PATH && !path.contains(','));
        if asked || !fits { Self::Port } else { Self::Socket }
    }

    /// Creates the files and directories that it needs.
    pub(super) fn prepare(
        self,
        directory: &ServerDirectory,
        account: &Account,
    ) -> Result<(), EmbeddedError> {
        let rules = directory.path().join(RULES);
        let written = directory.held.replace(RULES, |file| {
            file.write_all(self.rules().as_bytes())?;
            // The server's user reads it through its group.
            account.share(file)?;
            let mode = if account.is_other_user() { 0o640 } else { 0o600 };
            file.set_permissions(Permissions::from_mode(mode))
        });
        written.context("write", &rules)?;
        if self == Self::Socket {
            let sockets = directory.path().join(SOCKETS);
            let made = match directory.held.make(SOCKETS.as_ref()) {
                Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {
                    directory.held.directory(SOCKETS)
                }
                made => made,
            };
            let made = made.context("create", &sockets)?;
            account.check_given(&made).context("use", &sockets)?;
            made.set_mode(0o700).context("close", &sockets)?;
            account.give(made.file()).context("give away", &sockets)?;
        }
        Ok(())
    }

    /// The rules of who may connect. If the server has a second listener, every connection by it
    /// needs the password.
    fn rules(self) -> String {
        let rules: &[&str] = match self {
            Self::Socket => &["local DATABASE all trust"],
            Self::Port => &[
                "local DATABASE all scram-sha-256",
                "host DATABASE all 127.0.0.1/32 scram-sha-256",
                "host DATABASE all ::1/128 scram-sha-256",
            ],
        };
        let mut text =
            "# Written at every start; the setting `hba_file` names another.\n".to_owned();
        for rule in rules {
            for database in ["all", "replication"] {
                text.push_str(&rule.replace("DATABASE", database));
                text.push('\n');
            }
        }
        text
    }

    /// Returns the settings of the server.
    pub(super) fn settings(self, directory: &Path) -> Vec<OsString> {
        let named = |name: &str, path: &Path| {
            let mut setting = OsString::from(format!("{name}="));
            setting.push(path);
            setting
        };
        // A list whose names are in quotes.
        let sockets = directory.join(SOCKETS).to_string_lossy().replace('"', "\"\"");
        let way = match self {
            Self::Socket => vec![
                "listen_addresses=".to_owned(),
                format!("unix_socket_directories=\"{sockets}\""),
                "unix_socket_permissions=0700".to_owned(),
            ],
            Self::Port => {
                vec!["listen_addresses=127.0.0.1".to_owned(), "unix_socket_directories=".to_owned()]
            }
        };
        let rules = named("hba_file", &directory.join(RULES));
        way.into_iter().map(OsString::from).chain([rules]).collect()
    }

    /// Returns the URL of the server.
    pub(super) fn url(self, directory: &Path, port: u16, password: Option<&Password>) -> String {
        let host = match self {
            Self::Socket => encoded(&directory.join(SOCKETS)),
            Self::Port => "127.0.0.1".to_owned(),
        };
        let password = password.map_or(String::new(), |password| format!(":{}", password.reveal()));
        format!("postgres://postgres{password}@{host}:{port}/postgres?sslmode=disable")
    }
}

/// Returns a path as the host part of a URL.
fn encoded(path: &Path) -> String {
    let mut text = String::new();
    for &byte in path.as_os_str().as_encoded_bytes() {
        match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'~' => {
                text.push(char::from(byte));
            }
            _ => write!(text, "%{byte:02X}").expect("a string takes everything"),
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use std::path::PathBuf;

    use sqlx::{ConnectOptions as _, postgres::PgConnectOptions};

    use super::*;

    #[test]
    fn a_port_is_used_only_where_it_is_asked_for_or_a_socket_cannot_be() {
        let directory = Path::new("/tmp/server");
        let set = |name: &str| vec![(name.to_owned(), "1".to_owned())];
        assert_eq!(Way::choose(&[], directory), Way::Socket);
        assert_eq!(Way::choose(&set("fsync"), directory), Way::Socket);
        for name in OTHER_WAYS {
            assert_eq!(Way::choose(&set(name), directory), Way::Port, "{name}");
        }
        let of_length = |length: usize| PathBuf::from(format!("/{}", "d".repeat(length - 1)));
        let rest = "/socket/.s.PGSQL.5432".len();
        assert_eq!(Way::choose(&[], &of_length(SOCKET_PATH - rest)), Way::Socket);
        assert_eq!(Way::choose(&[], &of_length(SOCKET_PATH - rest + 1)), Way::Port);
        assert_eq!(Way::choose(&[], Path::new("/tmp/a,b")), Way::Port);
    }

    #[test]
    fn the_driver_reads_the_path_of_a_socket_from_its_url() {
        let directory = Path::new("/tmp/a b'c%d@é:\"");
        let url = Way::Socket.url(directory, SOCKET_PORT, None);
        let options: PgConnectOptions = url.parse().unwrap();
        assert_eq!(options.get_socket(), Some(&directory.join("socket")));
        assert_eq!((options.get_port(), options.get_username()), (5432, "postgres"));
        assert_eq!(options.get_database(), Some("postgres"));
        let again: PgConnectOptions = options.to_url_lossy().as_str().parse().unwrap();
        assert_eq!(again.get_socket(), options.get_socket());
    }

    #[test]
    fn without_a_password_only_a_socket_is_open() {
        assert!(!Way::Port.rules().contains("trust"));
        assert!(Way::Socket.rules().lines().all(|rule| !rule.starts_with("host")));
    }
}
