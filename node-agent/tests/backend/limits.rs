//! How fast pods go: what the kernel was told, and what it lets pass.

use std::{
    fmt,
    io::{Read, Write},
    net::{SocketAddr, TcpListener, TcpStream},
    sync::Arc,
    thread,
    time::{Duration, Instant},
};

use myrelay_agent::plan::{Quotas, converge};
use myrelay_domain::limits::{Quota, QuotaEnd, Speed};
use myrelay_node_protocol::{Carried, PodQuota, QuotaState};

use crate::{
    Wishes,
    client::Client,
    keys, node, peer_key, pod, pod_id, range, settle,
    world::{Namespace, command, eventually, kind, open, text},
};

/// The internet, as in the walls' tests.
const INTERNET: &str = "198.18.1.2";
/// Until eight flows have found their pace on a narrow way; what they begin with is too much for it.
const WARM_UP: Duration = Duration::from_secs(3);
/// So long they are counted, and so often: a machine that tests is busy, and flows that lose a
/// packet stand still and hurry afterwards. The middle one of them is judged.
const WINDOW: Duration = Duration::from_secs(2);
const WINDOWS: usize = 5;
/// Megabits per second.
const PLANS: [f64; 2] = [4.0, 8.0];
/// A plan counts whole packets: those of the tunnel, and what is in them beside the headers of IPv4
/// and TCP with a timestamp.
const PACKET: f64 = 1420.0;
const PAYLOAD: f64 = PACKET - 20.0 - 32.0;

fn speed(down: u64, up: u64) -> Option<Speed> {
    Some(Speed::new(down, up).unwrap())
}

/// Whether this machine's kernel has what limits take; told when it has not.
fn can_limit(node: &Namespace) -> bool {
    let made = node.enter(|| command("ip", &["link", "add", "ifbtest", "type", "ifb"]).output());
    let can = made.unwrap().status.success();
    if can {
        node.ip("link del ifbtest");
    } else {
        #[expect(clippy::print_stdout, reason = "says what was left out")]
        {
            println!("skipped: this kernel has no ifb");
        }
    }
    can
}

#[test]
fn a_speed_is_set_changed_repaired_and_lifted_without_touching_the_tunnel() {
    let Some(kind) = kind() else { return };
    let (node, _internet) = node();
    if !can_limit(&node) {
        return;
    }
    node.run(async |node| {
        let backend = open(kind).await;
        let mut wishes = Wishes::from([pod(1, [(peer_key(1), 2)]), pod(2, [])]);
        let set = |wishes: &mut Wishes, speed| wishes.get_mut(&pod_id(1)).unwrap().speed = speed;
        set(&mut wishes, speed(10_000_000, 2_000_000));
        settle(&*backend, &wishes).await;
        let name = wishes[&pod_id(1)].interface.to_string();
        let ifb = name.replace("wg-", "mr-");
        let before = backend.counters().await.unwrap();

        // A round is nothing, another speed is one act, and the queue stays.
        let qdisc = |device: &str| tc(node, &["qdisc", "show", "dev", device]);
        let class = |device: &str| tc(node, &["class", "show", "dev", device, "classid", "4d52:1"]);
        let queue = qdisc(&name);
        assert_eq!(settle(&*backend, &wishes).await.changed, 0);
        assert!(class(&name).contains("rate 10Mbit ceil 10Mbit"), "{}", class(&name));
        assert!(class(&ifb).contains("rate 2Mbit ceil 2Mbit"), "{}", class(&ifb));
        set(&mut wishes, speed(20_000_000, 128_000));
        assert_eq!(settle(&*backend, &wishes).await.changed, 1);
        assert!(class(&name).contains("rate 20Mbit ceil 20Mbit"), "{}", class(&name));
        assert!(class(&ifb).contains("rate 128Kbit ceil 128Kbit"), "{}", class(&ifb));
        assert_eq!(qdisc(&name).lines().next(), queue.lines().next());

        // Somebody took parts of it away: each is put back.
        let deletions: [&[&str]; 4] = [
            &["qdisc", "del", "dev", &name, "root"],
            &["qdisc", "del", "dev", &name, "ingress"],
            &["filter", "del", "dev", &name, "parent", "ffff:"],
            &["qdisc", "del", "dev", &ifb, "root"],
        ];
        for deletion in deletions {
            tc(node, deletion);
            assert_eq!(settle(&*backend, &wishes).await.changed, 1, "{deletion:?}");
        }
        node.ip(&format!("link del {ifb}"));
        assert_eq!(settle(&*backend, &wishes).await.changed, 1);

        set(&mut wishes, None);
        assert_eq!(settle(&*backend, &wishes).await.changed, 1);
        assert!(!qdisc(&name).contains("htb") && !qdisc(&name).contains("ingress"));
        assert!(!node.ip("-o link show").contains(&ifb));
        assert_eq!(
            backend.counters().await.unwrap()[&wishes[&pod_id(1)].interface].index,
            before[&wishes[&pod_id(1)].interface].index
        );

        // With a pod its queues go, also when it is somebody else who takes it.
        set(&mut wishes, speed(1_000_000, 1_000_000));
        settle(&*backend, &wishes).await;
        node.ip(&format!("link del {name}"));
        wishes.remove(&pod_id(1));
        settle(&*backend, &wishes).await;
        assert!(!node.ip("-o link show").contains(&ifb));
        settle(&*backend, &Wishes::new()).await;
        eventually("all is gone", || !node.ip("-o link show").contains("mr-"));
    });
}

#[test]
fn a_used_up_quota_slows_down_at_once() {
    let Some(kind) = kind() else { return };
    let (node, _internet) = node();
    if !can_limit(&node) {
        return;
    }
    node.run(async |_| {
        let backend = open(kind).await;
        let mut wishes = Wishes::from([pod(1, [(peer_key(1), 2)])]);
        let slow = speed(1_000_000, 9_000_000).unwrap();
        let limit = Quota::new(1_000_000, QuotaEnd::Throttle(slow)).unwrap();
        let it = wishes.get_mut(&pod_id(1)).unwrap();
        it.speed = speed(5_000_000, 5_000_000);
        it.quota = Some(PodQuota { limit, reset_day: 1, carried: Carried::default() });
        for (state, expected) in [
            (QuotaState::Within, speed(5_000_000, 5_000_000)),
            (QuotaState::Throttled, speed(1_000_000, 5_000_000)),
            (QuotaState::Within, speed(5_000_000, 5_000_000)),
        ] {
            let quotas = Quotas::from([(pod_id(1), state)]);
            let done = converge(&wishes, &keys(), &quotas, &*backend).await;
            assert!(done.faults.is_empty(), "{done:?}");
            let seen = backend.observe().await.unwrap().interfaces;
            let seen = seen[&wishes[&pod_id(1)].interface].traffic.unwrap();
            assert_eq!((seen.speed, seen.stopped), (expected, false));
        }
    });
}

/// Both directions, one flow and eight, within 5 %; and what is small gets through meanwhile.
#[test]
fn a_limited_pod_moves_what_its_plan_says() {
    let Some(kind) = kind() else { return };
    let (node, internet) = node();
    if !can_limit(&node) {
        return;
    }
    let node = Arc::new(node);
    let mut device = Client::new(&node, 2, range(1).device(2).unwrap());
    node.run(async |_| {
        let backend = open(kind).await;
        let mut wishes = Wishes::from([pod(1, [(device.public_key(), 2)])]);
        settle(&*backend, &wishes).await;
        let to = SocketAddr::new("198.18.2.1".parse().unwrap(), wishes[&pod_id(1)].port);
        device.connect(kind, &keys()[&pod_id(1)].public_key().unwrap(), to);
        eventually("the gateway answers", || device.namespace.pings(range(1).node().v4));
        // What this machine, which may be emulated, moves at all: a limit is to be felt. Plans have
        // three decimals of a megabit.
        let most =
            [false, true].map(|upload| load(&device.namespace, &internet, 8, upload).middle());
        let most = most[0].min(most[1]);
        for wanted in PLANS {
            #[expect(
                clippy::cast_possible_truncation,
                clippy::cast_sign_loss,
                reason = "it is small"
            )]
            let kilobits = (wanted.min(most / 2.0) * 1000.0) as u32;
            let (rate, bits) = (f64::from(kilobits) / 1000.0, u64::from(kilobits) * 1000);
            wishes.get_mut(&pod_id(1)).unwrap().speed = speed(bits, bits);
            settle(&*backend, &wishes).await;
            for (upload, flows) in [(false, 1), (false, 8), (true, 1), (true, 8)] {
                holds(rate, &load(&device.namespace, &internet, flows, upload));
            }
        }
    });
}

/// Most windows are within the bounds, all of them together are not above, and nothing small is
/// lost.
fn holds(rate: f64, load: &Load) {
    assert!(load.pings.contains(", 0% packet loss"), "small packets starve of {rate:.2}: {load}");
    assert!((0.95..1.05).contains(&(load.middle() / rate)), "{rate:.2} is wanted: {load}");
    assert!(load.mean() < rate * 1.05, "{rate:.2} is wanted: {load}");
}

/// What came of a load.
struct Load {
    /// Megabits of packets in a second, of what programs said, in each window.
    moved: [f64; WINDOWS],
    /// How it went with small packets.
    pings: String,
    what: String,
}

impl Load {
    fn middle(&self) -> f64 {
        let mut sorted = self.moved;
        sorted.sort_by(f64::total_cmp);
        sorted[WINDOWS / 2]
    }

    fn mean(&self) -> f64 {
        #[expect(clippy::cast_precision_loss, reason = "it is small")]
        let count = WINDOWS as f64;
        self.moved.iter().sum::<f64>() / count
    }
}

impl fmt::Display for Load {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {:.2?}, {}", self.what, self.moved, self.pings)
    }
}

/// Loads one direction, and sends something small meanwhile.
fn load(device: &Namespace, internet: &Namespace, flows: usize, upload: bool) -> Load {
    let listener = internet.enter(|| TcpListener::bind((INTERNET, 0)).unwrap());
    let to = listener.local_addr().unwrap();
    let connect = || device.enter(|| TcpStream::connect(to).unwrap());
    let pairs: Vec<_> = (0..flows).map(|_| (connect(), listener.accept().unwrap().0)).collect();
    let start = Instant::now();
    thread::scope(|scope| {
        let mut counted = Vec::new();
        for (at_device, beyond) in pairs {
            let (sender, receiver) = if upload { (at_device, beyond) } else { (beyond, at_device) };
            scope.spawn(move || send(sender));
            counted.push(scope.spawn(move || receive(receiver, start)));
        }
        let pings = device.enter(|| {
            command("ping", &["-q", "-c", "60", "-i", "0.2", INTERNET]).output().unwrap()
        });
        let mut bytes = [0; WINDOWS];
        for flow in counted {
            let flow = flow.join().unwrap();
            bytes.iter_mut().zip(flow).for_each(|(all, one)| *all += one);
        }
        let pings = text(pings).lines().filter(|it| it.contains('%')).collect();
        #[expect(clippy::cast_precision_loss, reason = "it is small")]
        let moved = bytes.map(|it| it as f64 * 8.0 / 1e6 / WINDOW.as_secs_f64() * PACKET / PAYLOAD);
        Load { moved, pings, what: format!("{flows} flows, upload {upload}") }
    })
}

fn send(mut stream: TcpStream) {
    while stream.write_all(&[0; 16_384]).is_ok() {}
}

/// How many bytes come within each window.
fn receive(mut stream: TcpStream, start: Instant) -> [u64; WINDOWS] {
    stream.set_read_timeout(Some(Duration::from_millis(100))).unwrap();
    let (mut bytes, mut counted) = ([0; 16_384], [0; WINDOWS]);
    loop {
        let length = stream.read(&mut bytes).unwrap_or_default();
        let Some(since) = start.elapsed().checked_sub(WARM_UP) else { continue };
        let window = usize::try_from(since.as_millis() / WINDOW.as_millis()).unwrap();
        let Some(counted) = counted.get_mut(window) else { return counted };
        *counted += u64::try_from(length).unwrap();
    }
}

fn tc(node: &Namespace, words: &[&str]) -> String {
    let output = node.enter(|| command("tc", words).output().unwrap());
    assert!(output.status.success(), "tc {words:?}: {output:?}");
    text(output)
}
