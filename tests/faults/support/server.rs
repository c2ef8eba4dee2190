//! A server of a case's own, which can be crashed.

use std::{
    env, fs,
    net::TcpListener,
    os::unix::fs::PermissionsExt as _,
    path::{Path, PathBuf},
};

use simple_queue::embedded::EmbeddedPostgres;
use test_support::signal_process;
use uuid::Uuid;

/// A server that keeps its data and its port through restarts.
pub(crate) struct Server {
    postgres: Option<EmbeddedPostgres>,
    /// The directory with the directory of the data.
    directory: PathBuf,
    settings: Vec<(String, String)>,
    pub(crate) port: u16,
}

impl Server {
    pub(crate) async fn start(settings: &[(&str, &str)]) -> Self {
        Self::start_in(new_directory(), settings).await
    }

    /// Starts a server on the data in this directory, or on new data.
    pub(crate) async fn start_in(directory: PathBuf, settings: &[(&str, &str)]) -> Self {
        let port = free_port();
        let own = settings.iter().map(|&(name, value)| (name.to_owned(), value.to_owned()));
        // A crash of the server loses nothing that the system has got; only a crash of the machine does.
        let settings = own
            .chain([("port".to_owned(), port.to_string()), ("fsync".to_owned(), "off".to_owned())])
            .collect();
        let mut server = Self { postgres: None, directory, settings, port };
        server.begin().await;
        server
    }

    /// Changes a setting for the next start.
    pub(crate) fn set(&mut self, name: &str, value: &str) {
        self.settings.push((name.to_owned(), value.to_owned()));
    }

    /// Starts it again.
    pub(crate) async fn begin(&mut self) {
        let mut builder = EmbeddedPostgres::builder();
        for (name, value) in &self.settings {
            builder = builder.setting(name, value);
        }
        self.postgres = Some(builder.start_in(&self.directory).await.unwrap());
    }

    pub(crate) fn url(&self) -> &str {
        self.postgres.as_ref().expect("the server runs").url()
    }

    pub(crate) async fn create_database(&self) -> String {
        self.postgres.as_ref().expect("the server runs").create_database().await.unwrap()
    }

    /// The user and the password in its URL.
    pub(crate) fn credentials(&self) -> &str {
        let (start, _) = self.url().split_once('@').unwrap();
        start.strip_prefix("postgres://").unwrap()
    }

    /// The file that keeps its password.
    pub(crate) fn password_file(&self) -> PathBuf {
        self.directory.join("password")
    }

    /// Where the data is.
    pub(crate) fn data(&self) -> PathBuf {
        self.directory.join("data")
    }

    /// What `pg_ctl restart -m immediate` does: no session is told, nothing is written, and the new server
    /// begins by repairing.
    pub(crate) async fn crash_and_restart(&mut self) {
        self.crash("QUIT").await;
        self.begin().await;
    }

    /// Ends it at once, with this signal.
    pub(crate) async fn crash(&mut self, signal: &str) {
        signal_process(signal, postmaster(&self.data()));
        let postgres = self.postgres.take().expect("the server runs");
        // This waits until the server has ended, which it does with an error.
        if let Err(error) = postgres.stop().await {
            println!("{error}");
        }
    }

    /// Ends it in order.
    pub(crate) async fn stop(&mut self) {
        self.postgres.take().expect("the server runs").stop().await.unwrap();
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        drop(self.postgres.take());
        // The server may still write to it. It is in the directory for temporary files.
        if let Err(error) = fs::remove_dir_all(&self.directory) {
            println!("{} was left: {error}", self.directory.display());
        }
    }
}

/// A port that is free at this moment.
pub(crate) fn free_port() -> u16 {
    TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port()
}

/// A directory that the user of the server can use too.
pub(crate) fn new_directory() -> PathBuf {
    let directory = env::temp_dir().join(format!("sq-faults-{}", Uuid::now_v7().simple()));
    fs::create_dir(&directory).unwrap();
    fs::set_permissions(&directory, fs::Permissions::from_mode(0o1777)).unwrap();
    directory
}

/// The id of the server's first process.
fn postmaster(data: &Path) -> u32 {
    let file = fs::read_to_string(data.join("postmaster.pid")).unwrap();
    file.lines().next().unwrap().parse().unwrap()
}
