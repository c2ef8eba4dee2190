//! A network that can be broken: a proxy between the library and the server, which understands so much of
//! the protocol that it knows whose answer it takes away.
//! <https://www.postgresql.org/docs/current/protocol-message-formats.html>

use std::{
    collections::{HashMap, HashSet},
    io,
    net::SocketAddr,
    sync::{Arc, Mutex, MutexGuard},
    time::Duration,
};

use sqlx::postgres::PgConnectOptions;
use tokio::{
    io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _},
    net::{TcpListener, TcpStream, UnixStream},
    sync::{mpsc, oneshot, watch},
    time::Instant,
};

/// What the proxy does with what it is sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Fault {
    None,
    /// Everything arrives so much later.
    Late(Duration),
    /// Nothing is read any more, so that buffers fill up.
    Stalled,
    /// What is sent is read and goes nowhere, and nothing comes back: the other end has vanished.
    HalfOpen,
    /// Connections are reset, old ones and new ones.
    Cut,
}

/// A proxy before one server.
pub(crate) struct Proxy {
    address: SocketAddr,
    shared: Arc<Shared>,
}

struct Shared {
    server: PgConnectOptions,
    /// For connections that begin.
    fault: watch::Sender<Fault>,
    connections: Mutex<Vec<Arc<Line>>>,
    trap: Mutex<Option<Trap>>,
}

/// One connection through the proxy.
struct Line {
    fault: watch::Sender<Fault>,
    /// The first lines of the statements that were sent on it.
    sent: Mutex<HashSet<String>>,
}

/// Does something to the connection on which a statement comes next.
struct Trap {
    /// How the statement begins.
    statement: String,
    harm: Harm,
    sprung: oneshot::Sender<()>,
}

enum Harm {
    /// Its answer is taken away.
    LostAnswer,
    /// The other end vanishes before it arrives.
    Vanished,
}

impl Proxy {
    /// A proxy before the server of this URL.
    pub(crate) async fn start(url: &str) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let shared = Arc::new(Shared {
            server: url.parse().unwrap(),
            fault: watch::Sender::new(Fault::None),
            connections: Mutex::default(),
            trap: Mutex::default(),
        });
        tokio::spawn(accept(listener, Arc::clone(&shared)));
        Self { address, shared }
    }

    /// The URL that leads through the proxy.
    pub(crate) fn url(&self, url: &str) -> String {
        url.replace(host_of(url), &self.address.to_string())
    }

    /// Breaks, or mends, all connections, those to come too.
    pub(crate) fn set(&self, fault: Fault) {
        self.set_for_new(fault);
        for line in self.shared.lines().iter() {
            line.fault.send_replace(fault);
        }
    }

    /// Breaks, or mends, the connections to come, and leaves the old ones as they are.
    pub(crate) fn set_for_new(&self, fault: Fault) {
        self.shared.fault.send_replace(fault);
    }

    /// Breaks the connections that are open now and on which such a statement was sent; those to come are
    /// well. Returns how many.
    pub(crate) fn break_those_that_sent(&self, statement: &str, fault: Fault) -> usize {
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

    /// The next answer to such a statement is taken away: the server has carried it out and said so, and
    /// then the connection is reset. Ready when that has happened.
    pub(crate) fn lose_answer_to(&self, statement: &str) -> oneshot::Receiver<()> {
        self.set_trap(statement, Harm::LostAnswer)
    }

    /// The next such statement goes nowhere, and nothing comes back on its connection any more.
    pub(crate) fn vanish_at(&self, statement: &str) -> oneshot::Receiver<()> {
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

async fn accept(listener: TcpListener, shared: Arc<Shared>) {
    loop {
        let (client, _) = listener.accept().await.unwrap();
        let (shared, fault) = (Arc::clone(&shared), *shared.fault.borrow());
        let line = Arc::new(Line { fault: watch::Sender::new(fault), sent: Mutex::default() });
        shared.lines().push(Arc::clone(&line));
        tokio::spawn(async move {
            // Whatever ends a connection, its two ends see a reset or an end, as in life.
            if let Err(error) = carry(client, &shared, &line).await {
                println!("a connection through the proxy ended: {error}");
            }
            shared.lines().retain(|other| !Arc::ptr_eq(other, &line));
        });
    }
}

async fn carry(client: TcpStream, shared: &Shared, line: &Line) -> io::Result<()> {
    client.set_nodelay(true)?;
    client.set_zero_linger()?;
    if *line.fault.borrow() == Fault::Cut {
        return Ok(());
    }
    let (from_server, to_server) = connect(&shared.server).await?;
    let (from_client, to_client) = client.into_split();
    let (asked, to_ask) = mpsc::unbounded_channel();
    let (answered, to_answer) = mpsc::unbounded_channel();
    let (lost, is_lost) = watch::channel(None);
    let there = async {
        tokio::join!(
            requests(Box::new(from_client), asked, shared, line, lost),
            deliver(to_ask, to_server, line)
        )
    };
    let back = async {
        tokio::join!(
            answers(from_server, answered, line, is_lost),
            deliver(to_answer, Box::new(to_client), line)
        )
    };
    let cut = async {
        let mut fault = line.fault.subscribe();
        fault.wait_for(|fault| *fault == Fault::Cut).await.expect("the line is there");
    };
    tokio::select! {
        // What was said before its end arrives all the same.
        (ended, ()) = there => ended,
        (ended, ()) = back => ended,
        () = cut => Ok(()),
    }
}

type Reader = Box<dyn AsyncRead + Send + Unpin>;
type Writer = Box<dyn AsyncWrite + Send + Unpin>;

/// A connection to the server, whether it listens on a port or on a socket.
async fn connect(server: &PgConnectOptions) -> io::Result<(Reader, Writer)> {
    if let Some(directory) = server.get_socket() {
        let name = format!(".s.PGSQL.{}", server.get_port());
        let (from, to) = UnixStream::connect(directory.join(name)).await?.into_split();
        return Ok((Box::new(from), Box::new(to)));
    }
    let stream = TcpStream::connect((server.get_host(), server.get_port())).await?;
    stream.set_nodelay(true)?;
    let (from, to) = stream.into_split();
    Ok((Box::new(from), Box::new(to)))
}

/// What is on its way, and since when.
type Sent = (Instant, Vec<u8>);

/// Carries what the client sends, message by message, and notes the statements among it.
async fn requests(
    mut from: Reader,
    to: mpsc::UnboundedSender<Sent>,
    shared: &Shared,
    line: &Line,
    lost: watch::Sender<Option<LostAnswer>>,
) -> io::Result<()> {
    let mut prepared = HashMap::new();
    let mut messages = Messages { has_begun: false, buffer: Vec::new() };
    let mut trap = None;
    while let Some(at) = receive(&mut from, line, &mut messages.buffer).await? {
        let mut arrived = Vec::new();
        while let Some(message) = messages.next() {
            if let Some(statement) = statement_of(&message, &mut prepared) {
                let head = statement.lines().next().unwrap_or_default().to_owned();
                trap = trap.or_else(|| shared.trap_for(&head));
                line.sent.lock().unwrap().insert(head);
            }
            // The answer is complete when the server is ready for what follows this message.
            let ends = matches!(message.first(), Some(b'S' | b'Q'));
            if ends && let Some(trap) = trap.take() {
                match trap.harm {
                    Harm::LostAnswer => {
                        let sprung = Arc::new(Mutex::new(Some(trap.sprung)));
                        lost.send_replace(Some(LostAnswer(sprung)));
                    }
                    Harm::Vanished => {
                        line.fault.send_replace(Fault::HalfOpen);
                        trap.sprung.send(()).expect("the test waits for it");
                    }
                }
            }
            arrived.extend(message);
        }
        // In one piece, as it was sent: what a server makes of half a request is another matter.
        to.send((at, arrived)).expect("it is delivered");
    }
    Ok(())
}

/// An answer that the client shall not see.
#[derive(Clone)]
struct LostAnswer(Arc<Mutex<Option<oneshot::Sender<()>>>>);

async fn answers(
    mut from: Reader,
    to: mpsc::UnboundedSender<Sent>,
    line: &Line,
    lost: watch::Receiver<Option<LostAnswer>>,
) -> io::Result<()> {
    let mut messages = Messages { has_begun: true, buffer: Vec::new() };
    while let Some(at) = receive(&mut from, line, &mut messages.buffer).await? {
        while let Some(message) = messages.next() {
            let lost = lost.borrow().clone();
            let Some(LostAnswer(sprung)) = lost else {
                to.send((at, message)).expect("it is delivered");
                continue;
            };
            if message.first() == Some(&b'Z') {
                let sprung = sprung.lock().unwrap().take().expect("it springs once");
                sprung.send(()).expect("the test waits for it");
                return Ok(());
            }
        }
    }
    Ok(())
}

/// Reads more, unless nothing is to be read, and says when it arrived; `None` at the end.
async fn receive(
    from: &mut Reader,
    line: &Line,
    buffer: &mut Vec<u8>,
) -> io::Result<Option<Instant>> {
    let mut fault = line.fault.subscribe();
    fault.wait_for(|fault| *fault != Fault::Stalled).await.expect("the line is there");
    let read = from.read_buf(buffer).await?;
    Ok((read > 0).then(Instant::now))
}

/// Hands over what is on its way, when it is due. Nobody may be there any more to take it.
async fn deliver(mut sent: mpsc::UnboundedReceiver<Sent>, mut to: Writer, line: &Line) {
    let mut fault = line.fault.subscribe();
    while let Some((since, bytes)) = sent.recv().await {
        let fault = *fault.wait_for(|fault| *fault != Fault::Stalled).await.expect("it is there");
        if let Fault::Late(delay) = fault {
            tokio::time::sleep_until(since + delay).await;
        }
        if fault != Fault::HalfOpen
            && let Err(error) = to.write_all(&bytes).await
        {
            println!("{} bytes arrived where nobody was: {error}", bytes.len());
        }
    }
}

/// What has arrived, to be taken message by message.
struct Messages {
    /// The first message of a client has no type.
    has_begun: bool,
    buffer: Vec<u8>,
}

impl Messages {
    fn next(&mut self) -> Option<Vec<u8>> {
        let at = usize::from(self.has_begun);
        let length = self.buffer.get(at..at + 4)?;
        let length = u32::from_be_bytes(length.try_into().expect("four bytes"));
        let end = at + usize::try_from(length).expect("it fits");
        if self.buffer.len() < end {
            return None;
        }
        self.has_begun = true;
        Some(self.buffer.drain(..end).collect())
    }
}

/// The statement that a message asks the server to carry out.
fn statement_of(message: &[u8], prepared: &mut HashMap<Vec<u8>, String>) -> Option<String> {
    let body = message.get(5..)?;
    let mut parts = body.split(|&byte| byte == 0);
    match message[0] {
        // Query: the text.
        b'Q' => Some(String::from_utf8_lossy(parts.next()?).into_owned()),
        // Parse: a name and the text.
        b'P' => {
            let (name, text) = (parts.next()?.to_vec(), parts.next()?);
            prepared.insert(name, String::from_utf8_lossy(text).into_owned());
            None
        }
        // Bind: a portal and the name of the statement.
        b'B' => prepared.get(parts.nth(1)?).cloned(),
        _ => None,
    }
}

/// The place of the server in its URL, with the port.
pub(crate) fn host_of(url: &str) -> &str {
    let (_, rest) = url.split_once('@').unwrap();
    let (host, _) = rest.split_once('/').unwrap();
    host
}
