//! A new authority in the place of the old one, while nodes that know only the old one are offline.

use std::{fs, path::Path};

use anyhow::{Context as _, bail};
use myrelay_domain::ids::DeploymentId;
use rcgen::{BasicConstraints, CertifiedIssuer, IsCa, Issuer, KeyPair, PKCS_ECDSA_P256_SHA256};
use rustls_pki_types::{CertificateDer, pem::PemObject};
use zeroize::Zeroizing;

use super::{authority, read_private, write_private};
use crate::context::{Clock, Random};

/// The authorities of before: their certificates, newest first.
const ROOTS: &str = "ca-before.pem";
/// Each key that came after one of them, certified by it.
const CROSSES: &str = "ca-cross.pem";
/// What a rotation prepares before it takes the place of what is there.
const NEXT_KEY: &str = "ca-next.key";
const NEXT_PEM: &str = "ca-next.pem";

/// Over so many rotations a node that knows the first authority follows; rustls goes through at most
/// six authorities.
const MAX_ROTATIONS: u8 = 5;

/// What is left of the authorities of before. Their keys are gone.
#[derive(Default)]
pub(super) struct Earlier {
    pub(super) roots: Vec<CertificateDer<'static>>,
    pub(super) crosses: Vec<CertificateDer<'static>>,
    /// The roots again.
    pub(super) pem: String,
}

/// What a rotation did.
pub struct Rotated {
    /// How many authorities of before are believed beside the new one.
    pub earlier: usize,
}

impl Earlier {
    pub(super) fn read(dir: &Path) -> anyhow::Result<Self> {
        let pem = read_private(&dir.join(ROOTS))?.map(|it| it.to_string()).unwrap_or_default();
        let crosses = read_private(&dir.join(CROSSES))?.unwrap_or_default();
        let parse = |text: &str| {
            CertificateDer::pem_slice_iter(text.as_bytes()).collect::<Result<Vec<_>, _>>()
        };
        Ok(Self {
            roots: parse(&pem).with_context(|| format!("read {ROOTS}"))?,
            crosses: parse(&crosses).with_context(|| format!("read {CROSSES}"))?,
            pem,
        })
    }
}

/// Makes a new authority. From the portal's next start on, it issues every certificate; the old one
/// is still believed, has certified the new one's key, and its own key is gone. A crash on the way
/// leaves the old authority whole, or the new one; then it is asked again.
///
/// # Errors
/// When the folder holds no authority yet, or cannot be written.
pub fn rotate(
    dir: &Path,
    deployment: DeploymentId,
    clock: &dyn Clock,
    random: &dyn Random,
) -> anyhow::Result<Rotated> {
    let Some(old_key) = read_private(&dir.join("ca.key"))? else {
        bail!(
            "{}: there is no authority here yet: the portal's first start makes it",
            dir.display()
        );
    };
    let old_pem = fs::read_to_string(dir.join("ca.pem")).context("read ca.pem")?;
    let old = CertificateDer::from_pem_slice(old_pem.as_bytes()).context("ca.pem")?;
    let old = Issuer::from_ca_cert_der(&old, KeyPair::from_pem(&old_key)?)?;

    let key = KeyPair::generate_for(&PKCS_ECDSA_P256_SHA256)?;
    let (now_ms, mut serial) = (clock.now_ms(), [0; 16]);
    random.fill(&mut serial);
    let params = authority(deployment, now_ms, serial)?;
    // What comes after the next rotations stands below it.
    let mut cross = params.clone();
    cross.is_ca = IsCa::Ca(BasicConstraints::Constrained(MAX_ROTATIONS));
    let cross = cross.signed_by(&key, &old)?.pem();
    let new_pem = CertifiedIssuer::self_signed(params, &key)?.pem();
    let new_key = Zeroizing::new(key.serialize_pem());

    let before = read_private(&dir.join(ROOTS))?.unwrap_or_default();
    let crosses = read_private(&dir.join(CROSSES))?.unwrap_or_default();
    let roots = if before.contains(old_pem.trim()) {
        before.to_string()
    } else {
        [old_pem.as_str(), before.as_str()].concat()
    };
    // What only adds comes first: a cross certificate too many is harmless. With the prepared
    // certificate it is decided.
    write_private(&dir.join(CROSSES), [cross.as_str(), crosses.as_str()].concat().as_bytes())?;
    write_private(&dir.join(ROOTS), roots.as_bytes())?;
    write_private(&dir.join(NEXT_KEY), new_key.as_bytes())?;
    write_private(&dir.join(NEXT_PEM), new_pem.as_bytes())?;
    finish(dir)?;
    let earlier = CertificateDer::pem_slice_iter(roots.as_bytes()).count();
    Ok(Rotated { earlier })
}

/// Puts the prepared authority in the place of the old one, or goes on where a crash stopped it:
/// the key is renamed first, so a prepared certificate without its key means that the key is there.
pub(super) fn finish(dir: &Path) -> anyhow::Result<()> {
    if !dir.join(NEXT_PEM).exists() {
        return Ok(());
    }
    if dir.join(NEXT_KEY).exists() {
        fs::rename(dir.join(NEXT_KEY), dir.join("ca.key")).context("replace ca.key")?;
    }
    fs::rename(dir.join(NEXT_PEM), dir.join("ca.pem")).context("replace ca.pem")?;
    fs::File::open(dir)?.sync_all().with_context(|| format!("write {}", dir.display()))
}

/// Believes the authorities of before no longer: a node that did not come since the rotation has to
/// join again. Answers how many there were.
///
/// # Errors
/// When the folder cannot be written.
pub fn forget_earlier(dir: &Path) -> anyhow::Result<usize> {
    let earlier = Earlier::read(dir)?.roots.len();
    for name in [ROOTS, CROSSES] {
        match fs::remove_file(dir.join(name)) {
            Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
                return Err(error).with_context(|| format!("remove {name}"));
            }
            _ => {}
        }
    }
    Ok(earlier)
}
