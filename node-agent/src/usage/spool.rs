//! The sums on the disk: sums and readings together, whole or not at all.

use std::io;

use super::ledger::Ledger;
use crate::{
    memory,
    private_dir::{FileError, PrivateDir},
    system::System,
};

const FILE: &str = "usage.json";
/// Bytes of a counter's name.
const NAME: usize = 16;

/// A ledger from the disk, or a new one.
pub(super) struct Loaded {
    pub(super) ledger: Ledger,
    /// Why a new one is not on the disk yet.
    pub(super) fault: Option<FileError>,
}

/// Goes on where the file ends. A damaged file is kept aside, and a new counter begins: what the
/// portal did not have yet is in the damaged one. A new counter is on the disk before anything is
/// counted, else a crash would make it begin again behind the first bytes.
pub(super) fn load(
    dir: &PrivateDir,
    boot_id: &str,
    system: &dyn System,
) -> Result<Loaded, FileError> {
    let bytes = dir.read(FILE)?;
    let kept = bytes.as_deref().map(|it| parse(it));
    if let Some(Some(mut ledger)) = kept {
        ledger.resume(boot_id);
        return Ok(Loaded { ledger, fault: None });
    }
    let set_aside = if kept.is_some() { dir.set_aside(FILE).map(Some) } else { Ok(None) };
    let failed = |cause| FileError::Io { path: dir.path().join(FILE), cause };
    let ledger = Ledger::new(new_name(system).map_err(failed)?, boot_id);
    if let Ok(Some(aside)) = &set_aside {
        tracing::error!(aside, "the counted traffic is damaged; counting starts anew");
    }
    let fault = set_aside.and_then(|_| store(dir, &text(&ledger))).err();
    Ok(Loaded { ledger, fault })
}

/// What is written of a ledger.
pub(super) fn text(ledger: &Ledger) -> Vec<u8> {
    // Maps with keys that are texts or numbers always serialise.
    memory::seal(&serde_json::to_vec(ledger).unwrap_or_default())
}

/// Writes it. It is on the disk when this returns.
pub(super) fn store(dir: &PrivateDir, text: &[u8]) -> Result<(), FileError> {
    dir.write(FILE, text)
}

/// Forgets everything, for a machine that becomes another node: that one would tell the same hours
/// as its own. What the portal did not have yet is lost.
pub(crate) fn forget(dir: &PrivateDir) -> Result<(), FileError> {
    dir.remove(FILE)
}

/// 32 hexadecimal digits that nobody had before.
pub(super) fn new_name(system: &dyn System) -> io::Result<String> {
    let mut bytes = [0; NAME];
    system.fill_random(&mut bytes)?;
    Ok(bytes.iter().map(|it| format!("{it:02x}")).collect())
}

fn parse(bytes: &[u8]) -> Option<Ledger> {
    serde_json::from_slice(memory::unseal(bytes)?).ok()
}
