//! As much of Postgres' protocol as the proxy understands.
//! <https://www.postgresql.org/docs/current/protocol-message-formats.html>

use std::collections::HashMap;

/// What has arrived, to be taken message by message.
pub(super) struct Messages {
    /// The first message of a client has no type.
    has_begun: bool,
    pub(super) buffer: Vec<u8>,
}

impl Messages {
    pub(super) fn of_client() -> Self {
        Self { has_begun: false, buffer: Vec::new() }
    }

    pub(super) fn of_server() -> Self {
        Self { has_begun: true, buffer: Vec::new() }
    }

    /// The next message, if all of it has arrived.
    pub(super) fn next(&mut self) -> Option<Vec<u8>> {
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
pub(super) fn statement_of(
    message: &[u8],
    prepared: &mut HashMap<Vec<u8>, String>,
) -> Option<String> {
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
