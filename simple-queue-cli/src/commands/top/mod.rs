//! What happens now: a picture that is drawn anew every second, until `q`.

mod draw;
mod view;

use std::{
    io::IsTerminal,
    time::{Duration, Instant},
};

use anyhow::Result;
use ratatui::{
    DefaultTerminal, Terminal,
    backend::TestBackend,
    buffer::Buffer,
    crossterm::event::{self, Event, KeyCode, KeyEventKind, KeyModifiers},
};
use simple_queue::SimpleQueue;
use tokio::sync::mpsc;

use crate::{
    args::{Connection, Top},
    exit::{Exit, Mistake},
    output::line,
};
use draw::draw;
use view::{Slow, View};

/// 5 s between two looks at what changes slowly.
const SLOWLY: Duration = Duration::from_secs(5);

/// 80 columns and 24 lines, of a picture that is written as text.
const USUAL: (u16, u16) = (80, 24);

pub(super) async fn run(connection: &Connection, asked: &Top) -> Result<Exit> {
    let (queue, target) = (connection.queue().await?, connection.target()?.words());
    if asked.once {
        let view = View::look(&queue, &target, &Slow::look(&queue).await?).await?;
        let mut terminal = Terminal::new(TestBackend::new(USUAL.0, USUAL.1))?;
        terminal.draw(|frame| draw(frame, &view))?;
        text_of(terminal.backend().buffer()).trim_end().lines().for_each(line);
        return Ok(Exit::Done);
    }
    if !std::io::stdout().is_terminal() {
        let hint = "pass `--once` for one picture as text";
        return Err(Mistake::new("the output is no terminal", hint).into());
    }
    // It also makes a panic restore the terminal before its message is written.
    let terminal = ratatui::try_init()?;
    let restored = Restored;
    let done = show(terminal, &queue, &target, asked.every).await;
    drop(restored);
    done.map(|()| Exit::Done)
}

/// Restores the terminal when it is dropped, also if the picture's future is.
struct Restored;

impl Drop for Restored {
    fn drop(&mut self) {
        ratatui::restore();
    }
}

async fn show(
    mut terminal: DefaultTerminal,
    queue: &SimpleQueue,
    target: &str,
    every: Duration,
) -> Result<()> {
    let mut keys = keys();
    let (mut slow, mut looked) = (Slow::default(), None::<Instant>);
    let mut view = View { target: target.to_owned(), ..View::default() };
    loop {
        let looking = async {
            if looked.is_none_or(|at| at.elapsed() >= SLOWLY) {
                slow = Slow::look(queue).await?;
                looked = Some(Instant::now());
            }
            View::look(queue, target, &slow).await
        };
        tokio::select! {
            seen = looking => match seen {
                Ok(seen) => view = seen,
                // What was seen last stays.
                Err(error) => view.problem = Some(error.to_string()),
            },
            true = ended(&mut keys) => return Ok(()),
        }
        terminal.draw(|frame| draw(frame, &view))?;
        tokio::select! {
            () = tokio::time::sleep(every) => {}
            true = ended(&mut keys) => return Ok(()),
        }
    }
}

/// Waits for a key that ends the program. Other events only pass; a terminal of another size is drawn at the next look.
async fn ended(keys: &mut mpsc::Receiver<Event>) -> bool {
    loop {
        match keys.recv().await {
            Some(Event::Key(key)) if key.kind == KeyEventKind::Press => {
                let is_ctrl_c =
                    key.code == KeyCode::Char('c') && key.modifiers.contains(KeyModifiers::CONTROL);
                if is_ctrl_c || matches!(key.code, KeyCode::Char('q') | KeyCode::Esc) {
                    return true;
                }
            }
            Some(_) => {}
            None => return true,
        }
    }
}

/// Reads the keys in a thread of its own, which ends with the process or when its receiver is dropped.
fn keys() -> mpsc::Receiver<Event> {
    /// 100 ms between two looks whether the receiver is still there.
    const OFTEN: Duration = Duration::from_millis(100);
    let (sender, receiver) = mpsc::channel(16);
    std::thread::spawn(move || {
        while !sender.is_closed() {
            let event = match event::poll(OFTEN) {
                Ok(false) => continue,
                Ok(true) => event::read(),
                Err(_) => return,
            };
            let Ok(event) = event else { return };
            if sender.blocking_send(event).is_err() {
                return;
            }
        }
    });
    receiver
}

/// A picture as lines of text.
fn text_of(buffer: &Buffer) -> String {
    let width = usize::from(buffer.area.width);
    let rows = buffer.content.chunks(std::cmp::max(width, 1)).map(|cells| {
        let text: String = cells.iter().map(ratatui::buffer::Cell::symbol).collect();
        text.trim_end().to_owned() + "\n"
    });
    rows.collect()
}
