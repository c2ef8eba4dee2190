//! Reads everything that the search for a server depends on in one place, so that tests can replace
//! it.

use std::{
    env::{self, VarError},
    ffi::OsString,
    ops::RangeInclusive,
    path::PathBuf,
};

use super::EmbeddedError;

/// The major versions that this library is tested with.
pub(super) const SUPPORTED: RangeInclusive<u16> = 15..=18;

/// The environment of the process.
#[derive(Clone, Debug)]
pub(super) struct Environment {
    pub(super) database_url: Option<String>,
    pub(super) source: BinarySource,
    /// The major versions to accept.
    pub(super) wanted: RangeInclusive<u16>,
    /// The directories of `PATH`.
    pub(super) path: Vec<PathBuf>,
    /// `/`, below which the system's packages put their binaries.
    pub(super) root: PathBuf,
    pub(super) home: Option<PathBuf>,
    pub(super) xdg_cache_home: Option<PathBuf>,
    pub(super) temporary: PathBuf,
    /// `TMPDIR` is set.
    pub(super) has_tmpdir: bool,
}

/// Source of the binaries: the meaning of `SIMPLE_QUEUE_PG_BIN`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum BinarySource {
    /// Any place.
    Anywhere,
    /// Only this directory.
    Directory(PathBuf),
    /// The pinned package, even if the machine has a server.
    Package,
}

impl Environment {
    pub(super) fn current() -> Result<Self, EmbeddedError> {
        let path = env::var_os("PATH").unwrap_or_default();
        Ok(Self {
            database_url: text("DATABASE_URL")?,
            source: binary_source(env::var_os("SIMPLE_QUEUE_PG_BIN")),
            wanted: wanted(text("SIMPLE_QUEUE_PG_VERSION")?)?,
            path: env::split_paths(&path).filter(|d| d.is_absolute()).collect(),
            root: PathBuf::from("/"),
            home: absolute("HOME"),
            xdg_cache_home: absolute("XDG_CACHE_HOME"),
            temporary: env::temp_dir(),
            has_tmpdir: env::var_os("TMPDIR").is_some_and(|value| !value.is_empty()),
        })
    }

    /// Returns the first `program` in `PATH`.
    pub(super) fn program(&self, program: &str) -> Option<PathBuf> {
        self.path.iter().map(|directory| directory.join(program)).find(|file| file.is_file())
    }
}

/// Returns the value of a variable that is set and not empty.
fn text(name: &'static str) -> Result<Option<String>, EmbeddedError> {
    match env::var(name) {
        Ok(value) => Ok(Some(value).filter(|value| !value.is_empty())),
        Err(VarError::NotPresent) => Ok(None),
        Err(VarError::NotUnicode(value)) => Err(EmbeddedError::Variable {
            name,
            value: value.to_string_lossy().into_owned(),
            fix: "it is not valid UTF-8; set it again or unset it",
        }),
    }
}

/// Returns the value of a variable that names a directory. Like the XDG rules, it ignores a
/// relative one.
fn absolute(name: &str) -> Option<PathBuf> {
    env::var_os(name).map(PathBuf::from).filter(|path| path.is_absolute())
}

fn binary_source(value: Option<OsString>) -> BinarySource {
    match value.filter(|value| !value.is_empty()) {
        None => BinarySource::Anywhere,
        Some(value) if value == "npm" => BinarySource::Package,
        Some(value) => {
            let directory = PathBuf::from(value);
            BinarySource::Directory(std::path::absolute(&directory).unwrap_or(directory))
        }
    }
}

fn wanted(value: Option<String>) -> Result<RangeInclusive<u16>, EmbeddedError> {
    let Some(value) = value else {
        return Ok(SUPPORTED);
    };
    match value.parse() {
        Ok(major) if SUPPORTED.contains(&major) => Ok(major..=major),
        _ => Err(EmbeddedError::Variable {
            name: "SIMPLE_QUEUE_PG_VERSION",
            value,
            fix: "set it to 15, 16, 17 or 18, or unset it to take any of them",
        }),
    }
}

#[cfg(test)]
impl Environment {
    /// A machine that has only `root`.
    pub(super) fn bare(root: &std::path::Path) -> Self {
        Self {
            database_url: None,
            source: BinarySource::Anywhere,
            wanted: SUPPORTED,
            path: Vec::new(),
            root: root.to_owned(),
            home: None,
            xdg_cache_home: None,
            temporary: root.join("tmp"),
            has_tmpdir: false,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_word_npm_asks_for_the_package_and_anything_else_is_a_directory() {
        assert_eq!(binary_source(None), BinarySource::Anywhere);
        assert_eq!(binary_source(Some("".into())), BinarySource::Anywhere);
        assert_eq!(binary_source(Some("npm".into())), BinarySource::Package);
        assert_eq!(
            binary_source(Some("/opt/pg/bin".into())),
            BinarySource::Directory("/opt/pg/bin".into())
        );
    }

    #[test]
    fn only_a_supported_version_can_be_asked_for() {
        assert_eq!(wanted(None).unwrap(), 15..=18);
        assert_eq!(wanted(Some("16".to_owned())).unwrap(), 16..=16);
        for value in ["14", "19", "16.2", "latest"] {
            let message = wanted(Some(value.to_owned())).unwrap_err().to_string();
            assert!(message.contains(value), "{message}");
            assert!(message.contains("15, 16, 17 or 18"), "{message}");
        }
    }
}
