//! One running agent: its parts, put together.

use std::{path::Path, sync::Arc, time::Duration};

use myrelay_node_protocol::INSTANCE_DIGITS;
use tokio::{sync::watch, task::JoinSet};
use tokio_util::sync::CancellationToken;

use crate::{
    backend::Backend,
    faults::{Faults, Part},
    hardening,
    identity::{Identity, IdentityError},
    link,
    memory::{self, Sequence},
    node::{Contact, Node},
    pod_keys::PodKeys,
    private_dir::{FileError, PrivateDir},
    reconcile, resolver, status,
    system::System,
    usage::{self, Usage},
};

/// How often things happen. The default is what a node uses; tests are faster.
#[derive(Clone, Copy, Debug)]
pub struct Pace {
    /// After this much silence on the stream the agent dials again.
    pub silence: Duration,
    /// The pause before dialing again is at most this at first, and doubles.
    pub first_retry: Duration,
    /// It is at most this in the end.
    pub slowest_retry: Duration,
    /// How often the node is reported without a change.
    pub observed: Duration,
    /// How often the node is compared with the wanted state without a change.
    pub drift: Duration,
    /// How often the clock is looked at for the certificate, and the pause after a failed renewal.
    pub clock: Duration,
    /// How often the pods' traffic is read.
    pub count: Duration,
    /// How often it is written to the disk.
    pub spool: Duration,
    /// How often it is reported.
    pub usage: Duration,
}

impl Default for Pace {
    fn default() -> Self {
        Self {
            silence: Duration::from_secs(myrelay_node_protocol::SILENCE_SECONDS),
            first_retry: Duration::from_millis(500),
            slowest_retry: Duration::from_secs(30),
            observed: Duration::from_secs(30),
            drift: Duration::from_secs(20),
            clock: Duration::from_secs(60),
            count: Duration::from_secs(1),
            spool: Duration::from_secs(10),
            usage: Duration::from_secs(60),
        }
    }
}

/// Why an agent does not start, or ends by itself.
#[derive(Debug, thiserror::Error)]
pub enum AgentError {
    #[error(transparent)]
    Identity(#[from] IdentityError),
    #[error(transparent)]
    File(#[from] FileError),
    #[error("the kernel does not name this boot: {0}")]
    BootId(std::io::Error),
    #[error("the kernel gives no random bytes: {0}")]
    Random(std::io::Error),
    #[error("a part of the agent ended by mistake: {0}")]
    Broken(tokio::task::JoinError),
}

/// An agent that is ready to run. It holds its state folder: there is one agent per folder.
pub struct Agent {
    node: Arc<Node>,
    keys: PodKeys,
    resolver: resolver::Options,
}

impl Agent {
    /// Reads what the node is and what it last knew.
    pub fn open(
        state_dir: &Path,
        pace: Pace,
        backend: Arc<dyn Backend>,
        system: Arc<dyn System>,
    ) -> Result<Self, AgentError> {
        let dir = PrivateDir::open(state_dir)?;
        let lock = dir.lock()?;
        let identity = Identity::load(&dir)?;
        let desired = memory::load(&dir)?.map(Arc::new);
        let sequence = Sequence::load(&dir, system.as_ref())?;
        let keys = PodKeys::open(&dir)?;
        let boot_id = system.boot_id().map_err(AgentError::BootId)?;
        let opened = Usage::open(&dir, &boot_id, system.as_ref(), desired.as_deref())?;
        let faults = Faults::default();
        faults.set(Part::UsageFile, opened.fault);
        let mut instance = [0; INSTANCE_DIGITS / 2];
        system.fill_random(&mut instance).map_err(AgentError::Random)?;
        let instance = instance.iter().map(|it| format!("{it:02x}")).collect();
        let resolver = resolver::Options::of_node(None, system.clone());
        let node = Node {
            dir: Arc::new(dir),
            system,
            backend,
            pace,
            boot_id,
            instance,
            identity: watch::Sender::new(Arc::new(identity)),
            desired: watch::Sender::new(desired),
            quotas: watch::Sender::new(Arc::new(opened.quotas)),
            usage: opened.usage,
            faults,
            hardening: watch::Sender::default(),
            applied: watch::Sender::new(None),
            contact: watch::Sender::new(Contact::default()),
            sequence: sequence.into(),
            log: Arc::default(),
            requests: link::Requests::default(),
            _lock: lock,
        };
        Ok(Self { node: Arc::new(node), keys, resolver })
    }

    /// The same agent, whose resolver has these options when the portal wants one.
    pub fn with_resolver(self, resolver: resolver::Options) -> Self {
        Self { resolver, ..self }
    }

    /// Runs until it is told to stop. Kernel interfaces stay when it ends: tunnels go on.
    pub async fn run(self, stop: CancellationToken) -> Result<(), AgentError> {
        let Self { node, keys, resolver } = self;
        tracing::info!(node = %node.identity().node, backend = node.backend.name(), "serving");
        let mut loops = JoinSet::new();
        loops.spawn(reconcile::reconcile_for_ever(node.clone(), keys));
        loops.spawn(link::dial_for_ever(node.clone()));
        loops.spawn(link::renew_for_ever(node.clone()));
        loops.spawn(status::write_for_ever(node.clone()));
        loops.spawn(resolver::resolve_for_ever(node.clone(), resolver));
        loops.spawn(hardening::look_for_ever(node.clone()));
        loops.spawn(usage::count_for_ever(node.clone()));
        loops.spawn(usage::report_for_ever(node.clone()));
        let ended = tokio::select! {
            () = stop.cancelled() => Ok(()),
            Some(Err(error)) = loops.join_next() => Err(AgentError::Broken(error)),
        };
        loops.shutdown().await;
        node.usage.finish(&node).await;
        status::write_stopped(&node);
        ended
    }
}
