//! Carries what client and server send to each other, and does harm to it.

use std::{
    collections::HashMap,
    io,
    sync::{Arc, Mutex},
};

use sqlx::postgres::PgConnectOptions;
use tokio::{
    io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _},
    net::{TcpListener, TcpStream, UnixStream},
    sync::{mpsc, oneshot, watch},
    time::Instant,
};

use super::{
    Fault, Harm, Line, Shared,
    messages::{Messages, statement_of},
};

/// Accepts connections and carries each in a task of its own.
pub(super) async fn accept(listener: TcpListener, shared: Arc<Shared>) {
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
        // What was sent before the end still arrives.
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
    let mut messages = Messages::of_client();
    let mut trap = None;
    while let Some(at) = receive(&mut from, line, &mut messages.buffer).await? {
        let mut arrived = Vec::new();
        while let Some(message) = messages.next() {
            if let Some(statement) = statement_of(&message, &mut prepared) {
                let head = statement.lines().next().unwrap_or_default().to_owned();
                trap = trap.or_else(|| shared.trap_for(&head));
                shared.sent.lock().unwrap().insert(head.clone());
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
        // In one piece, as it was sent: half a request is no case of this suite.
        to.send((at, arrived)).expect("it is delivered");
    }
    Ok(())
}

/// An answer that the client does not get.
#[derive(Clone)]
struct LostAnswer(Arc<Mutex<Option<oneshot::Sender<()>>>>);

async fn answers(
    mut from: Reader,
    to: mpsc::UnboundedSender<Sent>,
    line: &Line,
    lost: watch::Receiver<Option<LostAnswer>>,
) -> io::Result<()> {
    let mut messages = Messages::of_server();
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

/// Reads more, where the fault allows it, and returns when it arrived; `None` at the end.
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

/// Hands over what is on its way when it is due. The receiver may have gone.
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
            println!("{} bytes could not be delivered: {error}", bytes.len());
        }
    }
}
