//! Other processes, their directories, and queries of their servers.

use std::{
    env, fs,
    io::{BufRead as _, BufReader, Read as _},
    net::TcpStream,
    os::unix::{fs::PermissionsExt as _, net::UnixStream},
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    thread,
    time::{Duration, Instant},
};

use sqlx::{Connection as _, PgConnection, postgres::PgConnectOptions};
use uuid::Uuid;

const PATIENCE: Duration = Duration::from_mins(1);

/// A directory for the temporary files of one test, which every user can use, like the common one.
pub(crate) struct Scratch(pub(crate) PathBuf);

impl Scratch {
    pub(crate) fn new() -> Self {
        // Short, because the path of a socket is limited.
        let path = env::temp_dir().join(format!("sq-{}", Uuid::now_v7().simple()));
        fs::create_dir(&path).unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(0o1777)).unwrap();
        Self(path)
    }

    /// Creates a file that every user can run. Another process writes it: while this one has it
    /// open to write, a process that another test is starting may have a copy of that handle, and
    /// then the file cannot be run.
    pub(crate) fn program(&self, name: &str, from: &Path) -> PathBuf {
        let path = self.0.join(name);
        let installed = Command::new("install").args(["-m", "755"]).args([from, &path]).status();
        assert!(installed.unwrap().success());
        path
    }

    pub(crate) fn server_directories(&self) -> Vec<PathBuf> {
        let mut entries = entries(&self.0);
        entries.retain(|path| {
            let name = path.file_name().unwrap().to_string_lossy();
            name.starts_with("simple-queue-pg-")
        });
        entries
    }

    pub(crate) fn nothing_is_left(&self, url: &str) {
        wait_until("nothing listens any more", || !listens(url));
        wait_until("the directory is gone", || self.server_directories().is_empty());
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        // A server that was just told to stop may still work in it.
        wait_until("the directory of the test is removed", || {
            !self.0.exists() || fs::remove_dir_all(&self.0).is_ok()
        });
    }
}

/// This test binary in a role; it ends with the value.
pub(crate) struct Process(pub(crate) Child);

impl Process {
    pub(crate) fn start(scratch: &Scratch, role: &str, change: impl FnOnce(&mut Command)) -> Self {
        Self::start_binary(&env::current_exe().unwrap(), scratch, role, change)
    }

    pub(crate) fn start_binary(
        binary: &Path,
        scratch: &Scratch,
        role: &str,
        change: impl FnOnce(&mut Command),
    ) -> Self {
        let mut command = Command::new(binary);
        command
            .args(["--exact", "the_other_process", "--ignored", "--nocapture"])
            .current_dir("/")
            .env_remove("DATABASE_URL")
            .env("ROLE", role)
            .env("TMPDIR", &scratch.0)
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped());
        change(&mut command);
        Self(command.spawn().unwrap())
    }

    /// Returns the URL that the process prints.
    pub(crate) fn announced(&mut self) -> String {
        let output = BufReader::new(self.0.stdout.as_mut().unwrap());
        for line in output.lines() {
            if let Some(url) = line.unwrap().strip_prefix("ready: ") {
                return url.to_owned();
            }
        }
        panic!("the process ended before it was ready: {}", self.errors());
    }

    /// Returns the URL that the process prints, once the server has answered.
    pub(crate) async fn ready(&mut self) -> String {
        let url = self.announced();
        assert_eq!(query(&url, "select 1").await, "1");
        url
    }

    pub(crate) fn succeed(mut self) {
        let errors = self.errors();
        assert!(self.0.wait().unwrap().success(), "{errors}");
    }

    /// Returns whether it succeeds, and its message if not.
    pub(crate) fn ended(mut self) -> Result<(), String> {
        let errors = self.errors();
        if self.0.wait().unwrap().success() { Ok(()) } else { Err(errors) }
    }

    pub(crate) fn fail(mut self) -> String {
        let errors = self.errors();
        assert!(!self.0.wait().unwrap().success());
        errors
    }

    /// Returns the output of the process until it ends.
    fn errors(&mut self) -> String {
        let mut errors = String::new();
        let mut pipe = self.0.stderr.take().unwrap();
        pipe.read_to_string(&mut errors).unwrap();
        errors
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        self.0.kill().expect("the process is ours");
        self.0.wait().expect("the process is ours");
    }
}

pub(crate) async fn query(url: &str, sql: &str) -> String {
    let mut connection = PgConnection::connect(url).await.unwrap();
    let mut rows = sqlx::raw_sql(sqlx::AssertSqlSafe(format!("{sql};")))
        .fetch_all(&mut connection)
        .await
        .unwrap();
    let row = rows.pop().unwrap();
    connection.close().await.unwrap();
    match sqlx::Row::try_get::<String, _>(&row, 0) {
        Ok(text) => text,
        Err(_) => sqlx::Row::get::<i32, _>(&row, 0).to_string(),
    }
}

pub(crate) async fn created_databases(url: &str) -> String {
    let sql = "select count(*)::text from pg_database where datname like 'simple\\_queue\\_%'";
    query(url, sql).await
}

/// Returns whether a server listens at the URL.
fn listens(url: &str) -> bool {
    let options: PgConnectOptions = url.parse().unwrap();
    match socket(url) {
        Some(socket) => UnixStream::connect(socket).is_ok(),
        None => TcpStream::connect((options.get_host(), options.get_port())).is_ok(),
    }
}

/// Returns the socket of the URL.
pub(crate) fn socket(url: &str) -> Option<PathBuf> {
    let options: PgConnectOptions = url.parse().unwrap();
    let name = format!(".s.PGSQL.{}", options.get_port());
    options.get_socket().map(|directory| directory.join(name))
}

/// Returns the permission bits.
pub(crate) fn mode(path: &Path) -> u32 {
    fs::symlink_metadata(path).unwrap().permissions().mode() & 0o7777
}

pub(crate) fn entries(directory: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(directory).unwrap();
    entries.map(|entry| entry.unwrap().path()).collect()
}

pub(crate) fn wait_until(what: &str, done: impl Fn() -> bool) {
    let begun = Instant::now();
    while !done() {
        assert!(begun.elapsed() < PATIENCE, "waited too long until {what}");
        thread::sleep(Duration::from_millis(10));
    }
}
