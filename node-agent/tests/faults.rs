//! Faults of the disk, of the node and of what the portal says: pods go on, and the operator hears.

#![expect(clippy::unwrap_used, reason = "a test stops at the first surprise")]

mod support;

use std::{ffi::CString, path::Path};

use myrelay_agent::backend::{self, BackendKind, Notice, fake::Verb};
use rustix::thread::{UnshareFlags, unshare_unsafe};
use support::{
    eventually,
    machine::Machine,
    pods::{peer_key, pod, pod_id, state},
    portal::Portal,
};

/// A portal and a running node that has pod 1 with two devices.
async fn pair() -> (Portal, Machine) {
    let portal = Portal::start().await;
    portal.set(state(1, &[(1, 2)]));
    let mut machine = Machine::joined(&portal).await;
    machine.start();
    machine.has(&[(1, 2)]).await;
    (portal, machine)
}

fn faults(portal: &Portal) -> Vec<String> {
    portal.records().observed.last().map(|it| it.faults.clone()).unwrap_or_default()
}

async fn is_told(portal: &Portal, words: &[&str]) {
    eventually(&format!("the operator hears of {words:?}"), || {
        faults(portal).iter().any(|fault| words.iter().all(|it| fault.contains(it)))
    })
    .await;
}

async fn is_well(portal: &Portal) {
    eventually("all is well", || {
        portal.records().observed.last().is_some_and(|it| it.faults.is_empty())
    })
    .await;
}

#[tokio::test]
async fn a_damaged_state_is_told_until_somebody_looked() {
    let (portal, mut machine) = pair().await;
    is_well(&portal).await;
    machine.kill().await;
    let file = machine.state_dir().join("state.json");
    std::fs::write(&file, "half a sta").unwrap();
    machine.start();
    is_told(&portal, &["state.json was damaged", "state.json.corrupt-1"]).await;
    portal.want(state(2, &[(1, 2), (2, 1)]));
    machine.has(&[(1, 2), (2, 1)]).await;
    is_told(&portal, &["state.json was damaged"]).await;
    machine.stop().await;
    let kept = machine.state_dir().join("state.json.corrupt-1");
    assert_eq!(std::fs::read(&kept).unwrap(), b"half a sta");
    std::fs::remove_file(kept).unwrap();
    machine.start();
    is_well(&portal).await;
    machine.stop().await;
}

#[tokio::test]
async fn a_damaged_key_gives_its_pod_a_new_one_and_says_so() {
    let (portal, mut machine) = pair().await;
    machine.stop().await;
    let name = pod_id(1).to_string();
    std::fs::write(machine.state_dir().join("keys").join(&name), "nonsense").unwrap();
    machine.start();
    is_told(&portal, &[&name, "new key"]).await;
    machine.stop().await;
}

#[tokio::test]
async fn a_pod_that_makes_no_sense_is_named_and_the_others_are_served() {
    let (portal, mut machine) = pair().await;
    let mut wrong = state(2, &[(1, 2), (2, 2)]);
    wrong.pods.get_mut(&pod_id(2)).unwrap().port = pod(1, 0).port;
    portal.want(wrong);
    let name = pod_id(2).to_string();
    is_told(&portal, &[&name, "makes no sense", "port"]).await;
    assert!(machine.holds(&[(1, 2)]));
    portal.want(state(3, &[(1, 1), (2, 2)]));
    machine.has(&[(1, 1), (2, 2)]).await;
    is_well(&portal).await;
    machine.stop().await;
}

#[tokio::test]
async fn the_first_state_of_a_node_may_make_no_sense() {
    let portal = Portal::start().await;
    let mut wrong = state(1, &[(1, 2), (2, 2)]);
    wrong.pods.get_mut(&pod_id(2)).unwrap().range = pod(1, 0).range;
    portal.set(wrong);
    let mut machine = Machine::joined(&portal).await;
    machine.start();
    is_told(&portal, &["makes no sense"]).await;
    portal.set(state(2, &[(1, 2)]));
    machine.has(&[(1, 2)]).await;
    is_well(&portal).await;
    machine.stop().await;
}

#[tokio::test]
async fn a_name_that_somebody_else_has_is_left_to_them() {
    let (portal, mut machine) = pair().await;
    let mut node = machine.backend.node();
    node.foreign.insert("wg-pod2".to_owned());
    machine.backend.set_node(node);
    portal.want(state(2, &[(1, 2), (2, 1)]));
    eventually("the pod and the node say so", || {
        let records = portal.records();
        let Some(last) = records.observed.last() else { return false };
        let fault = last.pods.get(&pod_id(2)).and_then(|it| it.fault.as_ref());
        fault.is_some_and(|it| it.contains("wg-pod2")) && last.foreign == ["wg-pod2"]
    })
    .await;
    assert!(machine.backend.node().foreign.contains("wg-pod2"));
    machine.stop().await;
}

#[tokio::test]
async fn a_port_that_another_program_has_is_told_until_it_is_free() {
    let (portal, mut machine) = pair().await;
    let port = pod(2, 0).port;
    machine.backend.take_port(port, true);
    portal.want(state(2, &[(1, 2), (2, 1)]));
    let fault_of = |number: u32| {
        let records = portal.records();
        records.observed.last()?.pods.get(&pod_id(number))?.fault.clone()
    };
    eventually("the pod says so", || {
        fault_of(2).is_some_and(|it| it.contains(&port.to_string()) && it.contains("free it"))
    })
    .await;
    assert_eq!(fault_of(1), None);
    machine.backend.take_port(port, false);
    machine.has(&[(1, 2), (2, 1)]).await;
    eventually("it is over", || fault_of(2).is_none()).await;
    machine.stop().await;
}

#[expect(unsafe_code, reason = "the standard library does not mount")]
fn mount(at: &Path, kind: &str, flags: libc::c_ulong, options: &str) {
    use std::os::unix::ffi::OsStrExt;
    let at = CString::new(at.as_os_str().as_bytes()).unwrap();
    let (kind, options) = (CString::new(kind).unwrap(), CString::new(options).unwrap());
    // SAFETY: all of them are texts that end with a zero and live until it returns.
    let result = unsafe {
        libc::mount(kind.as_ptr(), at.as_ptr(), kind.as_ptr(), flags, options.as_ptr().cast())
    };
    assert_eq!(result, 0, "{}", std::io::Error::last_os_error());
}

/// Does something on threads that see mounts nobody else sees.
fn among_own_mounts(act: impl AsyncFnOnce() + Send + 'static) {
    apart(UnshareFlags::empty(), act);
}

/// The same, with namespaces of other kinds too.
#[expect(clippy::print_stdout, reason = "a skipped test says so")]
fn apart(also: UnshareFlags, act: impl AsyncFnOnce() + Send + 'static) {
    if !rustix::process::geteuid().is_root() {
        println!("skipped: only root mounts");
        return;
    }
    let alone = std::thread::spawn(move || {
        #[expect(unsafe_code, reason = "there is no safe way into a new namespace")]
        // SAFETY: no file descriptors or memory mappings are unshared by these flags.
        unsafe {
            unshare_unsafe(UnshareFlags::NEWNS | UnshareFlags::FS | also).unwrap();
        }
        mount(Path::new("/"), "none", libc::MS_REC | libc::MS_PRIVATE, "");
        let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().unwrap();
        runtime.block_on(act());
    });
    alone.join().unwrap();
}

#[test]
fn a_full_disk_is_told_and_what_it_does_not_take_is_not_applied() {
    among_own_mounts(async || {
        let portal = Portal::start().await;
        portal.set(state(1, &[(1, 2)]));
        let mut machine = Machine::new();
        std::fs::create_dir(machine.state_dir()).unwrap();
        mount(&machine.state_dir(), "tmpfs", 0, "size=512k,mode=0700");
        machine.join(&portal, portal.invite(), false).await.unwrap();
        machine.start();
        machine.has(&[(1, 2)]).await;
        is_well(&portal).await;

        let filling = machine.state_dir().join("filling");
        assert!(std::fs::write(&filling, vec![1; 600 * 1024]).is_err(), "it is full");
        machine.pass(1, 1000, 0);
        portal.want(state(2, &[(1, 1), (2, 1)]));
        is_told(&portal, &["the disk does not take it", "make room"]).await;
        is_told(&portal, &["counted traffic cannot be kept"]).await;
        assert!(machine.holds(&[(1, 2)]));
        // It starts, and serves what it knows.
        machine.kill().await;
        machine.start();
        is_told(&portal, &["the disk does not take it"]).await;
        assert!(machine.holds(&[(1, 2)]));

        std::fs::remove_file(&filling).unwrap();
        machine.has(&[(1, 1), (2, 1)]).await;
        is_well(&portal).await;
        eventually("the bytes get there", || portal.usage_of(pod_id(1)) == (1000, 0)).await;
        machine.stop().await;
    });
}

#[test]
fn a_disk_that_is_read_only_serves_what_it_holds_also_after_a_start() {
    among_own_mounts(async || {
        let portal = Portal::start().await;
        portal.set(state(1, &[(1, 2)]));
        let mut machine = Machine::new();
        std::fs::create_dir(machine.state_dir()).unwrap();
        mount(&machine.state_dir(), "tmpfs", 0, "mode=0700");
        machine.join(&portal, portal.invite(), false).await.unwrap();
        machine.start();
        machine.has(&[(1, 2)]).await;
        is_well(&portal).await;
        machine.stop().await;
        let flags = libc::MS_REMOUNT | libc::MS_RDONLY;
        mount(&machine.state_dir(), "tmpfs", flags, "mode=0700");

        // A reboot: only the disk knows.
        let mut machine = machine.rebooted();
        machine.start();
        machine.has(&[(1, 2)]).await;
        machine.pass(1, 1000, 0);
        portal.want(state(2, &[(1, 1)]));
        is_told(&portal, &["the disk does not take it", "Read-only"]).await;
        assert!(machine.holds(&[(1, 2)]));

        mount(&machine.state_dir(), "tmpfs", libc::MS_REMOUNT, "mode=0700");
        machine.has(&[(1, 1)]).await;
        is_well(&portal).await;
        eventually("the bytes get there", || portal.usage_of(pod_id(1)) == (1000, 0)).await;
        machine.stop().await;
    });
}

#[tokio::test]
async fn a_host_without_ipv6_says_so_and_its_pods_have_no_fault() {
    let (portal, mut machine) = pair().await;
    is_well(&portal).await;
    let rounds = async |machine: &Machine| {
        for _ in 0..3 {
            let before = machine.backend.calls(Verb::EnsureForwarding);
            machine.backend.change();
            eventually("a round", || before < machine.backend.calls(Verb::EnsureForwarding)).await;
        }
    };
    machine.backend.notice(Notice::Ipv6Off, true);
    rounds(&machine).await;
    is_told(&portal, &["IPv6 is switched off", "pods serve IPv4 only", "disable_ipv6=0"]).await;
    let pods = || portal.records().observed.last().unwrap().pods.clone();
    assert!(pods().values().all(|it| it.fault.is_none()), "{:?}", pods());
    assert_eq!(machine.backend.calls(Verb::SetInterface), 0, "what cannot be is not tried");
    machine.backend.notice(Notice::Ipv6Off, false);
    rounds(&machine).await;
    is_well(&portal).await;
    assert_eq!(machine.backend.calls(Verb::SetInterface), 1);
    assert_eq!(machine.backend.touches(&peer_key(1, 2)), 1, "devices were left alone");
    machine.stop().await;
}

/// Runs a program with these words, to a good end.
#[expect(clippy::disallowed_methods, reason = "plays whoever sets the host up")]
fn command(words: &str) {
    let words: Vec<_> = words.split(' ').collect();
    let status = std::process::Command::new(words[0]).args(&words[1..]).status();
    assert!(status.unwrap().success(), "{words:?}");
}

/// On the real library, which makes pods with that device.
#[test]
fn a_host_whose_tun_device_is_missing_says_so_and_serves_when_it_is_there() {
    if !Path::new("/dev/net/tun").exists() {
        println!("skipped: needs /dev/net/tun");
        return;
    }
    apart(UnshareFlags::NEWNET, async || {
        command("ip link set lo up");
        command("ip link add uplink type veth peer name provider");
        command("ip address add 198.18.1.1/24 dev uplink");
        command("ip link set uplink up");
        command("ip link set provider up");
        command("ip route add default via 198.18.1.2");
        mount(Path::new("/dev/net"), "tmpfs", 0, "mode=0755");
        let portal = Portal::start().await;
        portal.set(state(1, &[(1, 2)]));
        let mut machine = Machine::joined(&portal).await;
        machine.start_on(backend::open(BackendKind::Userspace).await.unwrap());
        let pods_say = |says: fn(Option<&str>) -> bool, pods: &[u32]| {
            let records = portal.records();
            let Some(last) = records.observed.last() else { return false };
            let ids = pods.iter().map(|it| pod_id(*it));
            last.pods.keys().copied().eq(ids)
                && last.pods.values().all(|it| says(it.fault.as_deref()))
        };
        let waits = |fault: Option<&str>| fault.is_some_and(|it| it.contains("modprobe tun"));
        eventually("the pod says what is missing", || pods_say(waits, &[1])).await;
        // The agent goes on, and hears what it is told.
        portal.want(state(2, &[(1, 2), (2, 1)]));
        eventually("both pods say so", || pods_say(waits, &[1, 2])).await;
        assert_eq!(portal.streams_opened(), 1);
        command("mknod -m 666 /dev/net/tun c 10 200");
        eventually("both pods serve", || pods_say(|it| it.is_none(), &[1, 2])).await;
        is_well(&portal).await;
        machine.stop().await;
    });
}
