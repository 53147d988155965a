//! A folder of files that only this user can read, written whole or not at all.

use std::{
    fs::File,
    io::{self, Read, Write},
    os::fd::{AsFd, BorrowedFd, OwnedFd},
    path::{Path, PathBuf},
};

use rustix::{
    fs::{AtFlags, CWD, Dir, FileType, FlockOperation, Mode, OFlags},
    io::Errno,
};
use zeroize::Zeroizing;

/// Files above this are not ours: 64 MiB.
const MAX_FILE_BYTES: u64 = 64 * 1024 * 1024;
const FILE_MODE: Mode = Mode::RUSR.union(Mode::WUSR);
const FOLDER: OFlags =
    OFlags::RDONLY.union(OFlags::DIRECTORY).union(OFlags::NOFOLLOW).union(OFlags::CLOEXEC);
/// A block of most disks: enough to meet a full one.
const TRIED_BYTES: usize = 4096;

/// Why a file of the state folder cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum FileError {
    #[error("{0} is a symbolic link or no plain file: it is not followed; remove it")]
    NotPlain(PathBuf),
    #[error("{0} belongs to another user: choose a folder of the agent's own")]
    NotOurs(PathBuf),
    #[error("{0} is in use by another agent: stop that one first")]
    InUse(PathBuf),
    #[error("{path}: {cause}")]
    Io {
        path: PathBuf,
        /// In the message already: whoever tells the causes too would tell it twice.
        cause: io::Error,
    },
}

/// An open folder of mode 0700. Everything in it is opened relative to it, so a folder that is
/// moved or replaced meanwhile is not written to.
#[derive(Debug)]
pub struct PrivateDir {
    fd: OwnedFd,
    path: PathBuf,
}

/// As long as it lives, no other agent uses the folder (`flock(2)`).
#[derive(Debug)]
pub struct Lock {
    _fd: OwnedFd,
}

impl PrivateDir {
    /// Opens a folder, or makes it with mode 0700. A symbolic link is not followed; a folder that
    /// others can enter is closed to them.
    pub fn open(path: &Path) -> Result<Self, FileError> {
        make(CWD, path, path)?;
        Self::open_at(CWD, path, path)
    }

    /// Opens a folder that is there.
    pub fn open_existing(path: &Path) -> Result<Self, FileError> {
        Self::open_at(CWD, path, path)
    }

    /// Opens a folder to look at it, and changes nothing: as its user, or as root.
    pub fn look(path: &Path) -> Result<Self, FileError> {
        let fail = |errno| refused(path.to_owned(), errno);
        let fd = rustix::fs::open(without_slash(path), FOLDER, Mode::empty()).map_err(fail)?;
        let owner = rustix::fs::fstat(&fd).map_err(fail)?.st_uid;
        let user = rustix::process::geteuid();
        if owner != user.as_raw() && !user.is_root() {
            return Err(FileError::NotOurs(path.to_owned()));
        }
        Ok(Self { fd, path: path.to_owned() })
    }

    /// Whether nobody but its user can enter it.
    pub fn is_closed(&self) -> Result<bool, FileError> {
        let stat =
            rustix::fs::fstat(&self.fd).map_err(|errno| refused(self.path.clone(), errno))?;
        Ok(Mode::from_raw_mode(stat.st_mode) == Mode::RWXU)
    }

    /// Writes a file without a name, and lets it go: nothing of it is ever seen.
    pub fn try_to_write(&self) -> Result<(), FileError> {
        let flags = OFlags::TMPFILE | OFlags::WRONLY | OFlags::CLOEXEC;
        let written = match rustix::fs::openat(&self.fd, ".", flags, FILE_MODE) {
            Ok(fd) => {
                let mut file = File::from(fd);
                file.write_all(&[1; TRIED_BYTES]).and_then(|()| file.sync_all())
            }
            // This file system has no such files.
            Err(Errno::OPNOTSUPP | Errno::ISDIR) => Ok(()),
            Err(errno) => Err(errno.into()),
        };
        written.map_err(|cause| FileError::Io { path: self.path.clone(), cause })
    }

    /// Opens or makes a folder in this one.
    pub fn folder(&self, name: &str) -> Result<Self, FileError> {
        let (name, path) = (Path::new(name), self.path.join(name));
        make(self.fd.as_fd(), name, &path)?;
        Self::open_at(self.fd.as_fd(), name, &path)
    }

    fn open_at(parent: BorrowedFd<'_>, name: &Path, path: &Path) -> Result<Self, FileError> {
        let name = without_slash(name);
        let fail = |errno| refused(path.to_owned(), errno);
        let fd = rustix::fs::openat(parent, &name, FOLDER, Mode::empty()).map_err(fail)?;
        let stat = rustix::fs::fstat(&fd).map_err(fail)?;
        if stat.st_uid != rustix::process::geteuid().as_raw() {
            return Err(FileError::NotOurs(path.to_owned()));
        }
        if Mode::from_raw_mode(stat.st_mode) != Mode::RWXU {
            rustix::fs::fchmod(&fd, Mode::RWXU).map_err(fail)?;
        }
        Ok(Self { fd, path: path.to_owned() })
    }

    /// Where it is.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Takes the folder for one agent. Fails at once when another has it.
    pub fn lock(&self) -> Result<Lock, FileError> {
        let flags = OFlags::RDWR | OFlags::CREATE | OFlags::NOFOLLOW | OFlags::CLOEXEC;
        let opened = match rustix::fs::openat(&self.fd, "lock", flags, FILE_MODE) {
            // A node serves from such a disk what it last knew; a lock needs no writing.
            Err(Errno::ROFS) => {
                let flags = OFlags::RDONLY | OFlags::NOFOLLOW | OFlags::CLOEXEC;
                rustix::fs::openat(&self.fd, "lock", flags, Mode::empty())
            }
            opened => opened,
        };
        let fd = opened.map_err(|errno| self.refused("lock", errno))?;
        match rustix::fs::flock(&fd, FlockOperation::NonBlockingLockExclusive) {
            Ok(()) => Ok(Lock { _fd: fd }),
            Err(Errno::WOULDBLOCK) => Err(FileError::InUse(self.path.clone())),
            Err(errno) => Err(self.refused("lock", errno)),
        }
    }

    /// Whether an agent has the folder now.
    pub fn is_in_use(&self) -> Result<bool, FileError> {
        let flags = OFlags::RDONLY | OFlags::NOFOLLOW | OFlags::CLOEXEC;
        let fd = match rustix::fs::openat(&self.fd, "lock", flags, Mode::empty()) {
            Ok(fd) => fd,
            Err(Errno::NOENT) => return Ok(false),
            Err(errno) => return Err(self.refused("lock", errno)),
        };
        match rustix::fs::flock(&fd, FlockOperation::NonBlockingLockShared) {
            Ok(()) => Ok(false),
            Err(Errno::WOULDBLOCK) => Ok(true),
            Err(errno) => Err(self.refused("lock", errno)),
        }
    }

    /// A file's bytes, wiped from memory when dropped; none if there is no such file.
    pub fn read(&self, name: &str) -> Result<Option<Zeroizing<Vec<u8>>>, FileError> {
        let flags = OFlags::RDONLY | OFlags::NOFOLLOW | OFlags::NONBLOCK | OFlags::CLOEXEC;
        let fd = match rustix::fs::openat(&self.fd, name, flags, Mode::empty()) {
            Ok(fd) => fd,
            Err(Errno::NOENT) => return Ok(None),
            Err(errno) => return Err(self.refused(name, errno)),
        };
        let stat = rustix::fs::fstat(&fd).map_err(|errno| self.refused(name, errno))?;
        if FileType::from_raw_mode(stat.st_mode) != FileType::RegularFile {
            return Err(FileError::NotPlain(self.path.join(name)));
        }
        let size = usize::try_from(stat.st_size).unwrap_or_default();
        // Room for all of it at once: a growing vector leaves copies behind.
        let mut bytes = Zeroizing::new(Vec::with_capacity(size + 1));
        let read = File::from(fd).take(MAX_FILE_BYTES).read_to_end(&mut bytes);
        read.map_err(|cause| FileError::Io { path: self.path.join(name), cause })?;
        Ok(Some(bytes))
    }

    /// Writes a file of mode 0600: a crash at any moment leaves the old one or the new one. It is
    /// on the disk when this returns.
    pub fn write(&self, name: &str, bytes: &[u8]) -> Result<(), FileError> {
        let temporary = format!("{name}.new");
        self.remove(&temporary)?;
        let flags =
            OFlags::WRONLY | OFlags::CREATE | OFlags::EXCL | OFlags::NOFOLLOW | OFlags::CLOEXEC;
        let fd = rustix::fs::openat(&self.fd, &temporary, flags, FILE_MODE)
            .map_err(|errno| self.refused(&temporary, errno))?;
        let mut file = File::from(fd);
        let written = file.write_all(bytes).and_then(|()| file.sync_all());
        written.map_err(|cause| FileError::Io { path: self.path.join(&temporary), cause })?;
        rustix::fs::renameat(&self.fd, &temporary, &self.fd, name)
            .and_then(|()| rustix::fs::fsync(&self.fd))
            .map_err(|errno| self.refused(name, errno))
    }

    /// Adds to the end of a file that is there. It is on the disk when this returns; a crash, and
    /// an error too, may leave a part of it at the end.
    pub fn append(&self, name: &str, bytes: &[u8]) -> Result<(), FileError> {
        let flags = OFlags::WRONLY | OFlags::APPEND | OFlags::NOFOLLOW | OFlags::CLOEXEC;
        let fd = rustix::fs::openat(&self.fd, name, flags, Mode::empty())
            .map_err(|errno| self.refused(name, errno))?;
        let mut file = File::from(fd);
        let written = file.write_all(bytes).and_then(|()| file.sync_data());
        written.map_err(|cause| FileError::Io { path: self.path.join(name), cause })
    }

    /// Removes a file, if it is there.
    pub fn remove(&self, name: &str) -> Result<(), FileError> {
        match rustix::fs::unlinkat(&self.fd, name, AtFlags::empty()) {
            Ok(()) | Err(Errno::NOENT) => Ok(()),
            Err(errno) => Err(self.refused(name, errno)),
        }
    }

    /// Keeps a damaged file as `<name>.corrupt-<n>` for the operator to look at, and returns that
    /// name.
    pub fn set_aside(&self, name: &str) -> Result<String, FileError> {
        let taken = self.names()?;
        let aside = (1..).map(|n: u32| format!("{name}.corrupt-{n}"));
        let aside = aside.into_iter().find(|it| !taken.contains(it)).unwrap_or_default();
        rustix::fs::renameat(&self.fd, name, &self.fd, &aside)
            .map_err(|errno| self.refused(name, errno))?;
        Ok(aside)
    }

    /// The names of everything in it.
    pub fn names(&self) -> Result<Vec<String>, FileError> {
        let fail = |errno| refused(self.path.clone(), errno);
        let mut names = Vec::new();
        for entry in Dir::read_from(&self.fd).map_err(fail)? {
            let name = entry.map_err(fail)?.file_name().to_string_lossy().into_owned();
            if name != "." && name != ".." {
                names.push(name);
            }
        }
        Ok(names)
    }

    fn refused(&self, name: &str, errno: Errno) -> FileError {
        refused(self.path.join(name), errno)
    }
}

fn make(parent: BorrowedFd<'_>, name: &Path, path: &Path) -> Result<(), FileError> {
    match rustix::fs::mkdirat(parent, without_slash(name), Mode::RWXU) {
        Ok(()) | Err(Errno::EXIST) => Ok(()),
        Err(errno) => Err(refused(path.to_owned(), errno)),
    }
}

/// A slash at the end would follow a link.
fn without_slash(name: &Path) -> PathBuf {
    name.components().collect()
}

fn refused(path: PathBuf, errno: Errno) -> FileError {
    match errno {
        // A link where a file or a folder should be.
        Errno::LOOP | Errno::NOTDIR => FileError::NotPlain(path),
        errno => FileError::Io { path, cause: errno.into() },
    }
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::{MetadataExt, PermissionsExt, symlink};

    use super::*;

    fn mode(path: &Path) -> u32 {
        std::fs::symlink_metadata(path).unwrap().mode() & 0o7777
    }

    #[test]
    fn a_file_reads_back_and_goes() {
        let temp = tempfile::tempdir().unwrap();
        let dir = PrivateDir::open(&temp.path().join("state")).unwrap();
        assert!(dir.read("a").unwrap().is_none());
        dir.write("a", b"one").unwrap();
        dir.write("a", b"two").unwrap();
        assert_eq!(dir.read("a").unwrap().unwrap().as_slice(), b"two");
        assert_eq!(dir.names().unwrap(), ["a"], "no temporary file stays");
        dir.remove("a").unwrap();
        dir.remove("a").unwrap();
        assert!(dir.names().unwrap().is_empty());
    }

    #[test]
    fn p28_an_open_folder_is_closed_to_others() {
        let temp = tempfile::tempdir().unwrap();
        let path = temp.path().join("state");
        std::fs::create_dir(&path).unwrap();
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o755)).unwrap();
        PrivateDir::open(&path).unwrap();
        assert_eq!(mode(&path), 0o700);
    }

    #[test]
    fn p28_links_are_not_followed() {
        let temp = tempfile::tempdir().unwrap();
        let victim = temp.path().join("victim");
        std::fs::write(&victim, "theirs").unwrap();
        let dir = PrivateDir::open(&temp.path().join("state")).unwrap();
        symlink(&victim, temp.path().join("state/a")).unwrap();
        symlink(&victim, temp.path().join("state/a.new")).unwrap();
        assert!(matches!(dir.read("a"), Err(FileError::NotPlain(_))));
        dir.write("a", b"ours").unwrap();
        assert_eq!(std::fs::read(&victim).unwrap(), b"theirs");
        assert_eq!(dir.read("a").unwrap().unwrap().as_slice(), b"ours");

        symlink(temp.path(), temp.path().join("link")).unwrap();
        for link in ["link", "link/"] {
            let opened = PrivateDir::open(&temp.path().join(link));
            assert!(matches!(opened, Err(FileError::NotPlain(_))), "{link}");
        }
    }

    #[test]
    fn a_damaged_file_is_kept_aside_under_a_free_name() {
        let temp = tempfile::tempdir().unwrap();
        let dir = PrivateDir::open(temp.path()).unwrap();
        for n in 1..=2 {
            dir.write("a", b"x").unwrap();
            assert_eq!(dir.set_aside("a").unwrap(), format!("a.corrupt-{n}"));
        }
        assert!(dir.read("a").unwrap().is_none());
    }

    #[test]
    fn two_agents_do_not_share_a_folder() {
        let temp = tempfile::tempdir().unwrap();
        let dir = PrivateDir::open(temp.path()).unwrap();
        let lock = dir.lock().unwrap();
        let other = PrivateDir::open(temp.path()).unwrap();
        assert!(matches!(other.lock(), Err(FileError::InUse(_))));
        drop(lock);
        other.lock().unwrap();
    }
}
