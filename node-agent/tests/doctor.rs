//! What doctor finds on prepared machines, and on this one beside a running agent.

#![expect(clippy::unwrap_used, reason = "a test stops at the first surprise")]

mod support;

use std::{
    os::unix::{fs::PermissionsExt, process::CommandExt},
    path::Path,
    process::Command,
    sync::{Arc, atomic::Ordering},
};

use myrelay_agent::{
    doctor::{self, Finding, Health},
    system::{Machine as RealSystem, System},
};
use support::{
    eventually,
    machine::Machine,
    pods::{pod_id, state},
    portal::Portal,
};
use tempfile::TempDir;

const RELEASE: &str = "6.12.0-1-amd64";
const ROUTES: &str = "Iface Destination Gateway Flags RefCnt Use Metric Mask MTU Window IRTT\n\
                      ens3 00000000 0102A8C0 0003 0 0 100 00000000 0 0 0\n\
                      wg0 00000000 00000000 0003 0 0 900 00000000 0 0 0\n\
                      ens3 0002A8C0 00000000 0001 0 0 100 00FFFFFF 0 0 0\n";
const ROUTES_V6: &str = "00000000000000000000000000000000 00 00000000000000000000000000000000 00 \
                         fe800000000000000000000000000001 00000400 00000001 00000000 00000003 ens3\n\
                         00000000000000000000000000000000 00 00000000000000000000000000000000 00 \
                         00000000000000000000000000000000 ffffffff 00000001 00000000 00200200 lo\n";
const MODULES: &str = "kernel/drivers/net/wireguard/wireguard.ko.xz: kernel/net/udp_tunnel.ko.xz\n\
                       kernel/net/sched/sch_htb.ko.xz:\nkernel/drivers/net/ifb.ko.xz:\n\
                       kernel/net/sched/act_mirred.ko.xz:\nkernel/net/sched/cls_u32.ko.xz:\n";

/// A machine as it should be, below a folder.
struct Prepared(TempDir);

impl Prepared {
    fn sound() -> Self {
        let prepared = Self(tempfile::tempdir().unwrap());
        for (path, text) in [
            ("proc/sys/kernel/osrelease", RELEASE),
            ("proc/sys/net/ipv4/ip_forward", "1\n"),
            ("proc/sys/net/ipv6/conf/all/forwarding", "1\n"),
            ("proc/sys/net/ipv6/conf/all/disable_ipv6", "0\n"),
            ("proc/net/route", ROUTES),
            ("proc/net/ipv6_route", ROUTES_V6),
            ("proc/net/if_inet6", ""),
            ("proc/net/udp", "sl local_address\n 1: 00000000:0035 00000000:0000 07\n"),
            ("proc/net/udp6", "sl local_address\n"),
            ("sys/class/net/ens3/mtu", "1500\n"),
            ("sys/class/net/wg0/mtu", "1280\n"),
            ("dev/net/tun", ""),
        ] {
            prepared.write(path, text);
        }
        prepared.write(&format!("lib/modules/{RELEASE}/modules.dep"), MODULES);
        prepared.write(&format!("lib/modules/{RELEASE}/modules.builtin"), "");
        prepared
    }

    fn root(&self) -> &Path {
        self.0.path()
    }

    fn write(&self, path: &str, text: &str) {
        let path = self.root().join(path);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, text).unwrap();
    }

    fn remove(&self, path: &str) {
        std::fs::remove_file(self.root().join(path)).unwrap();
    }

    /// Before a join.
    async fn examined(&self) -> Vec<Finding> {
        examined(self.root(), &self.root().join("state"), Arc::new(RealSystem)).await
    }
}

async fn examined(root: &Path, state_dir: &Path, system: Arc<dyn System>) -> Vec<Finding> {
    let findings = doctor::examine(root, state_dir, system).await;
    for it in &findings {
        let silent = it.advice.as_deref().is_none_or(str::is_empty);
        assert!(it.verdict == Health::Ok || !silent, "{it:?} does not say what to do");
    }
    findings
}

fn of<'a>(findings: &'a [Finding], name: &str) -> &'a Finding {
    findings.iter().find(|it| it.name == name).unwrap()
}

#[tokio::test]
async fn a_sound_machine_has_nothing_to_do() {
    let findings = Prepared::sound().examined().await;
    for name in
        ["kernel", "wireguard", "tun", "limits", "uplink", "ipv6", "mtu", "forwarding", "ports"]
    {
        assert_eq!(of(&findings, name).verdict, Health::Ok, "{:?}", of(&findings, name));
    }
    assert!(of(&findings, "uplink").found.contains("ens3"));
    for name in ["folder", "agent", "certificate", "portal", "clock"] {
        assert_eq!(of(&findings, name).verdict, Health::Unknown, "before a join: {name}");
    }
    assert!(!doctor::is_bad(&findings));
}

#[tokio::test]
async fn each_fault_of_a_machine_is_found_and_nothing_else_with_it() {
    type Breaks = fn(&Prepared);
    let faults: [(&str, Health, &str, Breaks); 13] = [
        ("kernel", Health::Warn, "5.4.0", |it| {
            it.write("proc/sys/kernel/osrelease", "5.4.0");
            it.write("lib/modules/5.4.0/modules.dep", MODULES);
        }),
        ("wireguard", Health::Warn, "no WireGuard", |it| {
            let path = format!("lib/modules/{RELEASE}/modules.dep");
            it.write(&path, &MODULES.replace("wireguard.ko", "wireguard-fake.ko"));
        }),
        ("limits", Health::Warn, "sch_htb", |it| {
            let path = format!("lib/modules/{RELEASE}/modules.dep");
            it.write(&path, &MODULES.replace("sch_htb", "sch_tbf"));
        }),
        ("uplink", Health::Warn, "only IPv6", |it| it.write("proc/net/route", "Iface\n")),
        ("ipv6", Health::Warn, "no IPv6 default route", |it| {
            it.write("proc/net/ipv6_route", ROUTES_V6.lines().nth(1).unwrap());
        }),
        ("ipv6", Health::Warn, "switched off", |it| {
            it.remove("proc/net/if_inet6");
            it.remove("proc/net/ipv6_route");
        }),
        ("ipv6", Health::Warn, "switched off on this host", |it| {
            it.write("proc/sys/net/ipv6/conf/all/disable_ipv6", "1\n");
        }),
        ("mtu", Health::Warn, "1400", |it| it.write("sys/class/net/ens3/mtu", "1400\n")),
        ("mtu", Health::Bad, "1200", |it| it.write("sys/class/net/ens3/mtu", "1200\n")),
        ("mtu", Health::Unknown, "cannot be read", |it| it.remove("sys/class/net/ens3/mtu")),
        ("ports", Health::Warn, "51820", |it| {
            it.write("proc/net/udp6", "sl\n 1: 00000000000000000000000000000000:CA6C 0:0 07\n");
        }),
        ("ports", Health::Unknown, "cannot be read", |it| it.remove("proc/net/udp")),
        ("forwarding", Health::Unknown, "cannot be read", |it| {
            it.remove("proc/sys/net/ipv4/ip_forward");
        }),
    ];
    let sound = Prepared::sound().examined().await;
    for (name, verdict, says, breaks) in faults {
        let prepared = Prepared::sound();
        breaks(&prepared);
        let findings = prepared.examined().await;
        let found = of(&findings, name);
        assert!(found.verdict == verdict && found.found.contains(says), "{found:?}");
        let others = findings.iter().filter(|it| it.name != name && it.name != "folder");
        for (other, was) in
            others.zip(sound.iter().filter(|it| it.name != name && it.name != "folder"))
        {
            assert_eq!(other.verdict, was.verdict, "{name}: {other:?}");
        }
    }
}

#[tokio::test]
async fn without_wireguard_and_tun_no_pod_can_serve() {
    let prepared = Prepared::sound();
    prepared.remove("dev/net/tun");
    assert_eq!(of(&prepared.examined().await, "tun").verdict, Health::Ok);
    prepared.write(&format!("lib/modules/{RELEASE}/modules.dep"), "");
    let findings = prepared.examined().await;
    assert_eq!(of(&findings, "tun").verdict, Health::Bad);
    assert!(doctor::is_bad(&findings));
}

#[tokio::test]
async fn a_machine_without_a_way_out_is_told_so() {
    let prepared = Prepared::sound();
    prepared.write("proc/net/route", "Iface\n");
    prepared.remove("proc/net/ipv6_route");
    assert_eq!(of(&prepared.examined().await, "uplink").verdict, Health::Bad);
}

#[tokio::test]
async fn a_running_node_is_looked_at_from_outside() {
    let mut portal = Portal::start().await;
    portal.set(state(1, &[(1, 2)]));
    let mut machine = Machine::joined(&portal).await;
    machine.start();
    machine.has(&[(1, 2)]).await;
    eventually("its status shows the pod", || {
        machine.status().is_some_and(|it| it.pods.contains_key(&pod_id(1)) && it.applied.is_some())
    })
    .await;
    let prepared = Prepared::sound();
    // 20001, the pod's.
    prepared.write("proc/net/udp", "sl\n 1: 00000000:4E21 00000000:0000 07\n");
    let look =
        async || examined(prepared.root(), &machine.state_dir(), machine.clock.clone()).await;
    let findings = look().await;
    for name in
        ["folder", "disk", "writing", "agent", "faults", "certificate", "portal", "clock", "ports"]
    {
        assert_eq!(of(&findings, name).verdict, Health::Ok, "{:?}", of(&findings, name));
    }
    assert_eq!(portal.streams_opened(), 1, "a look is no second agent");

    prepared.write("proc/net/udp", "sl\n");
    assert_eq!(of(&look().await, "ports").verdict, Health::Bad, "nothing listens");
    prepared.write("proc/sys/net/ipv4/ip_forward", "0\n");
    assert_eq!(of(&look().await, "forwarding").verdict, Health::Bad);
    machine.clock.moved_ms.store(-3_600_000, Ordering::SeqCst);
    let clock = of(&look().await, "clock").clone();
    assert!(clock.verdict == Health::Bad && clock.found.contains("behind"), "{clock:?}");
    machine.clock.moved_ms.store(0, Ordering::SeqCst);
    portal.stop().await;
    let findings = look().await;
    assert_eq!(of(&findings, "portal").verdict, Health::Bad);
    assert_eq!(of(&findings, "clock").verdict, Health::Unknown);

    std::fs::set_permissions(machine.state_dir(), std::fs::Permissions::from_mode(0o750)).unwrap();
    assert_eq!(of(&look().await, "folder").verdict, Health::Bad);
    let mode = std::fs::metadata(machine.state_dir()).unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o750, "it changes nothing");
    machine.stop().await;
    let findings = examined(prepared.root(), &machine.state_dir(), machine.clock.clone()).await;
    assert_eq!(of(&findings, "agent").verdict, Health::Bad);
}

#[expect(clippy::disallowed_methods, reason = "starts the program itself, as an operator does")]
fn doctor(state_dir: &Path, json: bool) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_myrelay-agent"));
    command.args(["doctor", "--state-dir"]).arg(state_dir).args(json.then_some("--json"));
    command
}

#[tokio::test(flavor = "multi_thread")]
async fn the_program_says_it_in_words_and_as_json_and_by_its_exit_code() {
    let portal = Portal::start().await;
    let machine = Machine::joined(&portal).await;
    let output = doctor(&machine.state_dir(), true).output().unwrap();
    let findings: Vec<Finding> = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(output.status.success(), !doctor::is_bad(&findings));
    assert_eq!(of(&findings, "portal").verdict, Health::Ok, "{findings:?}");
    let words =
        String::from_utf8(doctor(&machine.state_dir(), false).output().unwrap().stdout).unwrap();
    for it in &findings {
        assert!(words.contains(&it.name) && it.name.chars().count() <= 12, "{}", it.name);
    }

    // A file where the folder should be.
    let wrong = machine.state_dir().join("identity.json");
    let output = doctor(&wrong, true).output().unwrap();
    assert_eq!(output.status.code(), Some(1));
}

#[tokio::test(flavor = "multi_thread")]
async fn another_user_learns_that_it_may_not_look() {
    if !rustix::process::geteuid().is_root() {
        println!("skipped: only root can be somebody else");
        return;
    }
    let portal = Portal::start().await;
    let machine = Machine::joined(&portal).await;
    let program = tempfile::tempdir().unwrap();
    std::fs::set_permissions(program.path(), std::fs::Permissions::from_mode(0o755)).unwrap();
    let copy = program.path().join("agent");
    #[expect(
        clippy::disallowed_methods,
        reason = "a file that this process had open for writing is busy as long as a child has it \
                  too that another test forked and that is no other program yet"
    )]
    let copied = Command::new("cp").arg(env!("CARGO_BIN_EXE_myrelay-agent")).arg(&copy).status();
    assert!(copied.unwrap().success());
    #[expect(clippy::disallowed_methods, reason = "starts the program itself, as an operator does")]
    let mut command = Command::new(&copy);
    command
        .args(["doctor", "--json", "--state-dir"])
        .arg(machine.state_dir())
        .uid(65534)
        .gid(65534);
    let output = command.output().unwrap();
    let findings: Vec<Finding> = serde_json::from_slice(&output.stdout).unwrap();
    for name in ["folder", "nftables", "portal"] {
        assert_eq!(of(&findings, name).verdict, Health::Unknown, "{:?}", of(&findings, name));
    }
}
