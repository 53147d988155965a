//! What the agent's loops share: what is wanted, what is there, and how it stands with the portal.

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use myrelay_domain::ids::PodId;
use myrelay_node_protocol::{
    Apply, Delta, DesiredState, HardeningReport, MAX_FAULTS, ObservedState, QuotaState,
};
use serde::{Serialize, de::DeserializeOwned};
use tokio::sync::watch;

use crate::{
    agent::Pace,
    backend::Backend,
    faults::{self, Faults},
    identity::Identity,
    link::{LinkError, Requests},
    memory::{Log, Sequence},
    private_dir::{FileError, Lock, PrivateDir},
    reconcile::Applied,
    system::System,
    usage::Usage,
};

/// How it stands with the portal.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Contact {
    /// Since when there is a stream, in milliseconds since 1970-01-01 UTC; none while there is
    /// none.
    pub(crate) since_ms: Option<i64>,
    /// What went wrong last; none once all is well again.
    pub(crate) trouble: Option<String>,
    pub(crate) retired: bool,
}

/// The shared part of one running agent.
pub(crate) struct Node {
    pub(crate) dir: Arc<PrivateDir>,
    pub(crate) system: Arc<dyn System>,
    pub(crate) backend: Arc<dyn Backend>,
    pub(crate) pace: Pace,
    pub(crate) boot_id: String,
    /// Names this run of the agent: the portal notices by it that two run with one identity.
    pub(crate) instance: String,
    pub(crate) identity: watch::Sender<Arc<Identity>>,
    /// None until the disk or the portal said something.
    pub(crate) desired: watch::Sender<Option<Arc<DesiredState>>>,
    /// How the pods stand with their quotas; those that are not in it are within.
    pub(crate) quotas: watch::Sender<Arc<BTreeMap<PodId, QuotaState>>>,
    pub(crate) usage: Usage,
    /// What is wrong with the node beside what a round found.
    pub(crate) faults: Faults,
    /// How the host is hardened, as far as it has been looked at.
    pub(crate) hardening: watch::Sender<Arc<HardeningReport>>,
    /// None until the first round.
    pub(crate) applied: watch::Sender<Option<Arc<Applied>>>,
    pub(crate) contact: watch::Sender<Contact>,
    pub(crate) sequence: Mutex<Sequence>,
    /// How far the wanted state is on the disk.
    pub(crate) log: Arc<Mutex<Log>>,
    pub(crate) requests: Requests,
    pub(crate) _lock: Lock,
}

impl Node {
    pub(crate) fn identity(&self) -> Arc<Identity> {
        self.identity.borrow().clone()
    }

    pub(crate) fn wanted(&self) -> Option<Arc<DesiredState>> {
        self.desired.borrow().clone()
    }

    /// Takes in everything that the portal wants.
    pub(crate) async fn take_whole(&self, state: DesiredState) -> Result<(), LinkError> {
        let before = self.wanted();
        let mut next = before.as_deref().cloned().unwrap_or_default();
        if next.replace(state)? == Apply::Same && before.is_some() {
            return Ok(());
        }
        self.keep(next, None).await
    }

    /// Takes in what changed.
    pub(crate) async fn take_delta(&self, delta: Delta) -> Result<(), LinkError> {
        let before = self.wanted();
        let mut next = before.as_deref().cloned().unwrap_or_default();
        if next.advance(delta.clone())? == Apply::Same && before.is_some() {
            return Ok(());
        }
        self.keep(next, Some(delta)).await
    }

    /// The portal has no more use for this node: its pods go, and nothing else.
    pub(crate) async fn retire(&self) -> Result<(), LinkError> {
        self.contact.send_modify(|it| it.retired = true);
        let before = self.wanted();
        let empty = |it: &DesiredState| it.pods.is_empty() && it.resolver.is_none();
        if before.as_deref().is_some_and(empty) {
            return Ok(());
        }
        let (epoch, generation) = before.map(|it| it.version()).unwrap_or_default();
        self.keep(DesiredState { epoch, generation, ..DesiredState::default() }, None).await
    }

    /// On the disk first, then for everybody to apply.
    async fn keep(&self, next: DesiredState, delta: Option<Delta>) -> Result<(), LinkError> {
        let next = Arc::new(next);
        let (dir, log, written) = (self.dir.clone(), self.log.clone(), next.clone());
        let keep = move || {
            let mut log = log.lock().unwrap_or_else(PoisonError::into_inner);
            match delta {
                Some(delta) => log.add(&dir, &delta, &written),
                None => log.write_whole(&dir, &written),
            }
        };
        let kept = tokio::task::spawn_blocking(keep).await;
        kept.map_err(|error| LinkError::Nonsense(error.to_string()))??;
        self.desired.send_replace(Some(next));
        Ok(())
    }

    /// Takes on a new certificate: on the disk first.
    pub(crate) fn become_identity(&self, next: Identity) -> Result<(), FileError> {
        next.store(&self.dir)?;
        self.identity.send_replace(Arc::new(next));
        Ok(())
    }

    pub(crate) fn connected(&self) {
        tracing::info!("connected to the portal");
        let since_ms = Some(self.system.now_ms());
        self.contact.send_replace(Contact { since_ms, trouble: None, retired: false });
    }

    pub(crate) fn lost(&self, error: &LinkError) {
        self.note(error);
        self.contact.send_modify(|it| it.since_ms = None);
    }

    pub(crate) fn note(&self, error: &LinkError) {
        tracing::warn!(%error, "the link to the portal");
        self.contact.send_modify(|it| it.trouble = Some(error.to_string()));
    }

    pub(crate) fn all_well(&self) {
        self.contact.send_if_modified(|it| it.trouble.take().is_some());
    }

    /// A short request, over its own connection.
    pub(crate) async fn post<Q: Serialize, A: DeserializeOwned>(
        &self,
        path: &str,
        message: &Q,
    ) -> Result<A, LinkError> {
        self.requests.post(self.identity(), &self.system, path, message).await
    }

    /// What to tell the portal of a round.
    pub(crate) fn observed(&self, applied: &Applied) -> ObservedState {
        let sequence = self.sequence().next(&self.dir, self.system.as_ref());
        let (epoch, generation) = applied.version;
        ObservedState {
            epoch,
            generation,
            boot_id: self.boot_id.clone(),
            sequence,
            agent_version: env!("CARGO_PKG_VERSION").to_owned(),
            backend: self.backend.name().to_owned(),
            clock_ms: self.system.now_ms(),
            faults: self.all_faults(applied),
            foreign: applied.foreign.iter().take(MAX_FAULTS).cloned().collect(),
            hardening: self.hardening.borrow().as_ref().clone(),
            pods: applied.pods.clone(),
        }
    }

    /// What is wrong with the node as a whole, as much of it as a report holds.
    pub(crate) fn all_faults(&self, applied: &Applied) -> Vec<String> {
        let parts = self.faults.texts().into_iter().chain(faults::kept_aside(&self.dir));
        let texts = applied.faults.iter().cloned().chain(parts).take(MAX_FAULTS);
        texts.map(|it| faults::line(&it)).collect()
    }

    fn sequence(&self) -> MutexGuard<'_, Sequence> {
        self.sequence.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
