//! What an operation is handed: the database, the time, randomness, and who is connected.

use std::{
    net::IpAddr,
    path::PathBuf,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
};

use ipnet::Ipv4Net;
use myrelay_domain::{
    ids::{AccountId, NodeId, OperatorId, PodId, TypedId},
    token::Token,
};
use myrelay_node_protocol::ResolverSettings;
use uuid::Uuid;

use crate::{
    Error, Result, authority::Authority, database::Database, nodes::Connections,
    passwords::Passwords, plugins, vault::Vault,
};

pub use crate::deployment::Deployment;

/// Tells the time. The programs use the system's clock, the tests one they set.
pub trait Clock: Send + Sync {
    /// Milliseconds since 1970-01-01 UTC.
    fn now_ms(&self) -> i64;
}

/// Makes random bytes. The programs use the system's generator.
pub trait Random: Send + Sync {
    /// Fills the buffer.
    fn fill(&self, buffer: &mut [u8]);
}

/// Who asks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Caller {
    Visitor,
    Account(AccountId),
    Operator(OperatorId),
    Node(NodeId),
    /// A program with a token for one pod of an account.
    PodToken {
        account: AccountId,
        pod: PodId,
    },
}

/// Whose devices somebody manages: an account's, in all of its pods or in one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct PeerScope {
    pub(crate) account: AccountId,
    /// The only one; none: all of them.
    pub(crate) pod: Option<PodId>,
}

impl PeerScope {
    /// Whether a pod of this account is one of them.
    pub(crate) fn holds(self, account: AccountId, pod: PodId) -> bool {
        self.account == account && self.pod.is_none_or(|only| only == pod)
    }
}

impl Caller {
    /// The account that asks; anybody else is sent to sign in.
    pub fn account(self) -> Result<AccountId> {
        match self {
            Self::Account(account) => Ok(account),
            Self::Visitor => Err(Error::SignedOut),
            Self::Operator(_) | Self::Node(_) | Self::PodToken { .. } => Err(Error::NotAllowed),
        }
    }

    /// Whose devices the caller manages. All else that an account may, a token for a pod may not.
    pub(crate) fn peer_scope(self) -> Result<PeerScope> {
        match self {
            Self::PodToken { account, pod } => Ok(PeerScope { account, pod: Some(pod) }),
            caller => Ok(PeerScope { account: caller.account()?, pod: None }),
        }
    }

    /// The operator that asks.
    pub fn operator(self) -> Result<OperatorId> {
        match self {
            Self::Operator(operator) => Ok(operator),
            Self::Visitor => Err(Error::SignedOut),
            Self::Account(_) | Self::Node(_) | Self::PodToken { .. } => Err(Error::NotAllowed),
        }
    }
}

/// What the operator configured and operations need to know.
#[derive(Clone, Debug)]
pub struct Settings {
    /// The private IPv4 network that pods' ranges come from.
    pub v4_pool: Ipv4Net,
    /// What client configurations name as DNS; empty: they name none.
    pub client_dns: Vec<IpAddr>,
    /// The resolvers that nodes ask for their devices; none: nodes run no resolver.
    pub resolver: Option<ResolverSettings>,
    /// MTU of client configurations, bytes.
    pub client_mtu: u16,
    /// Where people reach the portal, such as `https://vpn.example.org`; no slash at the end.
    pub public_url: String,
    /// Whether plugins that nobody signed may be installed.
    pub unsigned_plugins: bool,
    /// The folder with packages of plugins from which operators choose; none: there is none.
    pub plugin_dir: Option<PathBuf>,
    /// Where agents reach the node listener, such as `https://vpn.example.org:8443`.
    pub node_url: String,
}

/// The parts of a [`Context`].
pub struct Parts {
    pub database: Database,
    pub clock: Arc<dyn Clock>,
    pub random: Arc<dyn Random>,
    pub settings: Settings,
    pub deployment: Deployment,
    pub authority: Authority,
    pub passwords: Passwords,
    pub connections: Connections,
    pub vault: Vault,
    /// What plugins run in.
    pub plugins: plugins::Runtime,
}

/// Everything an operation may use; cheap to clone.
#[derive(Clone)]
pub struct Context(Arc<Inner>);

struct Inner {
    parts: Parts,
    ids: Ids,
}

impl std::ops::Deref for Context {
    type Target = Parts;

    fn deref(&self) -> &Parts {
        &self.0.parts
    }
}

impl Context {
    /// Puts the parts together.
    pub fn new(parts: Parts) -> Self {
        Self(Arc::new(Inner { parts, ids: Ids::default() }))
    }

    /// The time, in milliseconds since 1970-01-01 UTC.
    pub fn now(&self) -> i64 {
        self.clock.now_ms()
    }

    /// A new id; it sorts after those that this process made before.
    pub fn new_id<T: TypedId>(&self) -> T {
        self.0.ids.next(&*self.clock, &*self.random)
    }

    /// A new token of 256 bits.
    pub fn new_token(&self) -> Token {
        Token::from_random(self.random())
    }

    /// So many random bytes.
    pub fn random<const N: usize>(&self) -> [u8; N] {
        let mut bytes = [0; N];
        self.random.fill(&mut bytes);
        bytes
    }

    /// A word to find one request's log lines by.
    pub fn new_request_id(&self) -> String {
        format!("req_{}", Uuid::from_bytes(self.random()).simple())
    }
}

/// Makes ids that sort by age: UUIDv7 whose 12 bits after the milliseconds count (RFC 9562
/// section 6.2, method 1), so that two of one millisecond keep their order.
#[derive(Default)]
pub(crate) struct Ids(AtomicU64);

impl Ids {
    /// The next id. Should the clock be set back, the ids go on from where they were.
    pub(crate) fn next<T: TypedId>(&self, clock: &dyn Clock, random: &dyn Random) -> T {
        let now = u64::try_from(clock.now_ms()).unwrap_or_default() << 12;
        let mut next = now;
        // Whatever the closure answers is stored, so this cannot fail.
        let _stored = self.0.fetch_update(Ordering::SeqCst, Ordering::SeqCst, |last| {
            next = now.max(last + 1);
            Some(next)
        });
        let mut bytes = [0; 10];
        random.fill(&mut bytes);
        let [.., high, low] = (next & 0xfff).to_be_bytes();
        (bytes[0], bytes[1]) = (high, low);
        T::from(uuid::Builder::from_unix_timestamp_millis(next >> 12, &bytes).into_uuid())
    }
}
