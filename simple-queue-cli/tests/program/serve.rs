//! The dashboard as a process of its own.

use std::{
    io::{BufRead, BufReader, Read, Write},
    net::TcpStream,
    process::{Child, Stdio},
};

use simple_queue::{SimpleQueue, embedded::EmbeddedPostgres};

use crate::support::{program, run};

/// A server that ends with its test.
struct Serving {
    child: Child,
    /// The printed address, without the scheme.
    host: String,
    path: String,
}

impl Serving {
    fn start(url: &str, more: &[&str]) -> Self {
        let mut child = program()
            .args(["serve", "--listen", "127.0.0.1:0"])
            .args(more)
            .env("DATABASE_URL", url)
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let mut line = String::new();
        BufReader::new(child.stdout.take().unwrap()).read_line(&mut line).unwrap();
        let (host, path) = line.trim().strip_prefix("http://").unwrap().split_once('/').unwrap();
        let (host, path) = (host.to_owned(), format!("/{path}"));
        Self { child, host, path }
    }

    /// The whole answer.
    fn ask(&self, path: &str, headers: &str) -> String {
        let mut connection = TcpStream::connect(&self.host).unwrap();
        let host = if headers.contains("host:") { "" } else { "host: localhost\r\n" };
        write!(connection, "GET {path} HTTP/1.1\r\n{host}{headers}connection: close\r\n\r\n")
            .unwrap();
        let mut answer = String::new();
        connection.read_to_string(&mut answer).unwrap();
        answer
    }
}

impl Drop for Serving {
    fn drop(&mut self) {
        if self.child.kill().is_ok() {
            self.child.wait().unwrap();
        }
    }
}

async fn place() -> EmbeddedPostgres {
    let server = EmbeddedPostgres::start().await.unwrap();
    SimpleQueue::connect(server.url()).await.unwrap().migrate().await.unwrap();
    server
}

#[tokio::test(flavor = "multi_thread")]
async fn the_printed_address_opens_it_once_and_a_cookie_keeps_it_open() {
    let server = place().await;
    let serving = Serving::start(server.url(), &[]);
    assert!(serving.ask("/jobs", "").starts_with("HTTP/1.1 403"));
    assert!(serving.ask("/jobs", "host: evil.test\r\n").starts_with("HTTP/1.1 421"));
    let entered = serving.ask(&serving.path, "");
    assert!(entered.starts_with("HTTP/1.1 303"), "{entered}");
    let (_, cookie) = entered.split_once("set-cookie: ").unwrap();
    let cookie = cookie.lines().next().unwrap();
    assert!(cookie.contains("HttpOnly") && cookie.contains("SameSite=Strict"), "{cookie}");
    let cookie = format!("cookie: {}\r\n", cookie.split(';').next().unwrap());
    let page = serving.ask("/jobs", &cookie);
    assert!(page.starts_with("HTTP/1.1 200") && page.contains("ann"), "{page}");
    assert!(serving.ask(&serving.path, "").starts_with("HTTP/1.1 403"), "the key was used");
    assert!(serving.ask("/readyz", "").starts_with("HTTP/1.1 200"));
}

#[cfg(unix)]
#[tokio::test(flavor = "multi_thread")]
async fn a_signal_ends_it_with_a_connection_open() {
    let server = place().await;
    let mut serving = Serving::start(server.url(), &["--read-only"]);
    let _idle = TcpStream::connect(&serving.host).unwrap();
    test_support::signal_process("TERM", serving.child.id());
    assert!(serving.child.wait().unwrap().success());
}

#[tokio::test(flavor = "multi_thread")]
async fn other_machines_are_asked_who_they_are_or_it_does_not_start() {
    let server = place().await;
    let refused = run(server.url(), &["serve", "--listen", "0.0.0.0:0"]);
    assert_eq!(refused.code, 2, "{}", refused.err);
    assert!(
        refused.err.contains("--password-file") && refused.err.contains("0.0.0.0:0"),
        "{}",
        refused.err
    );

    let file = std::env::temp_dir().join(format!("simple-queue-password-{}", std::process::id()));
    std::fs::write(&file, "open sesame\n").unwrap();
    let serving = Serving::start(server.url(), &["--password-file", file.to_str().unwrap()]);
    std::fs::remove_file(&file).unwrap();
    let asks = serving.ask("/jobs", "");
    assert!(asks.starts_with("HTTP/1.1 401") && asks.contains("www-authenticate: Basic"), "{asks}");
    // ben:open sesame
    let page = serving.ask("/jobs", "authorization: Basic YmVuOm9wZW4gc2VzYW1l\r\n");
    assert!(page.starts_with("HTTP/1.1 200") && page.contains(">ben<"), "{page}");
}
