//! A kernel to boot: Debian's own for cloud machines, unpacked below `target`.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};

use anyhow::{Context as _, Result};

use crate::programs;

/// Debian's package that depends on the current kernel for cloud machines.
const PACKAGE: &str = "linux-image-cloud-amd64";

/// A kernel and its modules.
pub(crate) struct Kernel {
    pub(crate) image: PathBuf,
    /// The folder that a machine has as `/lib/modules/<version>`.
    pub(crate) modules: PathBuf,
    pub(crate) version: String,
}

/// The kernel, downloaded the first time; tests in one process wait for each other.
///
/// # Errors
/// When Debian's archive cannot be reached.
pub(crate) fn get() -> Result<Kernel> {
    static ONE_AT_A_TIME: Mutex<()> = Mutex::new(());
    let _turn = ONE_AT_A_TIME.lock().unwrap_or_else(PoisonError::into_inner);
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../target/kernel");
    if !folder.join("boot").is_dir() {
        download(&folder)?;
    }
    let image = fs::read_dir(folder.join("boot"))?
        .filter_map(Result::ok)
        .map(|entry| entry.path())
        .find(|path| path.to_string_lossy().contains("/vmlinuz-"))
        .context("the package has no kernel")?;
    let name = image.file_name().unwrap_or_default().to_string_lossy().into_owned();
    let version = name.trim_start_matches("vmlinuz-").to_owned();
    Ok(Kernel { modules: folder.join("lib/modules").join(&version), image, version })
}

/// Unpacks the package without installing it: our own system keeps its kernel.
fn download(folder: &Path) -> Result<()> {
    let depends = programs::output(programs::command("apt-cache").args(["depends", PACKAGE]))?;
    let package = depends
        .lines()
        .find_map(|line| line.trim().strip_prefix("Depends: "))
        .with_context(|| format!("apt knows no {PACKAGE}; run apt-get update"))?;
    let parent = folder.parent().context("target/kernel lies in target")?;
    let work = tempfile::tempdir_in(parent)?;
    let mut apt = programs::command("apt-get");
    programs::output(apt.current_dir(work.path()).args(["download", "--quiet=2", package]))?;
    let archive = fs::read_dir(work.path())?.next().context("apt downloaded nothing")??.path();
    let unpacked = work.path().join("unpacked");
    programs::output(programs::command("dpkg-deb").arg("-x").arg(&archive).arg(&unpacked))?;
    fs::rename(&unpacked, folder)?;
    Ok(())
}
