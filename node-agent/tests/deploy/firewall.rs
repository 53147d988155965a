//! The host's firewall at work: packets between two network namespaces.

use std::{
    io::{ErrorKind, Read, Write},
    net::{SocketAddr, TcpListener, TcpStream, UdpSocket},
    path::Path,
    sync::mpsc,
    thread,
    time::Duration,
};

use myrelay_agent::hardening::inspect;
use myrelay_node_protocol::{HardeningItem, Verdict};
use rustix::thread::{UnshareFlags, gettid, unshare_unsafe};

use crate::programs::{cannot_run, command, said};

const PATIENCE: Duration = Duration::from_secs(20);
const NODE: [&str; 2] = ["192.0.2.1", "2001:db8::1"];
const OUTSIDE: [&str; 2] = ["192.0.2.2", "2001:db8::2"];

/// Gives the calling thread a network of its own.
fn leave() {
    #[expect(unsafe_code, reason = "there is no safe way into a new namespace")]
    // SAFETY: the thread shares no files or memory mappings by this flag.
    unsafe {
        unshare_unsafe(UnshareFlags::NEWNET).unwrap();
    }
}

fn sh(script: &str) -> String {
    said(command("sh").args(["-ec", script]))
}

fn firewall() {
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("deploy/hardening/host-firewall.nft");
    said(command("nft").arg("-f").arg(file));
}

fn address(ip: &str, port: u16) -> SocketAddr {
    SocketAddr::new(ip.parse().unwrap(), port)
}

/// A thread outside: it does what it is sent, in its own network.
struct Outside(mpsc::Sender<Box<dyn FnOnce() + Send>>);

impl Outside {
    /// Makes the other end of a cable to the calling thread's network.
    fn connect() -> Self {
        let (tasks, to_do) = mpsc::channel::<Box<dyn FnOnce() + Send>>();
        let (tell, told) = mpsc::channel();
        thread::spawn(move || {
            leave();
            tell.send(gettid()).unwrap();
            for task in to_do {
                task();
            }
        });
        let thread = told.recv().unwrap().as_raw_nonzero();
        sh(&format!(
            "ip link set lo up
             ip link add cable type veth peer name cable netns {thread}
             ip address add {}/24 dev cable
             ip address add {}/64 dev cable nodad
             ip link set cable up",
            NODE[0], NODE[1]
        ));
        let outside = Self(tasks);
        outside.run(|| {
            sh(&format!(
                "ip address add {}/24 dev cable
                 ip address add {}/64 dev cable nodad
                 ip link set cable up",
                OUTSIDE[0], OUTSIDE[1]
            ));
        });
        outside
    }

    fn run<T: Send + 'static>(&self, task: impl FnOnce() -> T + Send + 'static) -> T {
        let (tell, told) = mpsc::channel();
        self.0.send(Box::new(move || drop(tell.send(task())))).unwrap();
        told.recv().unwrap()
    }

    /// Comes in by SSH. Whatever was sent before has arrived then.
    fn sign_in(&self, ip: &'static str) {
        self.run(move || TcpStream::connect_timeout(&address(ip, 22), PATIENCE).unwrap());
    }

    /// Sends one datagram, from a port of its own.
    fn send(&self, ip: &'static str, port: u16) {
        self.run(move || {
            let unspecified = if ip.contains(':') { "::" } else { "0.0.0.0" };
            let socket = UdpSocket::bind(address(unspecified, 0)).unwrap();
            socket.send_to(b"hello", address(ip, port)).unwrap();
        });
    }
}

/// Whether a datagram is there already.
fn arrived(socket: &UdpSocket) -> bool {
    socket.set_nonblocking(true).unwrap();
    match socket.recv(&mut [0; 16]) {
        Ok(_) => true,
        Err(error) if error.kind() == ErrorKind::WouldBlock => false,
        Err(error) => panic!("{error}"),
    }
}

fn verdict() -> Verdict {
    inspect(Path::new("/"), 0)[&HardeningItem::HostFirewall].verdict
}

/// Runs a test in a network of its own, which ends with it.
fn alone(test: impl FnOnce() + Send + 'static) {
    if cannot_run() {
        return;
    }
    let run = thread::spawn(|| {
        leave();
        test();
    });
    run.join().unwrap();
}

#[test]
fn p22_ssh_is_open_and_a_pods_port_while_it_lives() {
    alone(|| {
        let outside = Outside::connect();
        for (ip, theirs) in NODE.into_iter().zip(OUTSIDE) {
            firewall();
            let _ssh = TcpListener::bind(address(ip, 22)).unwrap();
            let web = TcpListener::bind(address(ip, 80)).unwrap();
            let pod = UdpSocket::bind(address(ip, 51820)).unwrap();
            let other = UdpSocket::bind(address(ip, 51821)).unwrap();

            // No pod lives: nothing but SSH answers.
            outside.send(ip, 51820);
            outside.run(move || knock(&address(ip, 80)));
            outside.sign_in(ip);
            assert!(!arrived(&pod), "{ip}");
            web.set_nonblocking(true).unwrap();
            assert_eq!(web.accept().unwrap_err().kind(), ErrorKind::WouldBlock, "{ip}");

            sh("nft add element inet myrelay_host pod_ports '{ 51820 }'");
            outside.send(ip, 51821);
            outside.send(ip, 51820);
            outside.sign_in(ip);
            assert!(arrived(&pod), "{ip}");
            assert!(!arrived(&other), "{ip}: another port stays closed");

            sh("nft delete element inet myrelay_host pod_ports '{ 51820 }'");
            outside.send(ip, 51820);
            outside.sign_in(ip);
            assert!(!arrived(&pod), "{ip}");

            // What the machine itself asks for is answered.
            let server = outside.run(move || TcpListener::bind(address(theirs, 8441)).unwrap());
            let answer = thread::spawn(move || server.accept().unwrap().0.write_all(b"yes"));
            let mut stream = TcpStream::connect_timeout(&address(theirs, 8441), PATIENCE).unwrap();
            let mut said = String::new();
            stream.read_to_string(&mut said).unwrap();
            assert_eq!(said, "yes");
            answer.join().unwrap().unwrap();
        }
    });
}

/// Asks for a connection and does not wait for the answer.
fn knock(to: &SocketAddr) {
    use rustix::net::{AddressFamily, SocketFlags, SocketType, connect, socket_with};
    let family = if to.is_ipv6() { AddressFamily::INET6 } else { AddressFamily::INET };
    let socket = socket_with(family, SocketType::STREAM, SocketFlags::NONBLOCK, None).unwrap();
    assert_eq!(connect(&socket, to), Err(rustix::io::Errno::INPROGRESS));
}

#[test]
fn p22_nobody_elses_table_is_touched_and_nothing_forwarded_is_judged() {
    alone(|| {
        sh("nft add table inet myrelay
            nft add chain inet myrelay forward '{ type filter hook forward priority 0; policy drop; }'
            nft add table ip theirs");
        let before = sh("nft list table inet myrelay; nft list table ip theirs");
        firewall();
        firewall();
        assert_eq!(sh("nft list table inet myrelay; nft list table ip theirs"), before);
        let ours = sh("nft list table inet myrelay_host");
        for other in ["hook forward", "hook output", "hook prerouting", "log", "queue"] {
            assert!(!ours.contains(other), "{other}: {ours}");
        }
        sh("nft delete table inet myrelay_host");
        assert_eq!(sh("nft list ruleset"), before);
    });
}

#[test]
fn p22_the_agent_tells_what_the_kernel_has() {
    alone(|| {
        assert_eq!(verdict(), Verdict::Missing);
        firewall();
        assert_eq!(verdict(), Verdict::Ok);
        sh("nft chain inet myrelay_host input '{ policy accept; }'");
        assert_eq!(verdict(), Verdict::Weak);
        sh("nft delete table inet myrelay_host; nft add table inet myrelay_host");
        assert_eq!(verdict(), Verdict::Missing);
    });
}
