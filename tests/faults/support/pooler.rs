//! pgbouncer between the library and the server.

use std::{
    fs,
    net::TcpStream,
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
};

use sqlx::postgres::PgConnectOptions;
use test_support::{PGBOUNCER, eventually, host_of, signal_process};

use super::server::{free_port, new_directory};

/// A pgbouncer that lends sessions for a transaction; it ends with this value.
pub(crate) struct Pooler {
    child: Child,
    directory: PathBuf,
    port: u16,
}

impl Pooler {
    /// Starts one with this many sessions on the server of this URL. `settings` are lines of its file.
    pub(crate) async fn start(url: &str, sessions: usize, settings: &str) -> Self {
        let directory = new_directory();
        let port = free_port();
        let server: PgConnectOptions = url.parse().unwrap();
        let socket = server.get_socket();
        let host = socket.map_or(server.get_host().to_owned(), |path| path.display().to_string());
        let server_port = server.get_port();
        let file = format!(
            "[databases]\n\
             * = host={host} port={server_port} user=postgres\n\
             [pgbouncer]\n\
             listen_addr = 127.0.0.1\n\
             listen_port = {port}\n\
             unix_socket_dir =\n\
             auth_type = any\n\
             pool_mode = transaction\n\
             default_pool_size = {sessions}\n\
             max_client_conn = 500\n\
             ignore_startup_parameters = extra_float_digits\n\
             {settings}\n"
        );
        let path = directory.join("pgbouncer.ini");
        fs::write(&path, file).unwrap();
        let mut command = Command::new(PGBOUNCER.path());
        command.arg("-q").arg(&path).stdin(Stdio::null()).stderr(Stdio::null());
        if is_root() {
            // Like the server, whose socket it has to reach, it refuses to run as root.
            let user = socket.map_or("nobody".to_owned(), |path| owner(path));
            command.args(["-u", &user]);
        }
        let pooler = Self { child: command.spawn().unwrap(), directory, port };
        let listens = async || TcpStream::connect(("127.0.0.1", port)).is_ok();
        eventually("pgbouncer listens", listens).await;
        pooler
    }

    /// The URL that leads through it.
    pub(crate) fn url(&self, url: &str) -> String {
        url.replace(host_of(url), &format!("127.0.0.1:{}", self.port))
    }
}

impl Drop for Pooler {
    fn drop(&mut self) {
        signal_process("INT", self.child.id());
        self.child.wait().expect("the process is ours");
        fs::remove_dir_all(&self.directory).expect("nobody else uses it");
    }
}

fn is_root() -> bool {
    let id = Command::new("id").arg("-u").output().unwrap();
    id.stdout.trim_ascii() == b"0"
}

/// The name of the user that a file belongs to.
fn owner(path: &Path) -> String {
    let named = Command::new("stat").args(["-c", "%U"]).arg(path).output().unwrap();
    String::from_utf8(named.stdout).unwrap().trim().to_owned()
}
