//! Starts a server and knows its address.

use std::{
    ffi::OsString,
    fs::File,
    io, iter,
    net::{Ipv4Addr, TcpListener},
    ops::ControlFlow,
    os::unix::fs::FileExt as _,
    path::{Path, PathBuf},
    thread,
    time::{Duration, Instant},
};

use super::{
    EmbeddedError,
    access::{SOCKET_PORT, Way},
    account::Account,
    cache::Cache,
    directory::{ServerDirectory, read_from_data},
    discover::{self, Binaries},
    environment::Environment,
    error::Context as _,
    held::Held,
    keeper::{ENDED, Keeper},
    memory,
    password::Password,
    template,
};

/// 10 ports are tried when other processes take them first.
const PORT_ATTEMPTS: usize = 10;

/// 1 min and 10 min, the longest starts; a server with data may first have to repair it after a crash.
const TEMPORARY_PATIENCE: Duration = Duration::from_mins(1);
const PERMANENT_PATIENCE: Duration = Duration::from_mins(10);

const POLL: Duration = Duration::from_millis(5);

/// The requested server.
#[derive(Debug)]
pub(super) struct Plan {
    pub(super) environment: Environment,
    /// `None` for a temporary server.
    pub(super) directory: Option<PathBuf>,
    pub(super) durable: bool,
    /// Whether the data of a temporary server is in memory, where there is room.
    pub(super) in_memory: bool,
    pub(super) settings: Vec<(String, String)>,
}

/// A server that runs until this value is dropped.
#[derive(Debug)]
pub(super) struct Server {
    keeper: Keeper,
    directory: Held,
    log: File,
    temporary: bool,
    way: Way,
    port: u16,
    /// The password of a server that listens on a port.
    password: Option<Password>,
}

/// Starts the server and waits until it accepts connections.
pub(super) fn launch(plan: &Plan) -> Result<Server, EmbeddedError> {
    match fixed_port(&plan.settings) {
        Some(port) => launch_on(plan, iter::once(Ok(port))),
        None => launch_on(plan, iter::repeat_with(free_port).take(PORT_ATTEMPTS)),
    }
}

/// Starts the server; one that listens on a port takes the first of these that is free.
fn launch_on(
    plan: &Plan,
    ports: impl Iterator<Item = io::Result<u16>>,
) -> Result<Server, EmbeddedError> {
    let begun = Instant::now();
    let account = Account::of_server()?;
    let (directory, binaries) = prepare(plan, &account)?;
    let mut server = begin(plan, directory, &binaries, &account)?;
    match server.way {
        Way::Socket => server.serve(iter::once(Ok(SOCKET_PORT)))?,
        Way::Port => server.serve(ports)?,
    }
    tracing::info!(
        url = server.shown_url(),
        directory = %server.directory.path().display(),
        version = binaries.version,
        elapsed = ?begun.elapsed(),
        "the embedded PostgreSQL is ready"
    );
    Ok(server)
}

/// Creates everything that the server needs. From early on the keeper ends it.
fn begin(
    plan: &Plan,
    directory: ServerDirectory,
    binaries: &Binaries,
    account: &Account,
) -> Result<Server, EmbeddedError> {
    let way = Way::choose(&plan.settings, directory.path());
    let log = directory.log()?;
    let for_keeper = log.try_clone().context("open", directory.path())?;
    let command = command(binaries, &directory, way, plan);
    let keeper = Keeper::spawn(&directory, account, command, for_keeper)?;
    way.prepare(&directory, account)?;
    if directory.temporary {
        let cache = Cache::open(&plan.environment, account)?;
        template::copy_cluster(binaries, account, &cache, &directory)?;
    } else {
        template::ensure_cluster(binaries, account, &directory)?;
    }
    let password = match way {
        Way::Socket => None,
        Way::Port => Some(Password::ensure(&directory, binaries, account)?),
    };
    // Drops our copy of the server's lock; otherwise the next start would wait for this process.
    let ServerDirectory { held, temporary, .. } = directory;
    Ok(Server { keeper, directory: held, log, temporary, way, port: 0, password })
}

impl Server {
    /// The URL to connect with, which may hold a password.
    pub(super) fn url(&self) -> String {
        self.way.url(self.directory.path(), self.port, self.password.as_ref())
    }

    /// The URL without the password.
    pub(super) fn shown_url(&self) -> String {
        self.way.url(self.directory.path(), self.port, None)
    }

    pub(super) fn stop(self) -> Result<(), EmbeddedError> {
        let path = self.directory.path().to_owned();
        let status = self.keeper.stop().context("wait for the server in", &path)?;
        if self.temporary || status.success() {
            return Ok(());
        }
        let log = read_from(&self.log, 0).context("read the log in", &path)?;
        Err(EmbeddedError::EndedBadly { log: tail(&log), directory: path, status })
    }

    fn serve(&mut self, ports: impl Iterator<Item = io::Result<u16>>) -> Result<(), EmbeddedError> {
        let path = self.directory.path().to_owned();
        let mut log = String::new();
        for port in ports {
            self.port = port.context("find a free port on", Path::new("127.0.0.1"))?;
            let log_before = self.log.metadata().context("read the log in", &path)?.len();
            // After a crash of the machine an old file is left, with old content.
            let pid_before = self.pid_file()?;
            self.keeper.serve(self.port).context("start the server in", &path)?;
            log = match self.await_ready(log_before, pid_before.as_deref())? {
                ControlFlow::Break(()) => return Ok(()),
                ControlFlow::Continue(log) => log,
            };
            if !port_was_taken(&log) {
                break;
            }
            tracing::debug!(port = self.port, "port taken by another process, trying another one");
        }
        Err(EmbeddedError::Died { directory: path, log: tail(&log) })
    }

    /// Breaks when the server is ready, and continues with its log when it has ended.
    fn await_ready(
        &self,
        log_before: u64,
        pid_before: Option<&str>,
    ) -> Result<ControlFlow<(), String>, EmbeddedError> {
        let patience = if self.temporary { TEMPORARY_PATIENCE } else { PERMANENT_PATIENCE };
        let path = self.directory.path();
        let begun = Instant::now();
        loop {
            let pid_file = self.pid_file()?;
            let pid_file = pid_file.as_deref();
            if pid_file != pid_before && pid_file.is_some_and(is_ready) {
                return Ok(ControlFlow::Break(()));
            }
            let log = read_from(&self.log, log_before).context("read the log in", path)?;
            if log.lines().any(|line| line.starts_with(ENDED)) {
                return Ok(ControlFlow::Continue(log));
            }
            if begun.elapsed() > patience {
                return Err(EmbeddedError::NotReady {
                    directory: path.to_owned(),
                    seconds: patience.as_secs(),
                    log: tail(&log),
                });
            }
            thread::sleep(POLL);
        }
    }

    fn pid_file(&self) -> Result<Option<String>, EmbeddedError> {
        read_from_data(&self.directory, "postmaster.pid")
    }
}

fn prepare(plan: &Plan, account: &Account) -> Result<(ServerDirectory, Binaries), EmbeddedError> {
    let environment = &plan.environment;
    let Some(path) = &plan.directory else {
        // The search comes first, because it may take a download.
        let binaries = discover::find(environment, account)?;
        let memory = plan.in_memory.then(|| memory::with_room(environment)).flatten();
        let parent = memory.as_ref().unwrap_or(&environment.temporary);
        let directory = ServerDirectory::temporary(parent, account)?;
        return Ok((directory, binaries));
    };
    let directory = ServerDirectory::named(path, account)?;
    let mut environment = environment.clone();
    if let Some(major) = directory.version()? {
        environment.wanted = major..=major; // no other can read it
    }
    let binaries = discover::find(&environment, account)?;
    Ok((directory, binaries))
}

fn command(
    binaries: &Binaries,
    directory: &ServerDirectory,
    way: Way,
    plan: &Plan,
) -> Vec<OsString> {
    let mut settings = way.settings(directory.path());
    settings.push(OsString::from("max_connections=300"));
    if !plan.durable {
        for name in ["fsync", "synchronous_commit", "full_page_writes"] {
            settings.push(OsString::from(format!("{name}=off")));
        }
    }
    let own = plan.settings.iter();
    settings.extend(own.map(|(name, value)| OsString::from(format!("{name}={value}"))));
    let mut command = vec![
        binaries.directory.join("postgres").into_os_string(),
        "-D".into(),
        directory.data().into(),
    ];
    for setting in settings {
        command.extend(["-c".into(), setting]);
    }
    command
}

fn fixed_port(settings: &[(String, String)]) -> Option<u16> {
    let (_, port) = settings.iter().rfind(|(name, _)| name == "port")?;
    port.parse().ok()
}

/// Returns a port that is free at this moment.
fn free_port() -> io::Result<u16> {
    Ok(TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?.local_addr()?.port())
}

/// The eighth line of `postmaster.pid` is the state of the server.
fn is_ready(pid_file: &str) -> bool {
    pid_file.lines().nth(7).is_some_and(|line| line.trim() == "ready")
}

fn port_was_taken(log: &str) -> bool {
    log.contains("could not create any TCP/IP sockets")
}

fn read_from(log: &File, offset: u64) -> io::Result<String> {
    let mut bytes =
        vec![0; usize::try_from(log.metadata()?.len().saturating_sub(offset)).unwrap_or(0)];
    log.read_exact_at(&mut bytes, offset)?;
    Ok(String::from_utf8_lossy(&bytes).into_owned())
}

/// Returns the last lines of a log.
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
            in_memory: false,
            settings: vec![("listen_addresses".to_owned(), "127.0.0.1".to_owned())],
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
