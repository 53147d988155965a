//! A machine's files below the folder that is its root.

use std::{
    fs, io,
    path::{Path, PathBuf},
};

/// A machine's root folder.
pub(super) struct Place(PathBuf);

impl Place {
    pub(super) fn new(root: &Path) -> Self {
        Self(root.to_owned())
    }

    /// Where something is, from a path as the machine has it.
    pub(super) fn path(&self, path: &str) -> PathBuf {
        self.0.join(path.trim_start_matches('/'))
    }

    /// A file's text without the line's end; none if it cannot be read.
    pub(super) fn read(&self, path: &str) -> Option<String> {
        let bytes = fs::read(self.path(path)).ok()?;
        Some(String::from_utf8_lossy(&bytes).trim_end().to_owned())
    }

    pub(super) fn has(&self, path: &str) -> bool {
        fs::symlink_metadata(self.path(path)).is_ok()
    }

    /// Whether a file can be opened to read and write, as the one who asks.
    pub(super) fn opens(&self, path: &str) -> io::Result<()> {
        fs::OpenOptions::new().read(true).write(true).open(self.path(path)).map(drop)
    }
}
