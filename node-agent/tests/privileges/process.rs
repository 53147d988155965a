//! A running agent, as the kernel sees it.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    path::{Path, PathBuf},
    process::{Child, Command},
};

use myrelay_agent::backend::BackendKind;
use myrelay_domain::keys::PublicKey;
use myrelay_node_protocol::DesiredState;
use tempfile::TempDir;

use crate::{
    client::Client,
    support::{
        eventually,
        pods::{pod_id, state},
        portal::Portal,
    },
    world::{Namespace, command, kind},
};

/// CAP_NET_ADMIN alone, as `/proc/PID/status` writes a set (linux/capability.h).
const NET_ADMIN: &str = "0000000000001000";
/// States of a TCP socket in `/proc/net/tcp` (net/tcp_states.h).
const ESTABLISHED: &str = "01";
const LISTENING: &str = "0A";
/// A user that owns nothing on any machine.
const NOBODY: u32 = 65_534;

/// A node of this portal, and a user who starts its agent.
struct Node {
    home: TempDir,
    user: u32,
    kind: BackendKind,
}

impl Node {
    fn new(user: u32, kind: BackendKind) -> Self {
        let home = tempfile::tempdir().unwrap();
        std::os::unix::fs::chown(home.path(), Some(user), Some(user)).unwrap();
        // Where it was built may be closed to the user.
        fs::copy(env!("CARGO_BIN_EXE_myrelay-agent"), home.path().join("myrelay-agent")).unwrap();
        Self { home, user, kind }
    }

    fn state_dir(&self) -> PathBuf {
        self.home.path().join("state")
    }

    /// The agent with these words: root as root is, anybody else as the unit would start them.
    fn agent(&self, words: &[&str]) -> Command {
        let program = self.home.path().join("myrelay-agent");
        let program = program.to_str().unwrap();
        let mut command = if self.user == 0 {
            command(program, words)
        } else {
            let user = format!("--reuid={}", self.user);
            let group = format!("--regid={}", self.user);
            let mut set = command("setpriv", &[&user, &group, "--clear-groups", "--no-new-privs"]);
            set.args(["--inh-caps=-all,+net_admin", "--ambient-caps=-all,+net_admin"]);
            set.args(["--bounding-set=-all,+net_admin", program]).args(words);
            set
        };
        command.env("MYRELAY_STATE_DIR", self.state_dir());
        command
    }

    fn join(&self, portal: &Portal) {
        let mut join = self.agent(&["join", &portal.url()]);
        let output = join.env("MYRELAY_JOIN_TOKEN", portal.invite().expose()).output().unwrap();
        assert!(output.status.success(), "{output:?}");
    }

    fn run(&self) -> Running {
        let backend = if self.kind == BackendKind::Kernel { "kernel" } else { "userspace" };
        Running(self.agent(&["run", "--backend", backend]).spawn().unwrap())
    }
}

/// An agent that ends with this value.
struct Running(Child);

impl Running {
    fn proc(&self, path: &str) -> PathBuf {
        Path::new("/proc").join(self.0.id().to_string()).join(path)
    }

    /// What the kernel says of each thread.
    fn threads(&self) -> Vec<BTreeMap<String, String>> {
        let tasks = fs::read_dir(self.proc("task")).unwrap();
        // A thread may end while we look.
        let statuses =
            tasks.filter_map(|it| fs::read_to_string(it.unwrap().path().join("status")).ok());
        let fields = |status: String| {
            let lines = status.lines().filter_map(|line| line.split_once(':'));
            lines.map(|(name, value)| (name.to_owned(), value.trim().to_owned())).collect()
        };
        statuses.map(fields).collect()
    }

    /// Every thread has CAP_NET_ADMIN in each set and nothing else, and passes a filter.
    fn ensure_narrow(&self, user: u32) {
        let threads = self.threads();
        assert!(2 < threads.len(), "its runtime has threads of its own: {}", threads.len());
        for thread in threads {
            for set in ["CapInh", "CapPrm", "CapEff", "CapBnd", "CapAmb"] {
                assert_eq!(thread[set], NET_ADMIN, "{set} of {}", thread["Name"]);
            }
            assert_eq!(thread["Uid"], [(); 4].map(|()| user.to_string()).join("\t"));
            assert_eq!(thread["NoNewPrivs"], "1");
            assert_eq!(thread["Seccomp"], "2", "a filter (SECCOMP_MODE_FILTER)");
        }
    }

    /// The sockets it has open, by the numbers the kernel gives them.
    fn sockets(&self) -> BTreeSet<String> {
        let open = fs::read_dir(self.proc("fd")).unwrap();
        let targets = open.filter_map(|it| fs::read_link(it.unwrap().path()).ok());
        let number = |target: PathBuf| {
            let number = target.to_str()?.strip_prefix("socket:[")?.strip_suffix(']')?;
            Some(number.to_owned())
        };
        targets.filter_map(number).collect()
    }

    /// The states of its TCP sockets.
    fn tcp_states(&self) -> Vec<String> {
        let ours = self.sockets();
        let table = |name| fs::read_to_string(self.proc(name)).unwrap_or_default();
        let rows = [table("net/tcp"), table("net/tcp6")].concat();
        rows.lines()
            .map(|row| row.split_whitespace().collect::<Vec<_>>())
            .filter(|row| row.get(9).is_some_and(|number| ours.contains(*number)))
            .map(|row| row[3].to_owned())
            .collect()
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        drop(self.0.kill());
        drop(self.0.wait());
    }
}

/// A node with an uplink, and a client at a cable of its own.
struct World {
    node: Namespace,
    client: Client,
    wanted: DesiredState,
    _outside: Namespace,
}

impl World {
    fn new() -> Self {
        let (node, outside) = (Namespace::new(), Namespace::new());
        node.connect(&outside, 1);
        node.default_route(1);
        let mut wanted = state(1, &[(1, 1)]);
        let pod = wanted.pods.get_mut(&pod_id(1)).unwrap();
        let peer = pod.peers.values_mut().next().unwrap();
        let client = Client::new(&node, 2, peer.addresses);
        peer.public_key = client.public_key();
        Self { node, client, wanted, _outside: outside }
    }
}

/// Packets go to the pod and back, in both families.
fn use_pod(client: &mut Client, wanted: &DesiredState, kind: BackendKind, key: &PublicKey) {
    let pod = &wanted.pods[&pod_id(1)];
    client.connect(kind, key, format!("10.9.2.1:{}", pod.port).parse().unwrap());
    for address in pod.range.node().all() {
        assert!(client.namespace.pings(address), "{address} answers through the tunnel");
    }
}

/// The whole story for one user: joins, runs, serves a client, and is looked at meanwhile.
fn serves_with_one_capability(user: u32) {
    let Some(kind) = kind() else { return };
    let World { node: namespace, mut client, wanted, _outside } = World::new();
    let story = async {
        let portal = Portal::start().await;
        portal.set(wanted.clone());
        let node = Node::new(user, kind);
        node.join(&portal);
        let running = node.run();
        let mut key = None;
        eventually("it reports that the pod is as it should be", || {
            key = reported_key(&portal);
            key.is_some()
        })
        .await;
        use_pod(&mut client, &wanted, kind, &key.unwrap());
        running.ensure_narrow(user);
        assert!(running.tcp_states().contains(&ESTABLISHED.to_owned()), "it is with its portal");
        assert!(!running.tcp_states().contains(&LISTENING.to_owned()), "nobody can connect to it");
    };
    namespace.enter(|| tokio::runtime::Runtime::new().unwrap().block_on(story));
}

/// The pod's key once the node reports it with no fault.
fn reported_key(portal: &Portal) -> Option<PublicKey> {
    let records = portal.records();
    let pod = records.observed.last()?.pods.get(&pod_id(1))?;
    let pod = serde_json::to_value(pod).unwrap();
    if !pod["fault"].is_null() {
        return None;
    }
    pod["public_key"].as_str()?.parse().ok()
}

#[test]
fn p23_an_agent_of_its_own_user_serves_with_one_capability() {
    serves_with_one_capability(NOBODY);
}

#[test]
fn p23_an_agent_that_root_starts_keeps_one_capability() {
    serves_with_one_capability(0);
}

#[test]
fn an_agent_without_the_capability_says_how_to_start_it() {
    let home = tempfile::tempdir().unwrap();
    let mut agent = command("setpriv", &["--bounding-set=-net_admin", "--inh-caps=-all"]);
    if rustix::process::geteuid().is_root() {
        agent.args(["--reuid=65534", "--regid=65534", "--clear-groups"]);
    }
    let state = home.path().join("state");
    let agent = agent.arg(env!("CARGO_BIN_EXE_myrelay-agent")).arg("run");
    let output = agent.arg("--state-dir").arg(&state).output().unwrap();
    assert!(!output.status.success());
    let said = String::from_utf8(output.stderr).unwrap();
    assert!(said.contains("CAP_NET_ADMIN") && said.contains("systemctl start"), "{said}");
    assert!(!state.exists(), "it went no further");
}
