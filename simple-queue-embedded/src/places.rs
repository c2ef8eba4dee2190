//! Directories in which the packages of common systems put their binaries.

use std::{
    fs,
    path::{Path, PathBuf},
    process::Command,
};

use super::environment::Environment;

/// Where packages put the binaries of each version: a directory, and the prefix of its entries.
const VERSIONED: [(&str, &str); 6] = [
    ("usr/lib/postgresql", ""),                          // Debian, Ubuntu
    ("usr", "pgsql-"),                                   // Fedora and RHEL, from postgresql.org
    ("opt/homebrew/opt", "postgresql@"),                 // Homebrew
    ("usr/local/opt", "postgresql@"),                    // Homebrew on Intel
    ("Applications/Postgres.app/Contents/Versions", ""), // Postgres.app
    ("opt/local/lib", "postgresql"),                     // MacPorts
];

/// Returns the directory that `pg_config` reports.
pub(super) fn from_pg_config(environment: &Environment) -> Option<PathBuf> {
    let program = environment.program("pg_config")?;
    let output = Command::new(program).arg("--bindir").output().ok()?;
    let directory = String::from_utf8(output.stdout).ok()?;
    Some(PathBuf::from(directory.trim()))
}

/// Returns the directories of the common packages, the newest version of each first.
pub(super) fn usual_places(root: &Path) -> Vec<PathBuf> {
    let mut places = Vec::new();
    for (parent, prefix) in VERSIONED {
        let Ok(entries) = fs::read_dir(root.join(parent)) else {
            continue;
        };
        let mut versions: Vec<(u16, PathBuf)> = entries
            .flatten()
            .filter_map(|entry| {
                let name = entry.file_name();
                let version = name.to_str()?.strip_prefix(prefix)?.parse().ok()?;
                Some((version, entry.path().join("bin")))
            })
            .collect();
        versions.sort_unstable_by(|a, b| b.cmp(a));
        places.extend(versions.into_iter().map(|(_, bin)| bin));
    }
    places.push(root.join("usr/bin")); // Fedora
    places
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_newest_version_of_each_package_comes_first() {
        let root = std::env::temp_dir().join(format!("sq-places-{}", uuid::Uuid::now_v7()));
        for directory in [
            "usr/lib/postgresql/9",
            "usr/lib/postgresql/17",
            "usr/lib/postgresql/common",
            "usr/pgsql-16",
            "opt/homebrew/opt/postgresql@15",
            "opt/homebrew/opt/postgresql@18",
        ] {
            fs::create_dir_all(root.join(directory)).unwrap();
        }
        let expected = [
            "usr/lib/postgresql/17/bin",
            "usr/lib/postgresql/9/bin",
            "usr/pgsql-16/bin",
            "opt/homebrew/opt/postgresql@18/bin",
            "opt/homebrew/opt/postgresql@15/bin",
            "usr/bin",
        ];
        assert_eq!(usual_places(&root), expected.map(|place| root.join(place)));
        fs::remove_dir_all(root).unwrap();
    }
}
