//! pgbouncer between the library and the server.

use std::{
    fs,
    net::TcpStream,
    os::unix::fs::PermissionsExt as _,
    path::PathBuf,
    process::{Child, Command, Stdio},
};

use test_support::{PGBOUNCER, eventually, signal_process};

use super::server::{free_port, new_directory};

/// A pgbouncer that lends sessions for a transaction; it ends with this value.
pub(crate) struct Pooler {
    child: Child,
    directory: PathBuf,
    port: u16,
}

impl Pooler {
    /// Begins to lend so many sessions of the server of this URL. `settings` are lines of its file.
    pub(crate) async fn start(url: &str, sessions: usize, settings: &str) -> Self {
        let directory = new_directory();
        let port = free_port();
        let (_, server_port) = address(url);
        let password = password(url);
        let file = format!(
            "[databases]\n\
             * = host=127.0.0.1 port={server_port} user=postgres password={password}\n\
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
        fs::write(&path, "").unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(0o600)).unwrap();
        fs::write(&path, file).unwrap();
        let mut command = Command::new(PGBOUNCER.path());
        command.arg("-q").arg(&path).stdin(Stdio::null()).stderr(Stdio::null());
        if is_root() {
            // It refuses to run as root, as the server does.
            command.args(["-u", "nobody"]);
        }
        let pooler = Self { child: command.spawn().unwrap(), directory, port };
        let listens = async || TcpStream::connect(("127.0.0.1", port)).is_ok();
        eventually("pgbouncer listens", listens).await;
        pooler
    }

    /// The URL that leads through it.
    pub(crate) fn url(&self, url: &str) -> String {
        let (host, port) = address(url);
        url.replace(&format!("@{host}:{port}"), &format!("@127.0.0.1:{}", self.port))
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

fn password(url: &str) -> &str {
    let (start, _) = url.split_once('@').unwrap();
    let (_, password) = start.rsplit_once(':').unwrap();
    password
}

fn address(url: &str) -> (String, u16) {
    let (_, rest) = url.split_once('@').unwrap();
    let (address, _) = rest.split_once('/').unwrap();
    let (host, port) = address.rsplit_once(':').unwrap();
    (host.to_owned(), port.parse().unwrap())
}
