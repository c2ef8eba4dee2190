//! A network that can be broken: a proxy between the library and the server, which understands enough of
//! the protocol to know whose answer it takes away.

#![expect(clippy::unwrap_used, clippy::missing_panics_doc, reason = "a test that fails says where")]

mod carry;
mod messages;

use std::{
    collections::HashSet,
    net::SocketAddr,
    sync::{Arc, Mutex, MutexGuard},
    time::Duration,
};

use sqlx::postgres::PgConnectOptions;
use tokio::{
    net::TcpListener,
    sync::{oneshot, watch},
};

use carry::accept;

/// What the proxy does with what it is sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fault {
    /// Everything arrives at once.
    None,
    /// Everything arrives later, by this time.
    Late(Duration),
    /// Nothing is read any more, so that buffers fill up.
    Stalled,
    /// What is sent is read and goes nowhere, and no answer comes: the other end has vanished.
    HalfOpen,
    /// Connections are reset, old ones and new ones.
    Cut,
}

/// A proxy before one server.
#[derive(Debug)]
pub struct Proxy {
    address: SocketAddr,
    shared: Arc<Shared>,
}

#[derive(Debug)]
struct Shared {
    server: PgConnectOptions,
    /// The fault of new connections.
    fault: watch::Sender<Fault>,
    connections: Mutex<Vec<Arc<Line>>>,
    trap: Mutex<Option<Trap>>,
    /// The first lines of all statements that were sent.
    sent: Mutex<HashSet<String>>,
}

/// One connection through the proxy.
#[derive(Debug)]
struct Line {
    fault: watch::Sender<Fault>,
    /// The first lines of the statements that were sent on it.
    sent: Mutex<HashSet<String>>,
}

/// Does harm to the connection on which a statement comes next.
#[derive(Debug)]
struct Trap {
    /// How the statement begins.
    statement: String,
    harm: Harm,
    sprung: oneshot::Sender<()>,
}

#[derive(Debug)]
enum Harm {
    /// Its answer is taken away.
    LostAnswer,
    /// The other end vanishes before it arrives.
    Vanished,
}

impl Proxy {
    /// A proxy before the server of this URL.
    pub async fn start(url: &str) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let shared = Arc::new(Shared {
            server: url.parse().unwrap(),
            fault: watch::Sender::new(Fault::None),
            connections: Mutex::default(),
            trap: Mutex::default(),
            sent: Mutex::default(),
        });
        tokio::spawn(accept(listener, Arc::clone(&shared)));
        Self { address, shared }
    }

    /// The URL that leads through the proxy.
    pub fn url(&self, url: &str) -> String {
        url.replace(host_of(url), &self.address.to_string())
    }

    /// Breaks or mends all connections, old ones and new ones.
    pub fn set(&self, fault: Fault) {
        self.set_for_new(fault);
        for line in self.shared.lines().iter() {
            line.fault.send_replace(fault);
        }
    }

    /// Breaks or mends new connections, and leaves the old ones as they are.
    pub fn set_for_new(&self, fault: Fault) {
        self.shared.fault.send_replace(fault);
    }

    /// Ends the connections of which the other end has vanished, as a system does after a while.
    pub fn give_up_silent(&self) {
        for line in self.shared.lines().iter() {
            line.fault.send_if_modified(|fault| {
                let is_silent = *fault == Fault::HalfOpen;
                if is_silent {
                    *fault = Fault::Cut;
                }
                is_silent
            });
        }
    }

    /// Breaks the open connections on which such a statement was sent; new ones
    /// work. Returns how many it broke.
    pub fn break_those_that_sent(&self, statement: &str, fault: Fault) -> usize {
        let lines = self.shared.lines();
        let sent_it = |line: &&Arc<Line>| {
            line.sent.lock().unwrap().iter().any(|sent| sent.contains(statement))
        };
        let broken: Vec<_> = lines.iter().filter(sent_it).collect();
        for line in &broken {
            line.fault.send_replace(fault);
        }
        broken.len()
    }

    /// Whether such a statement was ever sent.
    pub fn has_seen(&self, statement: &str) -> bool {
        self.shared.sent.lock().unwrap().iter().any(|sent| sent.contains(statement))
    }

    /// Takes away the next answer to such a statement: the server has executed it and answered, and
    /// then the connection is reset. Ready when that has happened.
    pub fn lose_answer_to(&self, statement: &str) -> oneshot::Receiver<()> {
        self.set_trap(statement, Harm::LostAnswer)
    }

    /// Lets the other end vanish before the next such statement arrives.
    pub fn vanish_at(&self, statement: &str) -> oneshot::Receiver<()> {
        self.set_trap(statement, Harm::Vanished)
    }

    fn set_trap(&self, statement: &str, harm: Harm) -> oneshot::Receiver<()> {
        let (sprung, has_sprung) = oneshot::channel();
        let trap = Trap { statement: statement.to_owned(), harm, sprung };
        let before = self.shared.trap.lock().unwrap().replace(trap);
        assert!(before.is_none(), "one answer at a time");
        has_sprung
    }
}

impl Shared {
    fn lines(&self) -> MutexGuard<'_, Vec<Arc<Line>>> {
        self.connections.lock().unwrap()
    }

    fn trap_for(&self, statement: &str) -> Option<Trap> {
        let mut trap = self.trap.lock().unwrap();
        trap.take_if(|trap| statement.contains(&trap.statement))
    }
}

/// The place of the server in its URL, with the port.
pub fn host_of(url: &str) -> &str {
    let (_, rest) = url.split_once('@').unwrap();
    let (host, _) = rest.split_once('/').unwrap();
    host
}
