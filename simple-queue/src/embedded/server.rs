//! Starts a server and knows how it is reached.

use std::{
    ffi::OsString,
    fs, io, iter,
    net::{Ipv4Addr, TcpListener},
    ops::ControlFlow,
    path::{Path, PathBuf},
    thread,
    time::{Duration, Instant},
};

use super::{
    EmbeddedError,
    account::Account,
    cache::Cache,
    directory::ServerDirectory,
    discover::{self, Binaries},
    environment::Environment,
    error::Context as _,
    keeper::{ENDED, Keeper},
    template,
};

/// How often a port that somebody else was quicker to take is replaced by another.
const PORT_ATTEMPTS: usize = 10;

/// How long a server may take; one with data may first have to repair it after a crash.
const TEMPORARY_PATIENCE: Duration = Duration::from_mins(1);
const PERMANENT_PATIENCE: Duration = Duration::from_mins(10);

const POLL: Duration = Duration::from_millis(5);

/// The server that is wanted.
#[derive(Debug)]
pub(super) struct Plan {
    pub(super) environment: Environment,
    /// `None` for a temporary server.
    pub(super) directory: Option<PathBuf>,
    pub(super) durable: bool,
    pub(super) settings: Vec<(String, String)>,
}

/// A server that runs until this value is dropped.
#[derive(Debug)]
pub(super) struct Server {
    keeper: Keeper,
    directory: PathBuf,
    log: PathBuf,
    temporary: bool,
    port: u16,
}

/// Starts the server and waits until it takes connections.
pub(super) fn launch(plan: &Plan) -> Result<Server, EmbeddedError> {
    match fixed_port(&plan.settings) {
        Some(port) => launch_on(plan, iter::once(Ok(port))),
        None => launch_on(plan, iter::repeat_with(free_port).take(PORT_ATTEMPTS)),
    }
}

/// Starts the server on the first of these ports that nobody has.
fn launch_on(
    plan: &Plan,
    ports: impl Iterator<Item = io::Result<u16>>,
) -> Result<Server, EmbeddedError> {
    let begun = Instant::now();
    let account = Account::of_server()?;
    let (directory, binaries) = prepare(plan, &account)?;
    let (path, data, log) = (directory.path.clone(), directory.data(), directory.log());
    let lock = directory.server_lock.try_clone().context("lock", &path)?;
    let temporary = directory.temporary;
    let keeper = Keeper::spawn(directory, &account, command(&binaries, &data, plan))?;
    if temporary {
        let cache = Cache::open(&plan.environment, &account)?;
        template::copy_cluster(&binaries, &account, &cache, &data)?;
    } else {
        template::ensure_cluster(&binaries, &account, &data, &lock)?;
    }
    drop(lock); // or the next start would wait for us, not for the server
    let mut server = Server { keeper, directory: path, log, temporary, port: 0 };
    server.serve(&data, ports)?;
    tracing::info!(
        url = server.url(),
        directory = %server.directory.display(),
        version = binaries.version,
        elapsed = ?begun.elapsed(),
        "the embedded PostgreSQL is ready"
    );
    Ok(server)
}

impl Server {
    pub(super) fn url(&self) -> String {
        let port = self.port;
        format!("postgres://postgres@127.0.0.1:{port}/postgres?sslmode=disable")
    }

    pub(super) fn stop(self) -> Result<(), EmbeddedError> {
        let status = self.keeper.stop().context("wait for the server in", &self.directory)?;
        if self.temporary || status.success() {
            return Ok(());
        }
        Err(EmbeddedError::EndedBadly {
            log: tail(&read_from(&self.log, 0)?),
            directory: self.directory,
            status,
        })
    }

    fn serve(
        &mut self,
        data: &Path,
        ports: impl Iterator<Item = io::Result<u16>>,
    ) -> Result<(), EmbeddedError> {
        let mut log = String::new();
        for port in ports {
            self.port = port.context("find a free port on", Path::new("127.0.0.1"))?;
            let log_before = fs::metadata(&self.log).map_or(0, |found| found.len());
            // A crash of the machine leaves this file, and what it says is old.
            let pid_before = read_pid_file(data);
            self.keeper.serve(self.port).context("start the server in", &self.directory)?;
            log = match self.await_ready(data, log_before, &pid_before)? {
                ControlFlow::Break(()) => return Ok(()),
                ControlFlow::Continue(log) => log,
            };
            if !port_was_taken(&log) {
                break;
            }
            tracing::debug!(port = self.port, "somebody was quicker to take the port");
        }
        Err(EmbeddedError::Died { directory: self.directory.clone(), log: tail(&log) })
    }

    /// Breaks when the server is ready, and continues with its log when it has ended.
    fn await_ready(
        &self,
        data: &Path,
        log_before: u64,
        pid_before: &str,
    ) -> Result<ControlFlow<(), String>, EmbeddedError> {
        let patience = if self.temporary { TEMPORARY_PATIENCE } else { PERMANENT_PATIENCE };
        let begun = Instant::now();
        loop {
            let pid_file = read_pid_file(data);
            if pid_file != pid_before && is_ready(&pid_file) {
                return Ok(ControlFlow::Break(()));
            }
            let log = read_from(&self.log, log_before)?;
            if log.lines().any(|line| line.starts_with(ENDED)) {
                return Ok(ControlFlow::Continue(log));
            }
            if begun.elapsed() > patience {
                return Err(EmbeddedError::NotReady {
                    directory: self.directory.clone(),
                    seconds: patience.as_secs(),
                    log: tail(&log),
                });
            }
            thread::sleep(POLL);
        }
    }
}

fn prepare(plan: &Plan, account: &Account) -> Result<(ServerDirectory, Binaries), EmbeddedError> {
    let environment = &plan.environment;
    let Some(path) = &plan.directory else {
        // The search comes first, because it may take a download.
        let binaries = discover::find(environment, account)?;
        let directory = ServerDirectory::temporary(&environment.temporary, account)?;
        return Ok((directory, binaries));
    };
    let directory = ServerDirectory::named(path.clone(), account)?;
    let mut environment = environment.clone();
    if let Some(major) = major_of_data(&directory.data()) {
        environment.wanted = major..=major; // no other can read it
    }
    let binaries = discover::find(&environment, account)?;
    Ok((directory, binaries))
}

fn major_of_data(data: &Path) -> Option<u16> {
    let version = fs::read_to_string(data.join("PG_VERSION")).ok()?;
    version.trim().parse().ok()
}

fn command(binaries: &Binaries, data: &Path, plan: &Plan) -> Vec<OsString> {
    // No socket file: its path may be too long in a directory for temporary files.
    let mut settings = vec![
        "listen_addresses=127.0.0.1".to_owned(),
        "unix_socket_directories=".to_owned(),
        "max_connections=300".to_owned(),
    ];
    if !plan.durable {
        for name in ["fsync", "synchronous_commit", "full_page_writes"] {
            settings.push(format!("{name}=off"));
        }
    }
    let own = plan.settings.iter();
    settings.extend(own.map(|(name, value)| format!("{name}={value}")));
    let mut command =
        vec![binaries.directory.join("postgres").into_os_string(), "-D".into(), data.into()];
    for setting in settings {
        command.extend(["-c".into(), setting.into()]);
    }
    command
}

fn fixed_port(settings: &[(String, String)]) -> Option<u16> {
    let (_, port) = settings.iter().rfind(|(name, _)| name == "port")?;
    port.parse().ok()
}

/// A port that nobody has at this moment.
fn free_port() -> io::Result<u16> {
    Ok(TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?.local_addr()?.port())
}

fn read_pid_file(data: &Path) -> String {
    fs::read_to_string(data.join("postmaster.pid")).unwrap_or_default()
}

/// The eighth line of `postmaster.pid` is the state of the server.
fn is_ready(pid_file: &str) -> bool {
    pid_file.lines().nth(7).is_some_and(|line| line.trim() == "ready")
}

fn port_was_taken(log: &str) -> bool {
    log.contains("could not create any TCP/IP sockets")
}

fn read_from(log: &Path, offset: u64) -> Result<String, EmbeddedError> {
    let bytes = fs::read(log).context("read", log)?;
    let offset = usize::try_from(offset).unwrap_or(usize::MAX);
    Ok(String::from_utf8_lossy(bytes.get(offset..).unwrap_or_default()).into_owned())
}

/// The last lines of a log.
fn tail(log: &str) -> String {
    const LINES: usize = 20;
    let lines: Vec<&str> = log.lines().collect();
    lines[lines.len().saturating_sub(LINES)..].join("\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_server_is_ready_when_the_eighth_line_says_so() {
        let file = "1\n/data\n1700000000\n5432\n\n127.0.0.1\n  1 2\n";
        assert!(!is_ready(""));
        assert!(!is_ready(file));
        assert!(!is_ready(&format!("{file}starting\n")));
        assert!(is_ready(&format!("{file}ready   \n")));
    }

    #[test]
    fn the_last_port_that_was_set_is_the_one_used() {
        let set = |name: &str, value: &str| (name.to_owned(), value.to_owned());
        assert_eq!(fixed_port(&[set("fsync", "on")]), None);
        let twice = [set("port", "1"), set("port", "2"), set("fsync", "on")];
        assert_eq!(fixed_port(&twice), Some(2));
    }

    #[test]
    fn a_port_that_was_taken_is_replaced_by_another() {
        let taken = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
        let taken = taken.local_addr().map(|address| (taken, address.port()));
        let (_listener, taken) = taken.unwrap();
        let plan = Plan {
            environment: Environment::current().unwrap(),
            directory: None,
            durable: false,
            settings: Vec::new(),
        };
        let ports = [Ok(taken), free_port()].into_iter();
        let server = launch_on(&plan, ports).unwrap();
        assert_ne!(server.port, taken);
        server.stop().unwrap();
    }

    #[test]
    fn the_end_of_a_long_log_is_kept() {
        let lines: Vec<String> = (0..50).map(|line| line.to_string()).collect();
        assert_eq!(tail(&lines.join("\n")), lines[30..].join("\n"));
        assert_eq!(tail("one"), "one");
    }
}
