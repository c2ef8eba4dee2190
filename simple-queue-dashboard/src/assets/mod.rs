//! The script and the style sheet, each at an address that changes with its text.

use std::{
    hash::{DefaultHasher, Hash, Hasher},
    sync::LazyLock,
};

/// A file that the pages load.
#[derive(Debug)]
pub(crate) struct Asset {
    /// The last part of its path.
    pub(crate) name: String,
    pub(crate) content_type: &'static str,
    pub(crate) text: &'static str,
}

pub(crate) static SCRIPT: LazyLock<Asset> = LazyLock::new(|| {
    Asset::new("js", "text/javascript; charset=utf-8", include_str!("dashboard.js"))
});

pub(crate) static STYLE: LazyLock<Asset> =
    LazyLock::new(|| Asset::new("css", "text/css; charset=utf-8", include_str!("dashboard.css")));

impl Asset {
    fn new(extension: &str, content_type: &'static str, text: &'static str) -> Self {
        Self { name: format!("{:016x}.{extension}", hash(text)), content_type, text }
    }

    /// The file of this name.
    pub(crate) fn find(name: &str) -> Option<&'static Self> {
        [&*SCRIPT, &*STYLE].into_iter().find(|asset| asset.name == name)
    }
}

/// The same in every process of one build.
pub(crate) fn hash(text: &str) -> u64 {
    let mut hasher = DefaultHasher::new();
    text.hash(&mut hasher);
    hasher.finish()
}
