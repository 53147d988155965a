//! What came after the state on the disk: a log of deltas, so that a change writes that change.
//!
//! The log is lines, each the SHA-256 of the rest and the rest. The first names the state that it
//! follows by that one's checksum; one that names another is of before, and nothing of it counts.
//! The others are deltas. A last line without its end is one that a crash cut short: nobody was
//! told that it is kept.

use myrelay_node_protocol::{Delta, DesiredState};

use super::{Damage, LOG, STATE, checksum, seal};
use crate::private_dir::{FileError, PrivateDir};

/// How far the disk is; what this process did not write itself is written anew first.
#[derive(Debug, Default)]
pub struct Log {
    follows: Option<Follows>,
}

/// The state that deltas are added to.
#[derive(Debug)]
struct Follows {
    checksum: String,
    /// The bytes of the state.
    whole: usize,
    /// The bytes of the log; zero while there is none.
    logged: usize,
}

impl Log {
    /// Writes the whole state. A crash leaves what was there before or this.
    pub fn write_whole(&mut self, dir: &PrivateDir, state: &DesiredState) -> Result<(), FileError> {
        self.follows = None;
        // Maps with ordered string keys always serialise.
        let text = serde_json::to_vec(state).unwrap_or_default();
        let sealed = seal(&text);
        dir.write(STATE, &sealed)?;
        dir.remove(LOG)?;
        self.follows = Some(Follows { checksum: checksum(&text), whole: sealed.len(), logged: 0 });
        Ok(())
    }

    /// Adds what led to this state. The whole is written instead where there is nothing to add to,
    /// where adding fails, and where the log would be longer than the state: so its writing costs
    /// each change at most as much again as the change, and its reading at most twice the state's.
    pub fn add(
        &mut self,
        dir: &PrivateDir,
        delta: &Delta,
        state: &DesiredState,
    ) -> Result<(), FileError> {
        let Some(before) = self.follows.take() else { return self.write_whole(dir, state) };
        let mut lines = line(&serde_json::to_vec(delta).unwrap_or_default());
        if before.whole < before.logged + lines.len() {
            return self.write_whole(dir, state);
        }
        let added = if before.logged == 0 {
            lines = [line(before.checksum.as_bytes()), lines].concat();
            dir.write(LOG, &lines)
        } else {
            dir.append(LOG, &lines)
        };
        if added.is_err() {
            return self.write_whole(dir, state);
        }
        self.follows = Some(Follows { logged: before.logged + lines.len(), ..before });
        Ok(())
    }
}

/// What the disk holds in the end: the state and what the log adds to it.
pub(super) fn catch_up(
    mut state: DesiredState,
    sealed: &[u8],
    log: &[u8],
) -> Result<DesiredState, Damage> {
    let lines = log.split_inclusive(|it| *it == b'\n');
    let mut lines = lines.filter_map(|it| it.strip_suffix(b"\n"));
    let Some(first) = lines.next() else { return Ok(state) };
    if sealed.split(|it| *it == b'\n').next() != Some(read(first)?) {
        return Ok(state);
    }
    for line in lines {
        let delta: Delta = serde_json::from_slice(read(line)?)?;
        state.advance(delta)?;
    }
    Ok(state)
}

/// Deltas hold no line break: JSON writes one in a text as two characters.
fn line(text: &[u8]) -> Vec<u8> {
    [checksum(text).as_bytes(), b" ", text, b"\n"].concat()
}

fn read(line: &[u8]) -> Result<&[u8], Damage> {
    let end = line.iter().position(|it| *it == b' ').ok_or(Damage::Checksum)?;
    let (sum, text) = (&line[..end], &line[end + 1..]);
    (sum == checksum(text).as_bytes()).then_some(text).ok_or(Damage::Checksum)
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use myrelay_domain::{
        addresses::AddressPlan,
        ids::{PeerId, PodId},
        keys::PublicKey,
    };
    use myrelay_node_protocol::{DesiredPeer, DesiredPod, Epoch, Generation};

    use super::{super::load, *};

    const PODS: u32 = 6;

    fn folder() -> (tempfile::TempDir, PrivateDir) {
        let temp = tempfile::tempdir().unwrap();
        let dir = PrivateDir::open(temp.path()).unwrap();
        (temp, dir)
    }

    fn pod(number: u32, devices: u32) -> (PodId, DesiredPod) {
        let site = AddressPlan::v6_site([1; 5]);
        let plan = AddressPlan::new("10.0.0.0/8".parse().unwrap(), site).unwrap();
        let range = plan.pod_range(number).unwrap();
        let peers = (2..2 + devices).map(|device| {
            let mut key = [7; 32];
            key[..4].copy_from_slice(&device.to_le_bytes());
            let public_key = PublicKey::from_bytes(key).unwrap();
            let addresses = range.device(device).unwrap();
            let id: PeerId = uuid::Uuid::from_u128(device.into()).into();
            (id, DesiredPeer { public_key, addresses })
        });
        let name = format!("wg-pod{number}").parse().unwrap();
        let port = 20_000 + u16::try_from(number).unwrap();
        let pod = DesiredPod::new(name, port, range, peers.collect());
        (uuid::Uuid::from_u128(number.into()).into(), pod)
    }

    /// Generation g: one pod of six has g devices, the others two.
    fn state(generation: u32) -> DesiredState {
        let devices = |it| if it == generation % PODS { generation } else { 2 };
        let pods = (0..PODS).map(|it| pod(it, devices(it))).collect();
        let (epoch, generation) = (Epoch(1), Generation(generation.into()));
        DesiredState { epoch, generation, resolver: None, pods }
    }

    /// From the generation before to this one.
    fn delta(generation: u32) -> Delta {
        let pods = state(generation).pods;
        let changed = [generation % PODS, (generation - 1) % PODS].map(|it| pod(it, 0).0);
        Delta {
            epoch: Epoch(1),
            after: Generation(u64::from(generation) - 1),
            generation: Generation(generation.into()),
            resolver: None,
            pods: pods
                .into_iter()
                .filter(|(id, _)| changed.contains(id))
                .collect::<BTreeMap<_, _>>(),
            removed: Vec::new(),
        }
    }

    #[test]
    fn every_change_is_remembered_and_the_log_never_outgrows_the_state() {
        let (_temp, dir) = folder();
        let mut log = Log::default();
        let (mut wholes, mut written) = (0, dir.read(STATE).unwrap());
        for generation in 1..40 {
            log.add(&dir, &delta(generation), &state(generation)).unwrap();
            assert_eq!(load(&dir).unwrap(), Some(state(generation)));
            let whole = dir.read(STATE).unwrap();
            let length = |it: &Option<zeroize::Zeroizing<Vec<u8>>>| {
                it.as_ref().map_or(0, |bytes| bytes.len())
            };
            assert!(length(&dir.read(LOG).unwrap()) <= length(&whole) + 130);
            wholes += u32::from(whole != written);
            written = whole;
        }
        assert!((2..30).contains(&wholes), "{wholes} of 39 changes wrote everything");

        // Another process does not know how far the log is, and begins anew.
        Log::default().add(&dir, &delta(40), &state(40)).unwrap();
        assert_eq!(dir.read(LOG).unwrap(), None);
        assert_eq!(load(&dir).unwrap(), Some(state(40)));
    }

    /// Of a state and two deltas.
    fn three() -> (tempfile::TempDir, PrivateDir, Vec<u8>) {
        let (temp, dir) = folder();
        let mut log = Log::default();
        log.write_whole(&dir, &state(1)).unwrap();
        for generation in [2, 3] {
            log.add(&dir, &delta(generation), &state(generation)).unwrap();
        }
        let bytes = dir.read(LOG).unwrap().unwrap().to_vec();
        (temp, dir, bytes)
    }

    #[test]
    fn a_crash_while_adding_leaves_what_was_kept_before() {
        let (temp, dir, log) = three();
        let ends: Vec<_> = (0..log.len()).filter(|at| log[*at] == b'\n').collect();
        assert_eq!(ends.len(), 3);
        for at in 0..log.len() {
            std::fs::write(temp.path().join(LOG), &log[..at]).unwrap();
            let whole = ends.iter().filter(|end| **end < at).count();
            let kept = u32::try_from(whole.max(1)).unwrap();
            assert_eq!(load(&dir).unwrap(), Some(state(kept)), "cut at {at}");
        }
    }

    #[test]
    fn a_damaged_log_is_kept_aside_with_its_state_whatever_byte_is_wrong() {
        let (temp, dir, log) = three();
        let whole = dir.read(STATE).unwrap().unwrap();
        let file = |name: &str| temp.path().join(name);
        for at in 0..log.len() - 1 {
            let mut bytes = log.clone();
            bytes[at] ^= 1;
            std::fs::write(file(STATE), &*whole).unwrap();
            std::fs::write(file(LOG), &bytes).unwrap();
            assert_eq!(load(&dir).unwrap(), None, "byte {at}");
            assert!(!file(STATE).exists() && !file(LOG).exists());
            for name in [STATE, LOG] {
                std::fs::remove_file(file(&format!("{name}.corrupt-1"))).unwrap();
            }
        }
    }

    /// A crash between the writing of a state and the end of the log before it.
    #[test]
    fn a_log_of_another_state_does_not_count() {
        let (_temp, dir, log) = three();
        Log::default().write_whole(&dir, &state(2)).unwrap();
        dir.write(LOG, &log).unwrap();
        assert_eq!(load(&dir).unwrap(), Some(state(2)));
    }

    #[test]
    fn where_nothing_can_be_added_the_whole_is_written() {
        let (temp, dir, _) = three();
        let mut log = Log::default();
        log.write_whole(&dir, &state(3)).unwrap();
        log.add(&dir, &delta(4), &state(4)).unwrap();
        std::fs::remove_file(temp.path().join(LOG)).unwrap();
        log.add(&dir, &delta(5), &state(5)).unwrap();
        assert_eq!(load(&dir).unwrap(), Some(state(5)));
    }
}
