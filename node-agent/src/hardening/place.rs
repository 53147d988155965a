//! A machine's files, below the folder that is its root.

use std::{
    fs::{self, File},
    io::{self, Read},
    path::{Path, PathBuf},
    time::{SystemTime, UNIX_EPOCH},
};

/// No configuration file is longer: 1 MiB.
const MAX_BYTES: u64 = 1024 * 1024;

/// A machine's root folder. Paths are as the machine has them, such as `/etc/ssh`.
pub(super) struct Place {
    root: PathBuf,
}

impl Place {
    pub(super) fn new(root: &Path) -> Self {
        Self { root: root.to_owned() }
    }

    /// Whether it is the machine that we run on.
    pub(super) fn is_this_machine(&self) -> bool {
        self.root == Path::new("/")
    }

    fn path(&self, path: &str) -> PathBuf {
        self.root.join(path.trim_start_matches('/'))
    }

    /// A file's text; none if there is no such file.
    pub(super) fn read(&self, path: &str) -> io::Result<Option<String>> {
        let file = match File::open(self.path(path)) {
            Ok(file) => file,
            Err(error) if is_absent(&error) => return Ok(None),
            Err(error) => return Err(error),
        };
        let mut bytes = Vec::new();
        file.take(MAX_BYTES + 1).read_to_end(&mut bytes)?;
        if u64::try_from(bytes.len()).is_ok_and(|it| MAX_BYTES < it) {
            return Err(io::Error::other("it is longer than 1 MiB"));
        }
        // A byte that is no UTF-8 stands in comments, if anywhere.
        Ok(Some(String::from_utf8_lossy(&bytes).into_owned()))
    }

    /// The names in a folder, sorted by their bytes; none if there is no such folder.
    pub(super) fn names(&self, path: &str) -> io::Result<Vec<String>> {
        let entries = match fs::read_dir(self.path(path)) {
            Ok(entries) => entries,
            Err(error) if is_absent(&error) => return Ok(Vec::new()),
            Err(error) => return Err(error),
        };
        let mut names = Vec::new();
        for entry in entries {
            names.push(entry?.file_name().to_string_lossy().into_owned());
        }
        names.sort();
        Ok(names)
    }

    /// Whether something is there, be it a link that leads nowhere.
    pub(super) fn has(&self, path: &str) -> bool {
        fs::symlink_metadata(self.path(path)).is_ok()
    }

    /// Where a link leads; none if it is no link.
    pub(super) fn link(&self, path: &str) -> Option<PathBuf> {
        fs::read_link(self.path(path)).ok()
    }

    /// When a file was last written, in milliseconds since 1970 UTC; none if that cannot be told.
    pub(super) fn written_ms(&self, path: &str) -> Option<i64> {
        let written: SystemTime = fs::metadata(self.path(path)).ok()?.modified().ok()?;
        i64::try_from(written.duration_since(UNIX_EPOCH).ok()?.as_millis()).ok()
    }
}

fn is_absent(error: &io::Error) -> bool {
    matches!(error.kind(), io::ErrorKind::NotFound | io::ErrorKind::NotADirectory)
}
