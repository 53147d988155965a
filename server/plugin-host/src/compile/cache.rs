//! Compiled code on disk: for this engine exactly, ours alone, and as it was written.

use std::{
    fs::{self, DirBuilder, File, OpenOptions},
    hash::{Hash as _, Hasher},
    io::{Read as _, Write as _},
    os::unix::fs::{DirBuilderExt as _, MetadataExt as _, OpenOptionsExt as _},
    path::{Path, PathBuf},
};

use aws_lc_rs::digest as sha;
use wasmtime::Engine;

use crate::{compile::CompileError, state::hex};

/// A file begins with the SHA-256 of the rest.
const CHECKSUM: usize = 32;

/// A folder of compiled code.
pub(super) struct Cache {
    folder: PathBuf,
}

fn sha256(bytes: &[u8]) -> sha::Digest {
    sha::digest(&sha::SHA256, bytes)
}

/// SHA-256 in hexadecimal digits.
pub(crate) fn digest(bytes: &[u8]) -> String {
    hex(sha256(bytes).as_ref())
}

/// Collects what is hashed, so that the whole of it decides.
#[derive(Default)]
struct Collected(Vec<u8>);

impl Hasher for Collected {
    fn write(&mut self, bytes: &[u8]) {
        self.0.extend_from_slice(bytes);
    }

    fn finish(&self) -> u64 {
        0
    }
}

/// What must be the same where code is compiled and where it runs: version, settings, machine.
pub(super) fn compatibility(engine: &Engine) -> String {
    let mut collected = Collected::default();
    engine.precompile_compatibility_hash().hash(&mut collected);
    digest(&collected.0)
}

impl Cache {
    /// Opens the folder, and makes it where there is none.
    pub(super) fn open(folder: &Path) -> Result<Self, CompileError> {
        let shown = folder.display();
        let failed = |error| CompileError::Failed(format!("the cache {shown}: {error}"));
        DirBuilder::new().recursive(true).mode(0o700).create(folder).map_err(failed)?;
        let metadata = fs::symlink_metadata(folder).map_err(failed)?;
        let ours = metadata.uid() == rustix::process::geteuid().as_raw();
        if !metadata.is_dir() || !ours || metadata.mode() & 0o077 != 0 {
            let why = "it has to be a folder of this user that nobody else may enter (0700)";
            return Err(CompileError::Failed(format!("the cache {shown}: {why}")));
        }
        Ok(Self { folder: folder.to_owned() })
    }

    /// Where the code of a component stands for this engine.
    pub(super) fn place(&self, engine: &Engine, digest: &str) -> PathBuf {
        self.folder.join(format!("{digest}-{}.code", compatibility(engine)))
    }

    /// Whether sound code stands there; damaged code is made again.
    pub(super) fn has(place: &Path) -> bool {
        read(place).is_ok()
    }

    /// Writes code, as a whole or not at all.
    pub(super) fn keep(&self, place: &Path, code: &[u8]) -> Result<(), CompileError> {
        let beside = place.with_extension(format!("{}.new", std::process::id()));
        let written = write(&beside, code).and_then(|()| fs::rename(&beside, place));
        written.map_err(|error| {
            // What is left of it is overwritten the next time.
            let _left = fs::remove_file(&beside);
            CompileError::Failed(format!("the cache {}: {error}", self.folder.display()))
        })
    }

    pub(super) fn read(&self, place: &Path) -> Result<Vec<u8>, CompileError> {
        let shown = place.display();
        read(place).map_err(|error| CompileError::Failed(format!("{shown}: {error}")))
    }
}

fn write(place: &Path, code: &[u8]) -> std::io::Result<()> {
    let mut options = OpenOptions::new();
    let mut file = options.write(true).create(true).truncate(true).mode(0o600).open(place)?;
    file.write_all(sha256(code).as_ref())?;
    file.write_all(code)?;
    file.sync_all()
}

fn read(place: &Path) -> std::io::Result<Vec<u8>> {
    let flags = rustix::fs::OFlags::NOFOLLOW.bits();
    let flags = i32::try_from(flags).map_err(std::io::Error::other)?;
    let mut file: File = OpenOptions::new().read(true).custom_flags(flags).open(place)?;
    let metadata = file.metadata()?;
    let ours = metadata.uid() == rustix::process::geteuid().as_raw();
    if !ours || metadata.mode() & 0o077 != 0 {
        return Err(std::io::Error::other("others may read or write it"));
    }
    let mut bytes = Vec::new();
    file.read_to_end(&mut bytes)?;
    let code = bytes.split_off(CHECKSUM.min(bytes.len()));
    if sha256(&code).as_ref() != bytes {
        return Err(std::io::Error::other("it is damaged"));
    }
    Ok(code)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::engine;

    #[test]
    fn code_is_for_the_engine_that_runs_it_wherever_it_was_compiled() {
        let calls = compatibility(&engine::for_calls().unwrap());
        assert_eq!(calls, compatibility(&engine::for_compiling().unwrap()));
        assert_ne!(calls, compatibility(&Engine::default()));
    }

    #[test]
    fn code_is_read_as_it_was_written_or_not_at_all() {
        let root = tempfile::tempdir().unwrap();
        let folder = root.path().join("cache");
        let cache = Cache::open(&folder).unwrap();
        assert_eq!(fs::metadata(&folder).unwrap().mode() & 0o777, 0o700);
        let place = folder.join("a.code");
        assert!(!Cache::has(&place));
        cache.keep(&place, b"code").unwrap();
        assert_eq!(fs::metadata(&place).unwrap().mode() & 0o777, 0o600);
        assert_eq!(cache.read(&place).unwrap(), b"code");

        let mut bytes = fs::read(&place).unwrap();
        bytes[CHECKSUM] ^= 1;
        fs::write(&place, &bytes).unwrap();
        assert!(cache.read(&place).unwrap_err().to_string().contains("damaged"));
        fs::write(&place, b"short").unwrap();
        assert!(!Cache::has(&place));

        cache.keep(&place, b"code").unwrap();
        let link = folder.join("b.code");
        std::os::unix::fs::symlink(&place, &link).unwrap();
        assert!(!Cache::has(&link));
        fs::set_permissions(&place, std::os::unix::fs::PermissionsExt::from_mode(0o640)).unwrap();
        assert!(cache.read(&place).unwrap_err().to_string().contains("others"));

        fs::set_permissions(&folder, std::os::unix::fs::PermissionsExt::from_mode(0o750)).unwrap();
        assert!(matches!(Cache::open(&folder), Err(CompileError::Failed(_))));
    }
}
