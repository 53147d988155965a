//! Pods' private keys on disk: made here, one file each, gone with the pod.

use std::{collections::BTreeMap, io};

use base64::{Engine, prelude::BASE64_STANDARD};
use myrelay_domain::ids::PodId;
use zeroize::Zeroizing;

use crate::{
    keys::PrivateKey,
    private_dir::{FileError, PrivateDir},
    system::System,
};

/// Why a pod has no key.
#[derive(Debug, thiserror::Error)]
pub enum PodKeyError {
    #[error("its key file: {0}")]
    File(#[from] FileError),
    #[error("the system's generator gives no key: {0}")]
    Random(#[from] io::Error),
}

/// The folder `keys`: `<pod id>` holds a private key as 44 characters of base64.
#[derive(Debug)]
pub struct PodKeys {
    dir: PrivateDir,
    loaded: BTreeMap<PodId, PrivateKey>,
}

impl PodKeys {
    /// Opens the folder in the agent's state folder.
    pub fn open(state: &PrivateDir) -> Result<Self, FileError> {
        Ok(Self { dir: state.folder("keys")?, loaded: BTreeMap::new() })
    }

    /// The keys of these pods. One that has none gets one, and it is on the disk before it is
    /// used. A damaged file is kept aside, and the pod gets a new key.
    pub fn ensure(
        &mut self,
        pods: impl Iterator<Item = PodId>,
        system: &dyn System,
    ) -> BTreeMap<PodId, PodKeyError> {
        let mut faults = BTreeMap::new();
        for pod in pods {
            if self.loaded.contains_key(&pod) {
                continue;
            }
            match self.load_or_make(pod, system) {
                Ok(key) => drop(self.loaded.insert(pod, key)),
                Err(fault) => drop(faults.insert(pod, fault)),
            }
        }
        faults
    }

    /// The keys that are there.
    pub fn all(&self) -> &BTreeMap<PodId, PrivateKey> {
        &self.loaded
    }

    /// Deletes the keys of pods that are no more.
    pub fn keep_only(&mut self, keep: impl Fn(&PodId) -> bool) -> Result<(), FileError> {
        for name in self.dir.names()? {
            if name.parse().is_ok_and(|pod| !keep(&pod)) {
                self.dir.remove(&name)?;
            }
        }
        self.loaded.retain(|pod, _| keep(pod));
        Ok(())
    }

    fn load_or_make(&self, pod: PodId, system: &dyn System) -> Result<PrivateKey, PodKeyError> {
        let name = pod.to_string();
        if let Some(text) = self.dir.read(&name)? {
            if let Some(key) = parse(&text) {
                return Ok(key);
            }
            let aside = self.dir.set_aside(&name)?;
            tracing::error!(%pod, aside, "the pod's key is damaged; it gets a new one");
        }
        let mut random = Zeroizing::new([0; 32]);
        system.fill_random(random.as_mut_slice())?;
        let key = PrivateKey::from_random(*random);
        let text = Zeroizing::new(BASE64_STANDARD.encode(key.expose()));
        self.dir.write(&name, text.as_bytes())?;
        Ok(key)
    }
}

fn parse(text: &[u8]) -> Option<PrivateKey> {
    let mut bytes = Zeroizing::new([0; 33]);
    // The decoder wants room for what 44 characters could hold.
    let length = BASE64_STANDARD.decode_slice(text.trim_ascii(), bytes.as_mut_slice()).ok()?;
    let bytes = Zeroizing::new(<[u8; 32]>::try_from(&bytes[..length]).ok()?);
    Some(PrivateKey::from_random(*bytes))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::system::Machine;

    fn pod(number: u8) -> PodId {
        format!("pod_{number:032x}").parse().unwrap()
    }

    fn public(keys: &PodKeys, pod: PodId) -> String {
        keys.all()[&pod].public_key().unwrap().to_string()
    }

    #[test]
    fn p07_a_key_survives_a_restart_and_goes_with_its_pod() {
        let temp = tempfile::tempdir().unwrap();
        let dir = PrivateDir::open(temp.path()).unwrap();
        let pods = [pod(1), pod(2)];
        let mut keys = PodKeys::open(&dir).unwrap();
        assert!(keys.ensure(pods.into_iter(), &Machine).is_empty());
        let (first, second) = (public(&keys, pod(1)), public(&keys, pod(2)));
        assert_ne!(first, second, "every pod has a key of its own");

        let mut keys = PodKeys::open(&dir).unwrap();
        assert!(keys.ensure(pods.into_iter(), &Machine).is_empty());
        assert_eq!(public(&keys, pod(1)), first);

        keys.keep_only(|it| *it == pod(2)).unwrap();
        assert!(keys.ensure(pods.into_iter(), &Machine).is_empty());
        assert_ne!(public(&keys, pod(1)), first, "deleted and created again: a new key");
        assert_eq!(public(&keys, pod(2)), second);
    }

    #[test]
    fn a_damaged_key_is_kept_aside() {
        let temp = tempfile::tempdir().unwrap();
        let dir = PrivateDir::open(temp.path()).unwrap();
        dir.folder("keys").unwrap().write(&pod(1).to_string(), b"nonsense").unwrap();
        let mut keys = PodKeys::open(&dir).unwrap();
        assert!(keys.ensure([pod(1)].into_iter(), &Machine).is_empty());
        assert!(temp.path().join(format!("keys/{}.corrupt-1", pod(1))).exists());
    }

    #[test]
    fn a_pod_whose_key_cannot_be_kept_gets_none() {
        let temp = tempfile::tempdir().unwrap();
        let dir = PrivateDir::open(temp.path()).unwrap();
        let mut keys = PodKeys::open(&dir).unwrap();
        std::fs::create_dir(temp.path().join(format!("keys/{}", pod(1)))).unwrap();
        let faults = keys.ensure([pod(1), pod(2)].into_iter(), &Machine);
        assert!(faults.contains_key(&pod(1)) && !faults.contains_key(&pod(2)));
        assert!(!keys.all().contains_key(&pod(1)));
    }
}
