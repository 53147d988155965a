//! What the agent remembers over a restart: the last desired state, and how far it has counted.

mod log;

pub use log::Log;
use myrelay_node_protocol::{DesiredState, StateError};
use sha2::{Digest, Sha256};

use crate::{
    private_dir::{FileError, PrivateDir},
    system::System,
};

const STATE: &str = "state.json";
/// What came after it.
const LOG: &str = "state.log";
const SEQUENCE: &str = "sequence";
/// How many numbers are taken from the disk at once: one write for that many reports.
const BLOCK: u64 = 1000;
/// Each start skips a part of a block, so numbers may run ahead of the time: less than this.
const AHEAD: u64 = 1_000_000_000;

/// Why a remembered state cannot be used.
#[derive(Debug, thiserror::Error)]
enum Damage {
    #[error("its checksum does not match")]
    Checksum,
    #[error(transparent)]
    Json(#[from] serde_json::Error),
    #[error(transparent)]
    Unsound(#[from] StateError),
}

/// Writes the state so that a crash leaves the old one or the new one. The file is a line with the
/// SHA-256 of the rest, and the rest is JSON.
pub fn store(dir: &PrivateDir, state: &DesiredState) -> Result<(), FileError> {
    Log::default().write_whole(dir, state)
}

/// A line with the SHA-256 of a text, and the text.
pub(crate) fn seal(text: &[u8]) -> Vec<u8> {
    let mut bytes = checksum(text).into_bytes();
    bytes.push(b'\n');
    bytes.extend(text);
    bytes
}

/// The text, if it is what was sealed.
pub(crate) fn unseal(bytes: &[u8]) -> Option<&[u8]> {
    let end = bytes.iter().position(|it| *it == b'\n')?;
    let (sum, text) = (&bytes[..end], &bytes[end + 1..]);
    (sum == checksum(text).as_bytes()).then_some(text)
}

/// The state of before the restart; none when there was none. A damaged one is kept aside, and
/// the agent waits for the portal without touching what the node has.
pub fn load(dir: &PrivateDir) -> Result<Option<DesiredState>, FileError> {
    let Some(bytes) = dir.read(STATE)? else { return Ok(None) };
    let log = dir.read(LOG)?;
    match parse(&bytes, log.as_deref().map_or(&[], Vec::as_slice)) {
        Ok(state) => Ok(Some(state)),
        Err(damage) => {
            let aside = dir.set_aside(STATE)?;
            if log.is_some() {
                dir.set_aside(LOG)?;
            }
            tracing::error!(%damage, aside, "the remembered state is damaged; waiting for the portal's");
            Ok(None)
        }
    }
}

/// Forgets the state: the node starts as another one.
pub fn forget(dir: &PrivateDir) -> Result<(), FileError> {
    dir.remove(STATE)?;
    dir.remove(LOG)
}

fn parse(bytes: &[u8], log: &[u8]) -> Result<DesiredState, Damage> {
    let state: DesiredState = serde_json::from_slice(unseal(bytes).ok_or(Damage::Checksum)?)?;
    state.ensure_sound()?;
    log::catch_up(state, bytes, log)
}

fn checksum(bytes: &[u8]) -> String {
    Sha256::digest(bytes).iter().map(|it| format!("{it:02x}")).collect()
}

/// Counts reports, upwards only, over restarts: it takes its numbers from the disk in blocks and
/// after a crash skips the rest of one.
#[derive(Debug)]
pub struct Sequence {
    next: u64,
    end: u64,
}

impl Sequence {
    /// Starts behind every number given out before: behind those of the file, and at least at the
    /// time in milliseconds, should the disk have taken nothing for a while. When the file is
    /// damaged it starts further ahead than any number can be.
    pub fn load(dir: &PrivateDir, system: &dyn System) -> Result<Self, FileError> {
        let now = now(system);
        let start = match dir.read(SEQUENCE)? {
            None => now,
            Some(bytes) => std::str::from_utf8(&bytes)
                .ok()
                .and_then(|it| it.trim().parse::<u64>().ok())
                .map_or(now + AHEAD, |it| it.max(now)),
        };
        Ok(Self { next: start, end: start })
    }

    /// The next number. While the disk takes nothing it is at least the time in milliseconds,
    /// which is above any count of reports, so that a report of the trouble gets through.
    pub fn next(&mut self, dir: &PrivateDir, system: &dyn System) -> u64 {
        if self.next == self.end {
            match dir.write(SEQUENCE, (self.end + BLOCK).to_string().as_bytes()) {
                Ok(()) => self.end += BLOCK,
                Err(error) => {
                    tracing::error!(%error, "the count of reports is not kept");
                    self.next = self.next.max(now(system));
                    self.end = self.next + 1;
                }
            }
        }
        self.next += 1;
        self.next - 1
    }
}

fn now(system: &dyn System) -> u64 {
    u64::try_from(system.now_ms()).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use myrelay_node_protocol::{Epoch, Generation};

    use super::*;
    use crate::system::Machine;

    fn folder() -> (tempfile::TempDir, PrivateDir) {
        let temp = tempfile::tempdir().unwrap();
        let dir = PrivateDir::open(temp.path()).unwrap();
        (temp, dir)
    }

    #[test]
    fn a_state_is_remembered() {
        let (_temp, dir) = folder();
        assert_eq!(load(&dir).unwrap(), None);
        let state =
            DesiredState { epoch: Epoch(2), generation: Generation(7), ..DesiredState::default() };
        store(&dir, &state).unwrap();
        assert_eq!(load(&dir).unwrap(), Some(state));
        forget(&dir).unwrap();
        assert_eq!(load(&dir).unwrap(), None);
    }

    #[test]
    fn a_damaged_state_is_kept_aside_whatever_byte_is_wrong() {
        let (temp, dir) = folder();
        store(&dir, &DesiredState::default()).unwrap();
        let sound = std::fs::read(temp.path().join(STATE)).unwrap();
        for at in 0..sound.len() {
            let mut bytes = sound.clone();
            bytes[at] ^= 1;
            dir.write(STATE, &bytes).unwrap();
            assert_eq!(load(&dir).unwrap(), None, "byte {at}");
            dir.write(STATE, &sound[..at]).unwrap();
            assert_eq!(load(&dir).unwrap(), None, "cut at {at}");
        }
        let kept = dir.names().unwrap().iter().filter(|it| it.contains(".corrupt-")).count();
        assert_eq!(kept, 2 * sound.len());
    }

    #[test]
    fn the_sequence_only_grows() {
        let (_temp, dir) = folder();
        let mut last = 0;
        for _ in 0..3 {
            let mut sequence = Sequence::load(&dir, &Machine).unwrap();
            for _ in 0..BLOCK + 2 {
                let next = sequence.next(&dir, &Machine);
                assert!(last < next);
                last = next;
            }
        }
        dir.write(SEQUENCE, b"nonsense").unwrap();
        let mut sequence = Sequence::load(&dir, &Machine).unwrap();
        assert!(last < sequence.next(&dir, &Machine));
    }
}
