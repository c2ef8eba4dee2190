//! Makes database clusters: one for a permanent server, or a copy of a cached one for a temporary.

use std::{
    fs::{self, File},
    path::Path,
    process::Stdio,
};

use sha2::{Digest as _, Sha256};

use super::{
    EmbeddedError, account::Account, cache::Cache, discover::Binaries, error::Context as _, files,
};

const INITDB: [&str; 6] = [
    "--username=postgres",
    "--auth=trust",
    "--encoding=UTF8",
    "--locale=C",
    "--no-instructions",
    "--pgdata",
];

/// Makes the cluster `data` of a temporary server, from the template for these binaries.
pub(super) fn copy_cluster(
    binaries: &Binaries,
    account: &Account,
    cache: &Cache,
    data: &Path,
) -> Result<(), EmbeddedError> {
    let template = cache.get_or_make(&template_name(binaries), |new, lock| {
        account.give(new).context("give away", new)?;
        initdb(binaries, account, new, lock)?;
        // The template is ours again before it gets its name, so that nobody else can change it.
        files::walk(new, &mut |path, _| account.take_back(path)).context("take back", new)
    })?;
    files::copy(&template, data, &mut |path| account.give(path)).context("copy to", data)
}

/// Makes the cluster `data` of a permanent server, unless it is there; it appears when it is
/// complete.
pub(super) fn ensure_cluster(
    binaries: &Binaries,
    account: &Account,
    data: &Path,
    lock: &File,
) -> Result<(), EmbeddedError> {
    if data.join("PG_VERSION").exists() {
        return Ok(());
    }
    let new = data.with_extension("new");
    files::remove_directory(&new).context("remove", &new)?;
    fs::create_dir(&new).context("create", &new)?;
    account.give(&new).context("give away", &new)?;
    initdb(binaries, account, &new, lock)?;
    fs::rename(&new, data).context("rename", &new)?;
    let parent = data.parent().expect("a cluster lies in a directory");
    files::sync(parent).context("sync", parent)
}

/// Runs `initdb`, which also writes everything to the disk, so that a crash leaves no damaged
/// template. It holds the lock of the directory it writes to, also when we are killed meanwhile.
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

/// A name that changes with everything that the content depends on.
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
