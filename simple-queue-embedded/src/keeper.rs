//! Starts the keeper: a small shell script that owns the server, so that nothing can orphan it.

use std::{
    ffi::{OsStr, OsString},
    fs::File,
    io::{self, Write as _},
    mem,
    os::unix::process::CommandExt as _,
    path::Path,
    process::{Child, ChildStdin, Command, ExitStatus, Stdio},
    thread,
};

use super::{EmbeddedError, account::Account, directory::ServerDirectory, error::Context as _};

const SCRIPT: &str = include_str!("keeper.sh");
const GUARD: &str = include_str!("guard.sh");

/// The line that the script writes to the log when the server has ended.
pub(super) const ENDED: &str = "keeper: the server ended with status";

/// The script, which ends with this value.
#[derive(Debug)]
pub(super) struct Keeper {
    /// Empty once a task waits for them: the script, and the guard after it.
    children: Vec<Child>,
    /// Our end of the pipe. No other process may hold it: the standard library marks it as not
    /// inherited.
    pipe: Option<ChildStdin>,
    /// Shows other programs that the directory has an owner.
    _owner_lock: Option<File>,
}

impl Keeper {
    /// Starts the script. From now on it removes a temporary directory, whatever happens to this
    /// process.
    pub(super) fn spawn(
        directory: &ServerDirectory,
        account: &Account,
        command: Vec<OsString>,
        log: File,
    ) -> Result<Self, EmbeddedError> {
        let shell = Path::new("/bin/sh");
        let path = directory.path();
        let owner_lock = directory.owner_lock.as_ref().map(File::try_clone).transpose();
        let owner_lock = owner_lock.context("lock", path)?;
        let server_lock = directory.server_lock.try_clone().context("lock", path)?;
        let (remove, signal) = if directory.temporary {
            (path.as_os_str(), "QUIT") // at once, the data is not needed
        } else {
            (OsStr::new(""), "INT") // cuts the connections and leaves the data in order
        };
        let mut guard = None;
        let output = if directory.temporary && account.is_other_user() {
            let started = spawn_guard(path, server_lock).context("run", shell)?;
            guard = Some(started.0);
            Stdio::from(started.1)
        } else {
            Stdio::from(server_lock)
        };
        let mut child = account
            .command(shell)
            .args(["-c", SCRIPT, "simple-queue-keeper"])
            .arg(remove)
            .arg(signal)
            .args(command)
            .stdin(Stdio::piped())
            .stdout(output)
            .stderr(log)
            // A Ctrl-C in the terminal must reach only the program, which may still use the server.
            .process_group(0)
            .spawn()
            .context("run", shell)?;
        let pipe = child.stdin.take();
        let children = [child].into_iter().chain(guard).collect();
        Ok(Self { children, pipe, _owner_lock: owner_lock })
    }

    /// Starts the server on a port. Call it again only when the server has ended.
    pub(super) fn serve(&mut self, port: u16) -> io::Result<()> {
        let pipe = self.pipe.as_mut().expect("the pipe is closed by `stop` only");
        writeln!(pipe, "{port}")
    }

    /// Stops the server and waits for all processes; returns the server's exit status.
    pub(super) fn stop(mut self) -> io::Result<ExitStatus> {
        self.pipe = None;
        let mut ends = mem::take(&mut self.children).into_iter().map(|mut child| child.wait());
        let status = ends.next().expect("only `stop` and `drop` take it")?;
        ends.try_for_each(|guard| guard.map(drop))?;
        Ok(status)
    }
}

/// Starts the guard, which removes root's directory at the end. Also returns its input, to be held
/// while the directory is used.
fn spawn_guard(directory: &Path, lock: File) -> io::Result<(Child, ChildStdin)> {
    let mut guard = Command::new("/bin/sh")
        .args(["-c", GUARD, "simple-queue-guard"])
        .arg(directory)
        .current_dir("/")
        .stdin(Stdio::piped())
        .stdout(lock)
        .stderr(Stdio::null())
        .process_group(0)
        .spawn()?;
    let input = guard.stdin.take().expect("it is piped");
    Ok((guard, input))
}

impl Drop for Keeper {
    fn drop(&mut self) {
        self.pipe = None;
        let children = mem::take(&mut self.children);
        if children.is_empty() {
            return;
        }
        // A process must wait for them, or they stay as zombies; waiting here would block the
        // caller.
        let waiting = thread::Builder::new()
            .name("simple-queue-keeper".to_owned())
            .spawn(move || children.into_iter().try_for_each(|mut child| child.wait().map(drop)));
        if let Err(error) = waiting {
            tracing::debug!(%error, "cannot wait for the end of the embedded server");
        }
    }
}
