//! Creates database clusters: one for a permanent server, or a copy of a cached one for a temporary
//! server.

use std::{fs::File, path::Path, process::Stdio};

use sha2::{Digest as _, Sha256};

use super::{
    EmbeddedError,
    account::Account,
    cache::Cache,
    directory::{DATA, ServerDirectory},
    discover::Binaries,
    error::Context as _,
    files,
    held::Held,
};

const INITDB: [&str; 7] = [
    "--username=postgres",
    // For a person who starts the server by hand; this crate uses rules of its own.
    "--auth-local=peer",
    "--auth-host=scram-sha-256",
    "--encoding=UTF8",
    "--locale=C",
    "--no-instructions",
    "--pgdata",
];

/// The cluster in the directory of a template.
const CLUSTER: &str = "cluster";

/// The unfinished cluster; during a copy it is closed to the server's user.
const NEW: &str = "data.new";

/// Creates the cluster of a temporary server, from the template for these binaries.
pub(super) fn copy_cluster(
    binaries: &Binaries,
    account: &Account,
    cache: &Cache,
    directory: &ServerDirectory,
) -> Result<(), EmbeddedError> {
    let template = cache.get_or_make(&template_name(binaries), |new, lock| {
        make_template(binaries, account, new, lock)
    })?;
    let template = template.join(CLUSTER);
    let template = Held::open(&template).context("open", &template)?;
    let (held, data) = (&directory.held, directory.data());
    let new = held.make(NEW.as_ref()).context("create", &data)?;
    files::copy(&template, &new, &mut |file| account.give(file))?;
    held.rename(NEW, DATA).context("rename to", &data)?;
    // Last, because from now on the server's user can change its content.
    account.give(new.file()).context("give away", &data)
}

/// The output of `initdb` belongs to the server's user; the template is a copy that never did.
fn make_template(
    binaries: &Binaries,
    account: &Account,
    new: &Path,
    lock: &File,
) -> Result<(), EmbeddedError> {
    let directory = Held::open(new).context("open", new)?;
    account.close(&directory).context("close", new)?;
    let theirs = new.join("initdb");
    let made = directory.make("initdb".as_ref()).context("create", &theirs)?;
    account.give(made.file()).context("give away", &theirs)?;
    initdb(binaries, account, &theirs, lock)?;
    account.take_back(made.file()).context("take back", &theirs)?;
    directory.set_mode(0o700).context("close", new)?;
    let ours = directory.make(CLUSTER.as_ref()).context("create", new)?;
    files::copy(&made, &ours, &mut File::sync_all)?;
    ours.file().sync_all().context("sync", new)?;
    files::remove_directory(&theirs).context("remove", &theirs)
}

/// Creates the cluster of a permanent server, unless it exists. It appears when it is complete.
pub(super) fn ensure_cluster(
    binaries: &Binaries,
    account: &Account,
    directory: &ServerDirectory,
) -> Result<(), EmbeddedError> {
    if directory.version()?.is_some() {
        return Ok(());
    }
    let (held, new) = (&directory.held, directory.path().join(NEW));
    // As the server's user, who may have put links in it.
    let removed = account.command("rm").arg("-rf").arg(&new).output().context("remove", &new)?;
    tracing::trace!(status = %removed.status, "removed an unfinished cluster");
    held.remove_directory(NEW).context("remove", &new)?;
    let made = held.make(NEW.as_ref()).context("create", &new)?;
    account.give(made.file()).context("give away", &new)?;
    initdb(binaries, account, &new, &directory.server_lock)?;
    held.rename(NEW, DATA).context("rename", &new)?;
    held.file().sync_all().context("sync", directory.path())
}

/// Runs `initdb`, which also flushes everything to the disk, so that a crash leaves no damaged
/// cluster. It holds the lock of its directory, also if this process is killed meanwhile.
fn initdb(
    binaries: &Binaries,
    account: &Account,
    data: &Path,
    lock: &File,
) -> Result<(), EmbeddedError> {
    let initdb = binaries.directory.join("initdb");
    let input = lock.try_clone().context("lock", data)?;
    let output = account
        .command(&initdb)
        .args(INITDB)
        .arg(data)
        .stdin(input)
        .stdout(Stdio::null()) // it would end in the middle of its work when nobody reads this
        .output()
        .context("run", &initdb)?;
    if output.status.success() {
        return Ok(());
    }
    Err(EmbeddedError::Init {
        initdb,
        output: String::from_utf8_lossy(&output.stderr).trim().to_owned(),
    })
}

/// Returns a name that changes with everything that the content depends on.
fn template_name(binaries: &Binaries) -> String {
    let mut digest = Sha256::new();
    digest.update(binaries.directory.as_os_str().as_encoded_bytes());
    for part in [binaries.version.as_str()].into_iter().chain(INITDB) {
        digest.update([0]); // so that no two lists of parts read the same
        digest.update(part);
    }
    let digest = digest.finalize();
    let (key, _) = digest.split_first_chunk().expect("a digest has 32 bytes");
    format!("template-{:016x}", u64::from_be_bytes(*key))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn another_version_or_another_place_has_another_template() {
        let name = |directory: &str, version: &str| {
            template_name(&Binaries { directory: directory.into(), version: version.to_owned() })
        };
        assert_eq!(name("/a", "15.1"), name("/a", "15.1"));
        assert_ne!(name("/a", "15.1"), name("/a", "15.2"));
        assert_ne!(name("/a", "15.1"), name("/b", "15.1"));
    }
}
