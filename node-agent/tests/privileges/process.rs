//! A running agent, as the kernel sees it.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    os::unix::fs::{MetadataExt, chown},
    path::{Path, PathBuf},
    process::{Child, Command},
};

use myrelay_agent::backend::BackendKind;
use myrelay_domain::keys::PublicKey;
use myrelay_node_protocol::{DesiredPod, DesiredState};
use tempfile::TempDir;

use crate::{
    client::Client,
    support::{
        eventually,
        pods::{pod_id, state},
        portal::Portal,
    },
    unit::values,
    world::{Namespace, command, kind, open_tun, run, text},
};

/// CAP_NET_ADMIN alone, as `/proc/PID/status` writes a set (linux/capability.h).
const NET_ADMIN: &str = "0000000000001000";
/// States of a TCP socket in `/proc/net/tcp` (net/tcp_states.h).
const ESTABLISHED: &str = "01";
const LISTENING: &str = "0A";
/// A user that owns nothing on any machine.
const NOBODY: u32 = 65_534;

fn name(kind: BackendKind) -> &'static str {
    if kind == BackendKind::Kernel { "kernel" } else { "userspace" }
}

/// Who starts the agent.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Starter {
    Root,
    /// A user that owns nothing, with what the unit would give.
    Nobody,
    /// systemd itself, by the unit.
    Unit,
}

/// A machine that becomes a node.
struct Node {
    home: TempDir,
    starter: Starter,
    kind: BackendKind,
}

impl Node {
    fn new(starter: Starter, kind: BackendKind) -> Self {
        let home = tempfile::tempdir().unwrap();
        let node = Self { home, starter, kind };
        if starter == Starter::Nobody {
            chown(node.home.path(), Some(NOBODY), Some(NOBODY)).unwrap();
        }
        if starter != Starter::Unit {
            // Where it was built may be closed to the user.
            // Written by another process: a file that this one had open for writing is busy as long
            // as a child has it too that another test forked and that is no other program yet.
            let program = node.program();
            run("cp", &[env!("CARGO_BIN_EXE_myrelay-agent"), program.to_str().unwrap()], &[]);
        }
        node
    }

    fn program(&self) -> PathBuf {
        match self.starter {
            Starter::Unit => values("ExecStart")[0].split(' ').next().unwrap().into(),
            _ => self.home.path().join("myrelay-agent"),
        }
    }

    fn state_dir(&self) -> PathBuf {
        match self.starter {
            Starter::Unit => Path::new("/var/lib").join(&values("StateDirectory")[0]),
            _ => self.home.path().join("state"),
        }
    }

    /// The agent with these words.
    fn agent(&self, words: &[&str]) -> Command {
        let program = self.program();
        let program = program.to_str().unwrap();
        let mut command = if self.starter == Starter::Nobody {
            let user = format!("--reuid={NOBODY}");
            let group = format!("--regid={NOBODY}");
            let mut set = command("setpriv", &[&user, &group, "--clear-groups", "--no-new-privs"]);
            set.args(["--inh-caps=-all,+net_admin", "--ambient-caps=-all,+net_admin"]);
            set.args(["--bounding-set=-all,+net_admin", program]).args(words);
            set
        } else {
            command(program, words)
        };
        command.env("MYRELAY_STATE_DIR", self.state_dir());
        command
    }

    fn join(&self, portal: &Portal) {
        let mut join = self.agent(&["join", &portal.url()]);
        let output = join.env("MYRELAY_JOIN_TOKEN", portal.invite().expose()).output().unwrap();
        assert!(output.status.success(), "{output:?}");
        if self.starter == Starter::Unit {
            // As the unit says of a join by root.
            run("chown", &["-R", "myrelay-agent:", self.state_dir().to_str().unwrap()], &[]);
        }
    }

    fn run(&self, namespace: &Namespace) -> Running {
        if self.starter == Starter::Unit {
            return Running::of_the_unit(namespace);
        }
        let child = self.agent(&["run", "--backend", name(self.kind)]).spawn().unwrap();
        Running { process: child.id(), child: Some(child) }
    }
}

/// An agent that ends with this value.
struct Running {
    process: u32,
    child: Option<Child>,
}

impl Running {
    /// Has systemd start it, in this namespace; all else is as the unit says.
    fn of_the_unit(namespace: &Namespace) -> Self {
        let folder = Path::new("/run/systemd/system/myrelay-agent.service.d");
        fs::create_dir_all(folder).unwrap();
        let place = format!("[Service]\nNetworkNamespacePath={}\n", namespace.path());
        fs::write(folder.join("namespace.conf"), place).unwrap();
        run("systemctl", &["daemon-reload"], &[]);
        run("systemctl", &["start", "myrelay-agent"], &[]);
        let shown = run("systemctl", &["show", "--property=MainPID", "myrelay-agent"], &[]);
        let process = text(shown).trim().strip_prefix("MainPID=").unwrap().parse().unwrap();
        Self { process, child: None }
    }

    fn proc(&self, path: &str) -> PathBuf {
        Path::new("/proc").join(self.process.to_string()).join(path)
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

    /// What it may write of the machine: its own folder, and the switches of the network.
    fn ensure_the_machine_is_read_only(&self) {
        let mounts = fs::read_to_string(self.proc("mountinfo")).unwrap();
        let mounts: Vec<Vec<&str>> = mounts.lines().map(|it| it.split(' ').collect()).collect();
        // The last that was put there is the one that counts (proc_pid_mountinfo(5)).
        let writable = |place: &str| {
            let mount = mounts.iter().rfind(|it| it[4] == place);
            mount.map(|it| it[5].split(',').any(|option| option == "rw"))
        };
        for place in ["/", "/proc/sys", "/sys", "/sys/fs/cgroup"] {
            assert_eq!(writable(place), Some(false), "{place}: {mounts:?}");
        }
        assert_eq!(writable("/proc/sys/net"), Some(true), "{mounts:?}");
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
        match &mut self.child {
            Some(child) => {
                drop(child.kill());
                drop(child.wait());
            }
            None => drop(command("systemctl", &["stop", "myrelay-agent"]).output()),
        }
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
fn use_pod(node: &Namespace, client: &mut Client, pod: &DesiredPod, key: &PublicKey) {
    // The node's end of the client's cable.
    let here = node.ip("-4 -o addr show dev a2");
    let here = here.split_whitespace().find_map(|it| it.split_once('/')).unwrap().0;
    client.connect(kind().unwrap(), key, format!("{here}:{}", pod.port).parse().unwrap());
    for address in pod.range.node().all() {
        crate::world::eventually("it answers through the tunnel", || {
            client.namespace.pings(address)
        });
    }
}

/// The whole story: joins, runs, serves a client, and is looked at meanwhile.
fn serves_with_one_capability(starter: Starter) {
    let Some(kind) = kind() else { return };
    let World { node: namespace, mut client, wanted, _outside } = World::new();
    let story = async {
        let portal = Portal::start().await;
        portal.set(wanted.clone());
        let node = Node::new(starter, kind);
        node.join(&portal);
        let running = node.run(&namespace);
        let mut seen = None;
        eventually("it reports that the pod is as it should be", || {
            seen = reported(&portal);
            seen.is_some()
        })
        .await;
        let (key, backend) = seen.unwrap();
        assert_eq!(backend, name(kind));
        use_pod(&namespace, &mut client, &wanted.pods[&pod_id(1)], &key);
        running.ensure_narrow(match starter {
            Starter::Root => 0,
            Starter::Nobody => NOBODY,
            Starter::Unit => fs::metadata(node.state_dir()).unwrap().uid(),
        });
        if starter == Starter::Unit {
            running.ensure_the_machine_is_read_only();
        } else {
            let status = text(node.agent(&["status"]).output().unwrap());
            assert!(status.contains(", CAP_NET_ADMIN and nothing else\n"), "{status}");
        }
        assert!(running.tcp_states().contains(&ESTABLISHED.to_owned()), "it is with its portal");
        assert!(!running.tcp_states().contains(&LISTENING.to_owned()), "nobody can connect to it");
    };
    namespace.enter(|| {
        open_tun();
        tokio::runtime::Runtime::new().unwrap().block_on(story);
    });
}

/// The pod's key once the node reports it with no fault, and who makes its tunnels.
fn reported(portal: &Portal) -> Option<(PublicKey, String)> {
    let records = portal.records();
    let node = records.observed.last()?;
    let pod = node.pods.get(&pod_id(1)).filter(|it| it.fault.is_none())?;
    Some((pod.public_key?, node.backend.clone()))
}

#[test]
fn p23_an_agent_of_its_own_user_serves_with_one_capability() {
    serves_with_one_capability(Starter::Nobody);
}

#[test]
fn p23_an_agent_that_root_starts_keeps_one_capability() {
    serves_with_one_capability(Starter::Root);
}

/// It takes systemd, and a machine that may be changed: the tests of the kernel bring both.
#[test]
fn an_agent_that_systemd_starts_serves_with_one_capability() {
    if std::env::var_os("MYRELAY_UNIT").is_some() {
        serves_with_one_capability(Starter::Unit);
    } else {
        println!("skipped: needs a machine of its own, `cargo xtask test kernel` makes one");
    }
}

#[test]
fn an_agent_without_the_capability_says_how_to_start_it() {
    let home = tempfile::tempdir().unwrap();
    let program = env!("CARGO_BIN_EXE_myrelay-agent");
    let mut agent = if rustix::process::geteuid().is_root() {
        command("setpriv", &["--bounding-set=-net_admin", "--inh-caps=-all", program])
    } else {
        command(program, &[])
    };
    let state = home.path().join("state");
    let output = agent.args(["run", "--state-dir"]).arg(&state).output().unwrap();
    assert!(!output.status.success());
    let said = String::from_utf8(output.stderr).unwrap();
    assert!(said.contains("CAP_NET_ADMIN") && said.contains("systemctl start"), "{said}");
    assert!(!state.exists(), "it went no further");
}
