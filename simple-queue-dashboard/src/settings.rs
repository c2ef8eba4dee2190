//! How the dashboard was set up.

use std::time::Duration;

#[derive(Debug, Clone)]
pub(crate) struct Settings {
    /// Where it is mounted, without a slash at its end; empty for the root.
    pub(crate) prefix: String,
    pub(crate) name: Option<String>,
    /// A colour as SVG has it: `#` and hexadecimal digits, or a word.
    pub(crate) colour: String,
    /// The names by which it may be asked; `None`: any.
    pub(crate) hosts: Option<Vec<String>>,
    /// How often a page is refreshed; 0: never.
    pub(crate) refresh: Duration,
    pub(crate) has_arguments_in_lists: bool,
    pub(crate) is_read_only: bool,
}

impl Settings {
    /// The address of a path of the dashboard, which begins with a slash.
    pub(crate) fn link(&self, path: &str) -> String {
        format!("{}{path}", self.prefix)
    }
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            prefix: String::new(),
            name: None,
            colour: "#3f51d1".to_owned(),
            hosts: None,
            refresh: Duration::from_secs(2),
            has_arguments_in_lists: false,
            is_read_only: false,
        }
    }
}

/// A path as it is mounted: it begins with a slash and does not end with one.
pub(crate) fn prefix_of(path: &str) -> String {
    match path.trim_matches('/') {
        "" => String::new(),
        path => format!("/{path}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_is_mounted_however_its_slashes_are_written() {
        for (given, mounted) in
            [("", ""), ("/", ""), ("admin", "/admin"), ("/admin/queue/", "/admin/queue")]
        {
            assert_eq!(prefix_of(given), mounted);
        }
    }
}
