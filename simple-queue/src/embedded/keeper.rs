//! Starts the small shell script that keeps the server, so that nothing can orphan it.

use std::{
    ffi::OsString,
    fs::File,
    io::{self, Write as _},
    os::unix::process::CommandExt as _,
    path::Path,
    process::{Child, ChildStdin, ExitStatus, Stdio},
    thread,
};

use super::{EmbeddedError, account::Account, directory::ServerDirectory, error::Context as _};

const SCRIPT: &str = include_str!("keeper.sh");

/// What the script writes to the log when the server has ended.
pub(super) const ENDED: &str = "keeper: the server ended with status";

/// The script, which ends with this value.
#[derive(Debug)]
pub(super) struct Keeper {
    /// `None` once somebody waits for it.
    child: Option<Child>,
    /// Our end of the pipe. Nobody else may hold it: the standard library marks it as not
    /// inherited.
    pipe: Option<ChildStdin>,
    /// Says to other programs that the directory has an owner.
    _owner_lock: Option<File>,
}

impl Keeper {
    /// Starts the script; from now on it removes a temporary directory, whatever happens to us.
    pub(super) fn spawn(
        directory: ServerDirectory,
        account: &Account,
        command: Vec<OsString>,
    ) -> Result<Self, EmbeddedError> {
        let log = directory.log();
        let shell = Path::new("/bin/sh");
        let (remove, signal) = if directory.temporary {
            (directory.path.into_os_string(), "QUIT") // at once, the data is not needed
        } else {
            (OsString::new(), "INT") // cuts the connections and leaves the data in order
        };
        let mut child = account
            .command(shell)
            .args(["-c", SCRIPT, "simple-queue-keeper"])
            .arg(remove)
            .arg(signal)
            .args(command)
            .stdin(Stdio::piped())
            .stdout(directory.server_lock)
            .stderr(File::create(&log).context("create", &log)?)
            // A Ctrl-C in the terminal shall reach the program only, which may still use the
            // server.
            .process_group(0)
            .spawn()
            .context("run", shell)?;
        Ok(Self { pipe: child.stdin.take(), child: Some(child), _owner_lock: directory.owner_lock })
    }

    /// Starts the server on a port. To be called again only when the server has ended.
    pub(super) fn serve(&mut self, port: u16) -> io::Result<()> {
        let pipe = self.pipe.as_mut().expect("the pipe is closed by `stop` only");
        writeln!(pipe, "{port}")
    }

    /// Stops the server and waits for the end of both, which tells how the server ended.
    pub(super) fn stop(mut self) -> io::Result<ExitStatus> {
        self.pipe = None;
        let mut child = self.child.take().expect("only `stop` and `drop` take it");
        child.wait()
    }
}

impl Drop for Keeper {
    fn drop(&mut self) {
        self.pipe = None;
        if let Some(mut child) = self.child.take() {
            // Somebody has to wait for it, or it stays as a zombie; here would block the caller.
            let waiting = thread::Builder::new()
                .name("simple-queue-keeper".to_owned())
                .spawn(move || child.wait());
            if let Err(error) = waiting {
                tracing::debug!(%error, "nobody waits for the end of the embedded server");
            }
        }
    }
}
