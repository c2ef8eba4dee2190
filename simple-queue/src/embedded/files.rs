//! Walks, copies and hardens trees of files.

use std::{fs, io, path::Path};

/// Calls `visit` with `path` and everything below it, a directory before its entries.
pub(super) fn walk(
    path: &Path,
    visit: &mut dyn FnMut(&Path, &fs::Metadata) -> io::Result<()>,
) -> io::Result<()> {
    let found = fs::symlink_metadata(path)?;
    visit(path, &found)?;
    if found.is_dir() {
        for entry in fs::read_dir(path)? {
            walk(&entry?.path(), visit)?;
        }
    }
    Ok(())
}

/// Copies the directory `from` to `to`, which must not exist, and calls `made` with each new path.
pub(super) fn copy(
    from: &Path,
    to: &Path,
    made: &mut dyn FnMut(&Path) -> io::Result<()>,
) -> io::Result<()> {
    fs::create_dir(to)?;
    fs::set_permissions(to, fs::metadata(from)?.permissions())?;
    made(to)?;
    for entry in fs::read_dir(from)? {
        let entry = entry?;
        let target = to.join(entry.file_name());
        if entry.file_type()?.is_dir() {
            copy(&entry.path(), &target, made)?;
        } else {
            fs::copy(entry.path(), &target)?;
            made(&target)?;
        }
    }
    Ok(())
}

/// Writes a file or the names in a directory to the disk, so that it survives a crash of the
/// machine.
pub(super) fn sync(path: &Path) -> io::Result<()> {
    fs::File::open(path)?.sync_all()
}

/// Removes a directory, or does nothing when there is none.
pub(super) fn remove_directory(path: &Path) -> io::Result<()> {
    match fs::remove_dir_all(path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
        done => done,
    }
}
