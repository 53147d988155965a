//! Network namespaces: a node, its clients, and the internet beyond it.

use std::{
    fs::File,
    os::unix::fs::PermissionsExt as _,
    process::{Command, Output},
    sync::atomic::{AtomicU32, Ordering},
    thread,
    time::{Duration, Instant},
};

use myrelay_agent::backend::{Backend, BackendKind};
use rustix::{
    process::geteuid,
    thread::{LinkNameSpaceType, UnshareFlags, move_into_link_name_space, unshare_unsafe},
};

#[path = "confined.rs"]
mod confined;

use confined::Confined;

/// Long enough for a machine that is emulated and busy.
const DEADLINE: Duration = Duration::from_secs(120);

/// The switch of a network namespace that all its interfaces follow.
const DISABLE_IPV6: &str = "/proc/sys/net/ipv6/conf/all/disable_ipv6";

const TUN: &str = "/dev/net/tun";

static COUNT: AtomicU32 = AtomicU32::new(0);

/// A network namespace; it goes with this value, and what is in it goes too.
pub(crate) struct Namespace {
    name: String,
}

impl Namespace {
    pub(crate) fn new() -> Self {
        let name = format!("mrb{}", unique());
        run("ip", &["netns", "add", &name], &[]);
        let namespace = Self { name };
        namespace.ip("link set lo up");
        namespace
    }

    /// The file that is this namespace.
    pub(crate) fn path(&self) -> String {
        format!("/run/netns/{}", self.name)
    }

    /// Does something as a program in this namespace would.
    pub(crate) fn enter<R: Send>(&self, act: impl FnOnce() -> R + Send) -> R {
        thread::scope(|scope| {
            let entered = scope.spawn(|| {
                let file = File::open(self.path()).unwrap();
                let kind = Some(LinkNameSpaceType::Network);
                move_into_link_name_space(std::os::fd::AsFd::as_fd(&file), kind).unwrap();
                act()
            });
            entered.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic))
        })
    }

    /// Does something with a backend on this node, in a runtime of its own, whose threads have
    /// what the agent's have.
    pub(crate) fn run<R: Send>(&self, act: impl AsyncFnOnce(&Self) -> R + Send) -> R {
        self.enter(|| {
            open_tun();
            let runtime = tokio::runtime::Builder::new_multi_thread()
                .worker_threads(2)
                .on_thread_start(confined::narrow)
                .enable_all()
                .build()
                .unwrap();
            runtime.block_on(act(self))
        })
    }

    /// Runs `ip` with these words.
    pub(crate) fn ip(&self, words: &str) -> String {
        let words: Vec<_> = ["-n", &self.name].into_iter().chain(words.split(' ')).collect();
        text(run("ip", &words, &[]))
    }

    /// Runs `nft` with these words.
    pub(crate) fn nft(&self, words: &str) -> String {
        let words: Vec<_> = words.split(' ').collect();
        self.enter(|| text(run("nft", &words, &[])))
    }

    /// Whether an address answers an echo request.
    pub(crate) fn pings(&self, address: impl ToString) -> bool {
        let address = address.to_string();
        self.enter(|| command("ping", &["-c", "1", "-W", "2", &address]).output().unwrap())
            .status
            .success()
    }

    /// A cable to another namespace: `198.18.N.1` and `2001:db8:N::1` at this end, `.2` at the other.
    pub(crate) fn connect(&self, other: &Self, number: u8) {
        let (here, there) = (format!("a{number}"), format!("b{number}"));
        let peer = format!("link add {here} type veth peer name {there} netns {}", other.name);
        self.ip(&peer);
        for (namespace, link, host) in [(self, &here, 1), (other, &there, 2)] {
            namespace.ip(&format!("addr add 198.18.{number}.{host}/24 dev {link}"));
            namespace.ip(&format!("link set {link} up"));
        }
        self.address_v6(&here, number, 1);
        other.address_v6(&there, number, 2);
    }

    /// An end's IPv6 address, where there is IPv6.
    pub(crate) fn address_v6(&self, link: &str, number: u8, host: u8) {
        if self.has_ipv6() {
            self.ip(&format!("addr add 2001:db8:{number}::{host}/64 dev {link} nodad"));
        }
    }

    pub(crate) fn has_ipv6(&self) -> bool {
        self.enter(|| std::fs::read_to_string(DISABLE_IPV6)).is_ok_and(|it| it.trim() == "0")
    }

    /// Switches IPv6 on or off; not where the kernel has none.
    pub(crate) fn switch_ipv6(&self, on: bool) {
        if kernel_has_ipv6() {
            self.set("ipv6/conf/all/disable_ipv6", if on { "0" } else { "1" });
        }
    }

    /// Sets a switch of the network, by its path below /proc/sys/net.
    pub(crate) fn set(&self, switch: &str, value: &str) {
        self.enter(|| std::fs::write(format!("/proc/sys/net/{switch}"), value)).unwrap();
    }

    /// Sends what has no other way to the far end of a cable.
    pub(crate) fn default_route(&self, number: u8) {
        self.ip(&format!("route replace default via 198.18.{number}.2"));
        if self.has_ipv6() {
            self.ip(&format!("-6 route replace default via 2001:db8:{number}::2"));
        }
    }
}

/// From here on nobody else sees what this thread and those that it starts mount.
pub(crate) fn own_mounts() {
    #[expect(unsafe_code, reason = "there is no safe way into a new namespace")]
    // SAFETY: no file descriptors or memory mappings are unshared by these flags.
    unsafe {
        unshare_unsafe(UnshareFlags::NEWNS | UnshareFlags::FS).unwrap();
    }
    run("mount", &["--make-rprivate", "/"], &[]);
}

/// Gives this thread a TUN device that is everybody's, as udev makes it, where this machine has one
/// for root alone. One that is missing stays missing.
pub(crate) fn open_tun() {
    let mode = std::fs::metadata(TUN).map(|it| it.permissions().mode());
    if geteuid().is_root() && mode.is_ok_and(|it| it & 0o006 != 0o006) {
        own_mounts();
        run("mount", &["-t", "tmpfs", "none", "/dev/net"], &[]);
        run("mknod", &["-m", "666", TUN, "c", "10", "200"], &[]);
    }
}

/// Whether this machine's kernel has IPv6.
pub(crate) fn kernel_has_ipv6() -> bool {
    std::path::Path::new(DISABLE_IPV6).exists()
}

impl Drop for Namespace {
    fn drop(&mut self) {
        drop(command("ip", &["netns", "del", &self.name]).output());
    }
}

/// A number that no other test of this machine has right now.
pub(crate) fn unique() -> String {
    format!("{}n{}", std::process::id(), COUNT.fetch_add(1, Ordering::Relaxed))
}

/// The backend under test: `MYRELAY_BACKEND`, or else the userspace one. None, with the reason
/// printed, when this machine cannot run it.
pub(crate) fn kind() -> Option<BackendKind> {
    let why = if !geteuid().is_root() {
        "needs root to make network namespaces"
    } else {
        match std::env::var("MYRELAY_BACKEND").as_deref() {
            Ok("kernel") => return Some(BackendKind::Kernel),
            _ if std::path::Path::new(TUN).exists() => {
                return Some(BackendKind::Userspace);
            }
            _ => "needs /dev/net/tun",
        }
    };
    #[expect(clippy::print_stdout, reason = "so the summary of a test run says what was left out")]
    {
        println!("skipped: {why}");
    }
    None
}

/// The backend, with no more rights than the agent has under its unit. To be waited for, as it is
/// where there is nothing to confine: it opens inside a runtime only.
pub(crate) fn open(kind: BackendKind) -> std::future::Ready<std::sync::Arc<dyn Backend>> {
    std::future::ready(std::sync::Arc::new(Confined::open(kind)))
}

/// Waits until something is so.
pub(crate) fn eventually(what: &str, mut so: impl FnMut() -> bool) {
    let start = Instant::now();
    while !so() {
        assert!(start.elapsed() < DEADLINE, "not in time: {what}");
        thread::sleep(Duration::from_millis(50));
    }
}

/// A program; `ip` and others may be elsewhere where busybox has names like theirs.
#[expect(
    clippy::disallowed_methods,
    reason = "the tests play a client and the internet with the programs that people use"
)]
pub(crate) fn command(program: &str, words: &[&str]) -> Command {
    let place = std::env::var(format!("MYRELAY_{}", program.to_uppercase()));
    let mut command = Command::new(place.unwrap_or_else(|_| program.to_owned()));
    command.args(words);
    command
}

/// Runs a program to its end, which must be a good one.
pub(crate) fn run(program: &str, words: &[&str], input: &[u8]) -> Output {
    use std::{io::Write, process::Stdio};

    let mut command = command(program, words);
    command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = command.spawn().unwrap_or_else(|error| panic!("{program}: {error}"));
    child.stdin.take().unwrap().write_all(input).unwrap();
    let output = child.wait_with_output().unwrap();
    assert!(output.status.success(), "{program} {words:?}: {output:?}");
    output
}

pub(crate) fn text(output: Output) -> String {
    String::from_utf8(output.stdout).unwrap()
}
