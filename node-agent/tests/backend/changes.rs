//! What changes under the agent, takes long, or fails: nothing else suffers.

use std::time::Duration;

use myrelay_agent::backend::{BackendError, BackendKind, InterfaceSpec, Notice, Traffic};
use myrelay_domain::limits::Speed;
use tokio::time::timeout;

use crate::{
    Wishes, node, peer_key, pod, pod_id, round, settle, spec,
    world::{Namespace, eventually, kind, open},
};

/// Long enough for a machine that is emulated and busy.
const DEADLINE: Duration = Duration::from_secs(60);

#[test]
fn what_changes_on_the_host_is_heard_of() {
    let Some(kind) = kind() else { return };
    let (node, _internet) = node();
    node.run(async |node| {
        let backend = open(kind).await;
        let wishes = Wishes::from([pod(1, []), pod(2, [])]);
        settle(&*backend, &wishes).await;
        let names = [1, 2].map(|it| wishes[&pod_id(it)].interface.to_string());
        let address = wishes[&pod_id(2)].range.node().v4;
        let elsewhere = Namespace::new();
        node.connect(&elsewhere, 9);
        for change in [
            "route replace default via 198.18.9.2".to_owned(),
            "-6 route replace default via 2001:db8:9::2".to_owned(),
            "link set a9 down".to_owned(),
            format!("link del {}", names[0]),
            format!("addr del {address}/26 dev {}", names[1]),
        ] {
            // What came before is old news.
            while timeout(Duration::from_millis(500), backend.changed()).await.is_ok() {}
            node.ip(&change);
            let heard = timeout(DEADLINE, backend.changed()).await;
            assert!(heard.is_ok(), "{change}");
        }
        // What we do ourselves is no news; what came of all this before is, for a second or two.
        node.default_route(1);
        settle(&*backend, &wishes).await;
        while timeout(Duration::from_secs(3), backend.changed()).await.is_ok() {}
        let one = Wishes::from([pod(2, [(peer_key(1), 2)])]);
        settle(&*backend, &one).await;
        eventually("the other is gone", || !node.ip("-o link show").contains(&names[0]));
        if kind != BackendKind::Kernel {
            let heard = timeout(Duration::from_secs(1), backend.changed()).await;
            assert!(heard.is_err(), "an interface that we delete is no news");
        }
    });
}

/// The node is read by several at once: rounds, the counting of bytes, and questions of customers.
#[test]
fn readings_at_the_same_time_are_all_answered() {
    let Some(kind) = kind() else { return };
    let (node, _internet) = node();
    node.run(async |_| {
        let backend = open(kind).await;
        let wishes: Wishes = (1..6).map(|it| pod(it, [(peer_key(1), 2)])).collect();
        settle(&*backend, &wishes).await;
        let interface = &wishes[&pod_id(1)].interface;
        let read = async || {
            let (observed, counters) = tokio::join!(backend.observe(), backend.counters());
            (observed.map(|it| it.interfaces.len()), counters.map(|it| it.len()))
        };
        for _ in 0..20 {
            let key = peer_key(1);
            let age = backend.handshake_age(interface, &key);
            let (one, two, age) = tokio::join!(read(), read(), age);
            for (observed, counters) in [one, two] {
                assert_eq!((observed.unwrap(), counters.unwrap()), (5, 5));
            }
            assert_eq!(age.unwrap(), None);
        }
    });
}

/// Many go at once; one that stays, one that comes, and one that comes again do not wait for all.
#[test]
fn pods_that_go_are_in_nobodys_way() {
    let Some(kind) = kind() else { return };
    let (node, _internet) = node();
    node.run(async |node| {
        let backend = open(kind).await;
        let mut wishes: Wishes =
            (1..8).map(|it| pod(it, [(peer_key(1), 2), (peer_key(2), 3)])).collect();
        settle(&*backend, &wishes).await;
        let again = pod(7, [(peer_key(3), 2)]);
        wishes.retain(|id, _| *id == pod_id(1));
        let done = round(&*backend, &wishes).await;
        assert_eq!((done.faults.len(), done.changed), (0, 6));
        assert!(kind == BackendKind::Kernel || !done.unfinished);
        // They are gone for whoever asks, and a device that is revoked does not wait for them.
        wishes.extend([pod(1, [(peer_key(1), 2)])]);
        settle(&*backend, &wishes).await;
        // The same name, port and addresses: not before they are free.
        wishes.extend([again]);
        settle(&*backend, &wishes).await;
        eventually("all are gone", || {
            backend.going().is_empty() && node.ip("-o link show").matches("wg-").count() == 2
        });
        assert!(!settle(&*backend, &wishes).await.unfinished);
    });
}

#[test]
fn p11_a_pod_whose_last_step_fails_leaves_nothing_behind() {
    let Some(kind) = kind() else { return };
    let (node, _internet) = node();
    node.run(async |node| {
        let backend = open(kind).await;
        settle(&*backend, &Wishes::from([pod(2, [])])).await;
        let rules = node.nft("list ruleset");
        // The queue for what arrives needs a device of this name, and somebody has it.
        let speed = Some(Speed::new(1_000_000, 1_000_000).unwrap());
        let spec = InterfaceSpec { traffic: Traffic { speed, ..Traffic::default() }, ..spec(1) };
        let taken = spec.interface.to_string().replace("wg-", "mr-");
        node.ip(&format!("link add {taken} type veth peer name other"));
        node.ip(&format!("link set {taken} alias theirs"));
        let error = backend.create_interface(&spec).await.unwrap_err();
        assert!(matches!(error, BackendError::Failed { .. }), "{error}");
        assert!(error.to_string().contains(&taken), "{error}");
        eventually("it is rolled back", || {
            node.nft("list ruleset") == rules
                && !node.ip("-o link show").contains(spec.interface.as_str())
        });
        assert!(node.ip("-o link show").contains("alias theirs"));
        // When the name is free again, so is the way.
        node.ip(&format!("link del {taken}"));
        let mut wishes = Wishes::from([pod(1, []), pod(2, [])]);
        wishes.get_mut(&pod_id(1)).unwrap().speed = speed;
        settle(&*backend, &wishes).await;
    });
}

/// Whatever somebody does to our table, the next round puts it right; theirs is theirs.
#[test]
fn a_table_that_somebody_edited_is_put_right() {
    let Some(kind) = kind() else { return };
    let (node, _internet) = node();
    node.run(async |node| {
        node.nft("add table ip theirs");
        node.nft("add chain ip theirs c { type filter hook forward priority 5 ; }");
        let backend = open(kind).await;
        let wishes = Wishes::from([pod(1, []), pod(2, [])]);
        settle(&*backend, &wishes).await;
        let whole = node.nft("list ruleset");
        for edit in [
            "flush set inet myrelay members4",
            "insert rule inet myrelay forward accept",
            "flush chain inet myrelay from_pod",
            "delete table inet myrelay",
            "add element inet myrelay meeting { 1 }",
            "chain inet myrelay forward { policy drop ; }",
            "add chain inet myrelay another",
        ] {
            node.nft(edit);
            let done = settle(&*backend, &wishes).await;
            assert_eq!(done.notices, [Notice::TableEdited], "{edit}");
            assert_eq!(sorted(&node.nft("list ruleset")), sorted(&whole), "{edit}");
        }
        node.nft("add rule ip theirs c counter");
        // What somebody does to their own table is their own.
        assert_eq!(settle(&*backend, &wishes).await.notices, []);
        assert!(node.nft("list table ip theirs").contains("counter"));
    });
}

/// Tables stand in the order in which they were made.
fn sorted(rules: &str) -> Vec<&str> {
    let mut tables: Vec<_> =
        rules.split("\ntable ").map(|it| it.trim_start_matches("table ")).collect();
    tables.sort_unstable();
    tables.iter().map(|it| it.trim_end()).collect()
}

/// The installer's firewall has a place for the ports of the pods that live.
#[test]
fn p22_the_hosts_firewall_opens_the_ports_of_the_pods_that_live() {
    let Some(kind) = kind() else { return };
    let (node, _internet) = node();
    node.run(async |node| {
        node.nft("add table inet myrelay_host");
        node.nft("add set inet myrelay_host pod_ports { type inet_service ; }");
        node.nft("add element inet myrelay_host pod_ports { 4242 }");
        let ports = || {
            let set = node.nft("list set inet myrelay_host pod_ports");
            let words = set.split(|it: char| !it.is_ascii_digit());
            words.filter_map(|it| it.parse().ok()).collect::<Vec<u16>>()
        };
        let backend = open(kind).await;
        let mut moved = pod(2, []);
        moved.1.port += 500;
        let one = pod(1, []);
        settle(&*backend, &Wishes::from([one.clone(), pod(2, [])])).await;
        assert_eq!(ports(), [51_001, 51_002]);
        settle(&*backend, &Wishes::from([one.clone(), moved.clone()])).await;
        assert_eq!(ports(), [51_001, 51_502]);
        settle(&*backend, &Wishes::from([moved.clone()])).await;
        eventually("one is closed", || ports() == [51_502]);
        // The host's rules are loaded anew: the next round opens again what lives.
        node.nft("flush set inet myrelay_host pod_ports");
        settle(&*backend, &Wishes::from([moved.clone()])).await;
        assert_eq!(ports(), [51_502]);
        node.nft("delete table inet myrelay_host");
        settle(&*backend, &Wishes::from([moved])).await;
        assert!(!node.nft("list ruleset").contains("myrelay_host"));
    });
}
