//! The folder that the node lives from, and the disk under it.

use std::{io, path::Path};

use rustix::fs::{StatVfs, StatVfsMountFlags};

use super::Finding;
use crate::private_dir::{FileError, PrivateDir};

const MIB: u64 = 1024 * 1024;
/// With less than that a state of many pods may not fit twice.
const LITTLE: u64 = 256 * MIB;
const NOTHING: u64 = 16 * MIB;
const FEW_FILES: u64 = 1000;

pub(super) fn folder(folder: &Result<PrivateDir, FileError>) -> Finding {
    const NAME: &str = "folder";
    match folder {
        Ok(folder) => {
            let path = folder.path().display();
            match folder.is_closed() {
                Ok(true) => Finding::ok(NAME, format!("{path} is for its user alone")),
                Ok(false) => {
                    let advice = "Close it: `chmod 0700`. The agent does so when it starts.";
                    Finding::bad(NAME, format!("{path} is open to other users"), advice)
                }
                Err(error) => Finding::unknown(NAME, error.to_string(), "Run this as root."),
            }
        }
        Err(FileError::Io { cause, path }) if cause.kind() == io::ErrorKind::NotFound => {
            let advice = "This machine is no node yet: run the join line that the portal shows.";
            Finding::unknown(NAME, format!("there is no {}", path.display()), advice)
        }
        Err(FileError::Io { cause, path }) if cause.kind() == io::ErrorKind::PermissionDenied => {
            let found = format!("{} is not for this user", path.display());
            Finding::unknown(NAME, found, "Run this as root or as the agent's user.")
        }
        Err(error @ FileError::NotOurs(_)) => {
            Finding::unknown(NAME, error.to_string(), "Run this as root or as the agent's user.")
        }
        Err(error) => Finding::bad(NAME, error.to_string(), "Put a plain folder in its place."),
    }
}

pub(super) fn room(state_dir: &Path) -> Finding {
    const NAME: &str = "disk";
    // Before the machine joined the folder is not there; its disk is.
    let there = state_dir.ancestors().find_map(|it| rustix::fs::statvfs(it).ok());
    match there {
        Some(there) => judge(&there),
        None => Finding::unknown(NAME, "the disk does not tell", "Run this as root."),
    }
}

fn judge(there: &StatVfs) -> Finding {
    const NAME: &str = "disk";
    if there.f_flag.contains(StatVfsMountFlags::RDONLY) {
        let advice = "Nothing can be kept, and a new state is not applied: repair the disk and \
                      mount it again for writing. Tunnels go on.";
        return Finding::bad(NAME, "the disk is mounted for reading only", advice);
    }
    let free = there.f_bavail.saturating_mul(there.f_frsize);
    // A file system that makes them as needed has none to count.
    let files = if there.f_files == 0 { u64::MAX } else { there.f_favail };
    let found = if files < FEW_FILES {
        format!("{} MiB and {files} files are free", free / MIB)
    } else {
        format!("{} MiB are free", free / MIB)
    };
    if free < NOTHING || files == 0 {
        let advice = "Make room: what the portal wants cannot be kept, and is not applied.";
        return Finding::bad(NAME, found, advice);
    }
    if free < LITTLE || files < FEW_FILES {
        return Finding::warn(NAME, found, "Make room before it is full.");
    }
    Finding::ok(NAME, found)
}

pub(super) fn writable(folder: &Result<PrivateDir, FileError>) -> Finding {
    const NAME: &str = "writing";
    let Ok(folder) = folder else {
        return Finding::unknown(NAME, "there is no folder to write to", "See `folder`.");
    };
    match folder.try_to_write() {
        Ok(()) => Finding::ok(NAME, "a file can be written and reaches the disk"),
        Err(error) => {
            let advice = "Make room or repair the disk: what cannot be kept is not applied.";
            Finding::bad(NAME, format!("a file cannot be written: {error}"), advice)
        }
    }
}
