//! Bad wires: what goes through a pod, and what agent and portal say to each other, arrives.

use std::net::SocketAddr;

use tokio::runtime::Runtime;

use crate::{
    Wishes,
    client::Client,
    keys, node, pod, pod_id, range, settle,
    support::{
        machine::Machine,
        pods::{heartbeat, state},
        portal::Portal,
    },
    tunnels::{OUTSIDE, address, serve, there_and_back},
    world::{Namespace, command, eventually, kind, open},
};

/// What goes wrong with wires, by words of tc-netem(8). With `reorder`, a quarter of the packets
/// overtake those that wait; whether one does depends by half on whether the one before did.
const WIRES: [&str; 3] = [
    "delay 20ms 10ms loss 3%",
    "delay 10ms reorder 25% 50%",
    "delay 5ms 5ms reorder 25% 50% loss 2% duplicate 10%",
];

/// Makes one end of a cable like that; told when this kernel cannot.
fn spoil(namespace: &Namespace, link: &str, how: &str) -> bool {
    let words = ["qdisc", "replace", "dev", link, "root", "netem"];
    let words: Vec<_> = words.into_iter().chain(how.split(' ')).collect();
    let done = namespace.enter(|| command("tc", &words).output().unwrap()).status.success();
    if !done {
        #[expect(clippy::print_stdout, reason = "says what was left out")]
        {
            println!("skipped: this kernel has no netem");
        }
    }
    done
}

#[test]
fn a_tunnel_holds_over_a_bad_wire() {
    let Some(kind) = kind() else { return };
    let (node, outside) = node();
    let mut client = Client::new(&node, 2, range(1).device(2).unwrap());
    let wishes = Wishes::from([pod(1, [(client.public_key(), 2)])]);
    node.run(async |node| {
        let backend = open(kind).await;
        settle(&*backend, &wishes).await;
        let name = &wishes[&pod_id(1)].interface;
        for wire in WIRES {
            if !spoil(node, "a2", wire) || !spoil(&client.namespace, "b2", wire) {
                return;
            }
            let before = backend.counters().await.unwrap()[name];
            let endpoint = SocketAddr::new(address("198.18.2.1"), 51_001);
            client.connect(kind, &keys()[&pod_id(1)].public_key().unwrap(), endpoint);
            eventually("the gateway answers", || client.namespace.pings(range(1).node().v4));
            let (port, server) = serve(&outside, 2);
            let bytes = 100_000;
            for far in OUTSIDE.map(address) {
                there_and_back(&client.namespace, SocketAddr::new(far, port), bytes);
            }
            drop(server.join().unwrap());

            // What was sent twice on the wire, or again by TCP, is counted as often as it passed. The
            // ends of the connections may still be on their way: whoever receives is read first.
            let after = backend.counters().await.unwrap()[name];
            let (received, sent) = client.counters();
            let last = backend.counters().await.unwrap()[name];
            client.disconnect();
            let payload = u64::try_from(2 * bytes).unwrap();
            let passed = (after.received - before.received, last.sent - before.sent);
            assert!((payload..=sent).contains(&passed.0), "{wire}: {passed:?} of {sent}");
            assert!((payload..=passed.1).contains(&received), "{wire}: {received} of {passed:?}");
        }
    });
}

#[test]
fn an_agent_hears_its_portal_over_a_bad_wire() {
    let Some(_) = kind() else { return };
    let node = Namespace::new();
    if !spoil(&node, "lo", WIRES[2]) {
        return;
    }
    let story = async {
        let portal = Portal::start().await;
        portal.set(state(1, &[(1, 1)]));
        let mut machine = Machine::joined(&portal).await;
        machine.start();
        machine.has(&[(1, 1)]).await;
        for generation in 2..12 {
            let devices = u32::try_from(generation).unwrap();
            let wanted = state(generation, &[(1, devices), (2, devices % 3)]);
            portal.want(wanted.clone());
            portal.push(&heartbeat(&wanted));
            machine.has(&[(1, devices), (2, devices % 3)]).await;
        }
        assert_eq!(portal.streams_opened(), 1, "the first stream held");
        machine.stop().await;
    };
    node.enter(|| Runtime::new().unwrap().block_on(story));
}
