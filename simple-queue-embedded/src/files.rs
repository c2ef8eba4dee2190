//! Walks, copies and removes trees of files.

use std::{
    fs::{self, File, Permissions},
    io,
    os::unix::fs::{MetadataExt as _, PermissionsExt as _},
    path::Path,
};

use super::{
    EmbeddedError,
    error::Context as _,
    held::{Held, check_plain},
};

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

/// Copies the content of `from` to `to`, and calls `made` with each entry that it has created.
///
/// Only directories and files are copied. Through a link, or a file with two names, another user
/// could read, or get ownership of, a file that is not theirs.
pub(super) fn copy(
    from: &Held,
    to: &Held,
    made: &mut dyn FnMut(&File) -> io::Result<()>,
) -> Result<(), EmbeddedError> {
    for name in from.names().context("list", from.path())? {
        let path = from.path().join(&name);
        let mut source = from.entry(&name).context("copy", &path)?;
        let found = source.metadata().context("copy", &path)?;
        let target = if found.is_dir() {
            let inside = to.make(&name).context("copy", &path)?;
            copy(&from.of_entry(&name, source), &inside, made)?;
            inside.into_file()
        } else {
            let copied = check_plain(&found).and_then(|()| {
                let mut target = to.new_file(&name)?;
                io::copy(&mut source, &mut target)?;
                Ok(target)
            });
            copied.context("copy", &path)?
        };
        let permissions = Permissions::from_mode(found.mode() & 0o777);
        target.set_permissions(permissions).and_then(|()| made(&target)).context("copy", &path)?;
    }
    Ok(())
}

/// Flushes a file or the names in a directory to the disk, so that it survives a crash of the
/// machine.
pub(super) fn sync(path: &Path) -> io::Result<()> {
    File::open(path)?.sync_all()
}

/// Removes a directory; does nothing if there is none.
pub(super) fn remove_directory(path: &Path) -> io::Result<()> {
    match fs::remove_dir_all(path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
        done => done,
    }
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::symlink;

    use super::*;

    /// Creates an entry at a path.
    type Plant<'a> = &'a dyn Fn(&Path);

    #[test]
    fn a_copy_refuses_what_is_neither_a_directory_nor_a_file_of_one_name() {
        let root = std::env::temp_dir().join(format!("sq-files-{}", uuid::Uuid::now_v7()));
        fs::create_dir(&root).unwrap();
        fs::write(root.join("secret"), "not to be copied").unwrap();
        let plants: [(&str, Plant<'_>); 4] = [
            ("link", &|path| symlink(root.join("secret"), path).unwrap()),
            ("directory-link", &|path| symlink(&root, path).unwrap()),
            ("hard-link", &|path| fs::hard_link(root.join("secret"), path).unwrap()),
            ("pipe", &|path| {
                let made = std::process::Command::new("mkfifo").arg(path).status().unwrap();
                assert!(made.success());
            }),
        ];
        for (name, plant) in plants {
            let (from, to) = (root.join(format!("{name}-from")), root.join(format!("{name}-to")));
            fs::create_dir_all(from.join("inside")).unwrap();
            fs::create_dir(&to).unwrap();
            fs::write(from.join("inside/file"), "content").unwrap();
            let copied = |from, to| {
                copy(&Held::open(from).unwrap(), &Held::open(to).unwrap(), &mut |_| Ok(()))
            };
            copied(&from, &to).unwrap();
            assert_eq!(fs::read(to.join("inside/file")).unwrap(), b"content");

            fs::remove_dir_all(&to).unwrap();
            fs::create_dir(&to).unwrap();
            plant(&from.join("inside/planted"));
            let refused = copied(&from, &to).unwrap_err().to_string();
            assert!(refused.contains("inside/planted"), "{refused}");
            assert!(!to.join("inside/planted").exists());
        }
        fs::remove_dir_all(root).unwrap();
    }
}
