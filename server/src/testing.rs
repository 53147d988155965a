//! What the operations' tests share: a world on either engine, a clock to set, and actors.

mod steps;

use std::sync::{
    Arc,
    atomic::{AtomicI64, AtomicU64, Ordering},
};

use myrelay_app::contract::{
    AcceptInvite, AccountContract, AddNode, AddPeer, AddedPeer, CreatePod, NodeContract,
    OperatorContract, PeerContract, PodContract, SignUp,
};
use myrelay_domain::{
    ids::{LocationId, NodeId, PodId},
    keys::PublicKey,
};
use myrelay_node_protocol::{EnrolRequest, HardeningReport, ObservedPod, ObservedState};
use myrelay_plugin_host::PluginHost;
use sqlx::{Connection, Executor};
use tempfile::TempDir;

use crate::{
    api::Api,
    authority::Authority,
    context::{Caller, Clock, Context, Deployment, Parts, Random, Settings},
    database::Database,
    desired_state, nodes,
    nodes::Connections,
    operators,
    passwords::Passwords,
    plugins::{self, testing::ScriptedHost},
    system::SystemRandom,
    vault::Vault,
};

pub(crate) use self::steps::Steps;

/// A clock that stands still until it is told.
pub(crate) struct FakeClock(AtomicI64);

impl FakeClock {
    pub(crate) fn advance(&self, ms: i64) {
        self.0.fetch_add(ms, Ordering::SeqCst);
    }
}

impl Clock for FakeClock {
    fn now_ms(&self) -> i64 {
        self.0.load(Ordering::SeqCst)
    }
}

/// Bytes that differ each time and are the same in each run (SplitMix64).
struct Repeatable(AtomicU64);

impl Random for Repeatable {
    fn fill(&self, buffer: &mut [u8]) {
        for chunk in buffer.chunks_mut(8) {
            let mut z = self.0.fetch_add(0x9e37_79b9_7f4a_7c15, Ordering::SeqCst);
            z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
            z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
            let bytes = (z ^ (z >> 31)).to_le_bytes();
            chunk.copy_from_slice(&bytes[..chunk.len()]);
        }
    }
}

/// A portal without its doors.
pub(crate) struct World {
    pub(crate) context: Context,
    pub(crate) clock: Arc<FakeClock>,
    /// What plugins are run by, and say in these stories.
    pub(crate) host: Arc<ScriptedHost>,
    url: String,
    /// Holds the files; removed with the world.
    pub(crate) dir: TempDir,
}

/// 2026-01-01 00:00 UTC: when every story begins.
pub(crate) const BEGIN: i64 = 1_767_225_600_000;

impl World {
    /// A world in a SQLite file of its own.
    pub(crate) async fn on_sqlite() -> Self {
        let dir = TempDir::new().unwrap();
        let url = format!("sqlite:{}", dir.path().join("portal/myrelay.db").display());
        Self::on(dir, &url).await
    }

    /// A portal on the same database whose settings differ.
    pub(crate) async fn portal_set(&self, change: impl FnOnce(&mut Settings)) -> Context {
        let mut settings = self.context.settings.clone();
        change(&mut settings);
        let host = Arc::clone(&self.host) as Arc<dyn PluginHost>;
        self.portal_of(plugins::Runtime::new(host), settings).await
    }

    /// A world in a PostgreSQL database of its own; none where there is no server.
    pub(crate) async fn on_postgres() -> Option<Self> {
        let url = empty_postgres().await?;
        Some(Self::on(TempDir::new().unwrap(), &url).await)
    }

    async fn on(dir: TempDir, url: &str) -> Self {
        let clock = Arc::new(FakeClock(AtomicI64::new(BEGIN)));
        let random = Arc::new(Repeatable(AtomicU64::new(1)));
        let host = Arc::<ScriptedHost>::default();
        let database = Database::open(url).await.unwrap();
        host.counts(&database.steps);
        let settings = Settings {
            v4_pool: "10.64.0.0/10".parse().unwrap(),
            client_dns: vec!["192.0.2.53".parse().unwrap()],
            resolver: None,
            client_mtu: 1420,
            public_url: "https://vpn.example.org".to_owned(),
            node_url: "https://vpn.example.org:8441".to_owned(),
            unsigned_plugins: true,
            plugin_dir: None,
        };
        let pool = settings.v4_pool;
        let deployment =
            Deployment::load_or_create(&database, &*clock, &*random, pool).await.unwrap();
        let authority = dir.path().join("authority");
        let authority =
            Authority::load_or_create(&authority, deployment.id, &*clock, &*random).unwrap();
        let context = Context::new(Parts {
            database,
            clock: Arc::clone(&clock) as Arc<dyn Clock>,
            random,
            settings,
            deployment,
            authority,
            passwords: Passwords::new(2, 64),
            connections: Connections::default(),
            vault: Vault::load_or_create(&dir.path().join("vault"), &SystemRandom).unwrap(),
            plugins: plugins::Runtime::new(Arc::clone(&host) as Arc<dyn PluginHost>),
        });
        Self { context, host, clock, url: url.to_owned(), dir }
    }

    /// The steps of the portal and its plugins.
    pub(crate) fn steps(&self) -> &Steps {
        &self.context.database.steps
    }

    /// Another portal on the same database, with connections of its own.
    pub(crate) async fn another_portal(&self) -> Context {
        let host = Arc::clone(&self.host) as Arc<dyn PluginHost>;
        self.portal_with(plugins::Runtime::new(host)).await
    }

    /// Another portal on the same database, which runs plugins by this.
    pub(crate) async fn portal_with(&self, plugins: plugins::Runtime) -> Context {
        self.portal_of(plugins, self.context.settings.clone()).await
    }

    /// Another portal, whose steps are the ones that are counted: it has nothing in its memory of
    /// what ended before.
    pub(crate) async fn mortal_portal(&self) -> Context {
        let mut database = Database::open(&self.url).await.unwrap();
        database.steps = self.steps().clone();
        let host = Arc::clone(&self.host) as Arc<dyn PluginHost>;
        self.portal_on(database, plugins::Runtime::new(host), self.context.settings.clone())
    }

    async fn portal_of(&self, plugins: plugins::Runtime, settings: Settings) -> Context {
        self.portal_on(Database::open(&self.url).await.unwrap(), plugins, settings)
    }

    fn portal_on(
        &self,
        database: Database,
        plugins: plugins::Runtime,
        settings: Settings,
    ) -> Context {
        let Parts { clock, random, deployment, .. } = &*self.context;
        let authority = self.dir.path().join("authority");
        Context::new(Parts {
            database,
            clock: Arc::clone(clock),
            random: Arc::clone(random),
            settings,
            deployment: *deployment,
            authority: Authority::load_or_create(&authority, deployment.id, &**clock, &**random)
                .unwrap(),
            passwords: Passwords::new(2, 64),
            connections: Connections::default(),
            vault: Vault::load_or_create(&self.dir.path().join("vault"), &SystemRandom).unwrap(),
            plugins,
        })
    }

    /// The contract in somebody's name.
    pub(crate) fn api(&self, caller: Caller) -> Api {
        api(&self.context, caller)
    }

    /// A customer who has signed up.
    pub(crate) async fn customer(&self, name: &str) -> Actor<'_> {
        let input = SignUp {
            email: format!("{name}@example.org"),
            password: "correct horse battery".to_owned(),
        };
        let account = self.api(Caller::Visitor).sign_up(input).await.unwrap().account;
        Actor { world: self, caller: Caller::Account(account) }
    }

    /// An operator who followed a one-time link.
    pub(crate) async fn operator(&self, name: &str) -> Actor<'_> {
        let invite = operators::invite(&self.context).await.unwrap();
        let input = AcceptInvite {
            token: invite.token.expose(),
            email: format!("{name}@example.org"),
            password: "correct horse battery".to_owned(),
        };
        let operator = self.api(Caller::Visitor).accept_invite(input).await.unwrap().operator;
        Actor { world: self, caller: Caller::Operator(operator) }
    }

    /// A node whose agent has joined and reported; its location has the same name.
    pub(crate) async fn node(&self, operator: &Actor<'_>, name: &str) -> TestNode {
        self.node_in(operator, name, name).await
    }

    /// The same in a location of another name.
    pub(crate) async fn node_in(
        &self,
        operator: &Actor<'_>,
        name: &str,
        location: &str,
    ) -> TestNode {
        let input = AddNode {
            name: name.to_owned(),
            location: location.to_owned(),
            endpoint: format!("{}.example.org", name.to_lowercase().replace(' ', "-")),
        };
        let join = operator.api().add_node(input).await.unwrap();
        let token = join_token(&join.line);
        let enrolled = desired_state::enrol(&self.context, enrol_request(&token)).await.unwrap();
        let mut node = TestNode { id: enrolled.node, sequence: 0 };
        node.report(self).await;
        node
    }

    /// The agent of a node joins anew, with nothing left of what it had.
    pub(crate) async fn rejoin(&self, operator: &Actor<'_>, node: NodeId) {
        let join = operator.api().renew_join(&node.to_string()).await.unwrap();
        let request = enrol_request(&join_token(&join.line));
        desired_state::enrol(&self.context, request).await.unwrap();
    }

    /// The id of a location, as the home page shows it.
    pub(crate) async fn location(&self, name: &str) -> LocationId {
        let locations = nodes::locations(&self.context).await.unwrap();
        locations.into_iter().find(|it| it.name == name).unwrap().id
    }

    /// The text of every event and node: where an answer of a node would have been stored.
    pub(crate) async fn stored_text(&self) -> String {
        crate::database::texts(&self.context.database).await
    }

    /// How many rows a table has.
    pub(crate) async fn count(&self, sql: &'static str) -> i64 {
        crate::database::count(&self.context.database, sql).await
    }
}

/// The contract of this portal in somebody's name.
pub(crate) fn api(portal: &Context, caller: Caller) -> Api {
    Api::new(portal.clone(), caller, "req_test".to_owned())
}

/// The address of an empty PostgreSQL database of its own; none where there is no server.
pub(crate) async fn empty_postgres() -> Option<String> {
    static NEXT: AtomicU64 = AtomicU64::new(0);
    let Ok(server) = std::env::var("MYRELAY_TEST_POSTGRES_URL") else {
        eprintln!("skipped: MYRELAY_TEST_POSTGRES_URL names no server");
        return None;
    };
    let number = NEXT.fetch_add(1, Ordering::SeqCst);
    let name = format!("myrelay_{}_{number}", std::process::id());
    let mut admin = sqlx::PgConnection::connect(&server).await.unwrap();
    let sql = format!("CREATE DATABASE {name}");
    admin.execute(sqlx::AssertSqlSafe(sql)).await.unwrap();
    admin.close().await.unwrap();
    let (address, query) = server.split_once('?').map_or((&*server, ""), |it| it);
    let (base, _) = address.rsplit_once('/').unwrap();
    Some(format!("{base}/{name}?{query}"))
}

/// Somebody who asks.
pub(crate) struct Actor<'a> {
    pub(crate) world: &'a World,
    pub(crate) caller: Caller,
}

impl Actor<'_> {
    pub(crate) fn api(&self) -> Api {
        self.world.api(self.caller)
    }

    /// Makes a pod in the location of this name.
    pub(crate) async fn pod(&self, location: &str) -> PodId {
        let location = self.world.location(location).await.to_string();
        self.api().create_pod(CreatePod { location }).await.unwrap()
    }

    /// Adds a device whose key is made from a number, without waiting for the node.
    pub(crate) async fn device(&self, pod: PodId, number: u8) -> AddedPeer {
        let context = &self.world.context;
        let input = add_peer(pod, number);
        let added = crate::peers::add_peer(context, self.caller, input).await.unwrap();
        self.api().get_peer(&added.peer.to_string()).await.unwrap()
    }
}

/// What the form sends for a device.
pub(crate) fn add_peer(pod: PodId, number: u8) -> AddPeer {
    AddPeer {
        pod: pod.to_string(),
        name: format!("device {number}"),
        public_key: public_key(number).to_string(),
    }
}

/// A key that differs by number.
pub(crate) fn public_key(number: u8) -> PublicKey {
    PublicKey::from_bytes([number + 10; 32]).unwrap()
}

/// The `<id>.<secret>` part of a join line.
pub(crate) fn join_token(line: &str) -> String {
    let token = line.rsplit(' ').next().unwrap();
    token.rsplit_once('.').unwrap().0.to_owned()
}

/// What an agent with a new key sends.
pub(crate) fn enrol_request(token: &str) -> EnrolRequest {
    EnrolRequest { token: token.to_owned(), csr_pem: csr_pem(), agent_version: "0.1.0".to_owned() }
}

/// A request for a certificate with a new P-256 key.
pub(crate) fn csr_pem() -> String {
    let key = rcgen::KeyPair::generate_for(&rcgen::PKCS_ECDSA_P256_SHA256).unwrap();
    rcgen::CertificateParams::default().serialize_request(&key).unwrap().pem().unwrap()
}

/// An agent that obeys at once and reports.
pub(crate) struct TestNode {
    pub(crate) id: NodeId,
    sequence: u64,
}

impl TestNode {
    /// Reports that everything wanted is there.
    pub(crate) async fn report(&mut self, world: &World) {
        let report = self.observed(world).await;
        desired_state::observe(&world.context, self.id, report).await.unwrap();
    }

    /// The report of a node that has everything wanted; a pod's key is made from its id.
    pub(crate) async fn observed(&mut self, world: &World) -> ObservedState {
        self.sequence += 1;
        let state = desired_state::snapshot(&world.context, self.id).await.unwrap();
        let pod = |id: &PodId| ObservedPod::serving(pod_key(*id));
        ObservedState {
            epoch: state.epoch,
            generation: state.generation,
            boot_id: "boot".to_owned(),
            sequence: self.sequence,
            agent_version: "0.1.0".to_owned(),
            backend: "fake".to_owned(),
            clock_ms: world.context.now(),
            faults: Vec::new(),
            foreign: Vec::new(),
            hardening: HardeningReport::new(),
            pods: state.pods.keys().map(|id| (*id, pod(id))).collect(),
        }
    }
}

/// The key a test node makes for a pod.
pub(crate) fn pod_key(pod: PodId) -> PublicKey {
    use sha2::Digest;
    PublicKey::from_bytes(sha2::Sha256::digest(pod.to_string()).into()).unwrap()
}

/// Tells each story on SQLite and on PostgreSQL.
macro_rules! stories {
    ($($(#[$meta:meta])* async fn $name:ident($world:ident) $body:block)*) => {
        mod on_sqlite {
            use super::*;
            $($(#[$meta])* #[tokio::test] async fn $name() {
                let $world = $crate::testing::World::on_sqlite().await;
                $body
            })*
        }
        mod on_postgres {
            use super::*;
            $($(#[$meta])* #[tokio::test] async fn $name() {
                let Some($world) = $crate::testing::World::on_postgres().await else { return };
                $body
            })*
        }
    };
}
pub(crate) use stories;
