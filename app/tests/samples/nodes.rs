//! Nodes and pods as operators see them.

use myrelay_app::{
    Content, FormState, Frame,
    contract::{
        DrainView, HardeningItem, HardeningRow, HardeningVerdict, JoinView, MoveView, NodePodRow,
        NodeRow, NodeState, NodeTrouble, NodeView, PodState, PortalError, TargetView,
    },
};

use super::{HOSTILE, MINUTE, NOW, id, operator, refused, usage};

const DAY: i64 = 24 * 60 * MINUTE;

pub(super) fn node_row(number: u128, name: &str, state: NodeState, faults: u32) -> NodeRow {
    let joined = state != NodeState::Awaiting;
    let ago = if state == NodeState::Away { 14 * MINUTE } else { 2_000 };
    NodeRow {
        id: id(number),
        name: name.to_owned(),
        location: "Frankfurt".to_owned(),
        state,
        pods: if joined { 128 } else { 0 },
        faults,
        draining: false,
        troubles: Vec::new(),
        version: joined.then(|| "0.1.0".to_owned()),
        last_contact_at: joined.then_some(NOW - ago),
    }
}

fn node(state: NodeState, pods: Vec<NodePodRow>) -> NodeView {
    let joined = state != NodeState::Awaiting;
    NodeView {
        id: id(20),
        name: "fra-1".to_owned(),
        location: "Frankfurt".to_owned(),
        endpoint: "fra-1.relay.example".to_owned(),
        state,
        version: joined.then(|| "0.1.0".to_owned()),
        backend: joined.then(|| "kernel".to_owned()),
        last_contact_at: joined.then_some(NOW - 3_000),
        generation_wanted: 412,
        generation_applied: if joined { 411 } else { 0 },
        certificate_ends_at: joined.then_some(NOW + 20 * 60 * MINUTE),
        join_expires_at: (!joined).then_some(NOW + 8 * MINUTE),
        pods_total: u32::try_from(pods.len()).unwrap_or(u32::MAX),
        pods,
        drain: None,
        moved_pods: 0,
        serves_moved_until: None,
        troubles: Vec::new(),
        faults: Vec::new(),
        foreign: Vec::new(),
        hardening: if joined { hardening() } else { Vec::new() },
        resolver: String::new(),
        deployment_resolver: String::new(),
        usage: usage::of_node(state == NodeState::Away),
    }
}

fn pod_of(number: u16, email: &str, state: PodState) -> NodePodRow {
    NodePodRow {
        id: id(10 + u128::from(number)),
        node: "fra-1".to_owned(),
        account_email: email.to_owned(),
        interface: format!("mr{number}"),
        port: 51_820 + number,
        state,
        fault: (state == PodState::Faulty).then(|| "port 51821 is in use".to_owned()),
        moved_until: (number == 2).then_some(NOW + 5 * DAY),
        devices: u32::from(number),
    }
}

pub(super) fn pods_of_a_node() -> Vec<NodePodRow> {
    vec![
        pod_of(3, "ana@example.org", PodState::Ready),
        pod_of(2, "a.very.long.address.of.somebody@mail.subdomain.example.org", PodState::Ready),
        pod_of(1, "bo@example.org", PodState::Faulty),
    ]
}

pub(super) fn pods_over_quota() -> Vec<NodePodRow> {
    vec![
        pod_of(3, "ana@example.org", PodState::Stopped),
        pod_of(
            2,
            "a.very.long.address.of.somebody@mail.subdomain.example.org",
            PodState::Throttled,
        ),
    ]
}

pub(super) fn nodes() -> Vec<(&'static str, Content, Frame)> {
    let rows = vec![
        node_row(20, "fra-1", NodeState::InContact, 0),
        node_row(21, "fra-2", NodeState::InContact, 2),
        node_row(22, "rkv-1", NodeState::Away, 0),
        node_row(23, "sin-1", NodeState::Awaiting, 0),
        node_row(24, "old-1", NodeState::Retired, 0),
    ];
    let join = JoinView {
        node: id(20),
        name: "fra-1".to_owned(),
        line: format!(
            "myrelay-agent join --portal https://relay.example:8443 --token {}",
            "k3Jx9Q".repeat(8)
        ),
        expires_at: NOW + 10 * MINUTE,
    };
    let taken = PortalError::invalid("name", "there is a node of this name");
    let typed = [("name", "fra-1"), ("location", "Frankfurt"), ("endpoint", "192.0.2.7")];
    let on = || operator("/operator/nodes/1");
    let busy = PortalError::Limit { message: "pods are on this node".to_owned() };
    let retire_of = |node, form| Content::RetireNode { node, form };
    let retire = |pods, form| retire_of(node(NodeState::Away, pods), form);
    let refused_form = Content::Node {
        node: NodeView { resolver: "udp://192.0.2.1".to_owned(), ..troubled() },
        form: refused(
            &[("upstreams", HOSTILE)],
            PortalError::invalid("upstreams", "a resolver reads `tls://ADDRESS#NAME`"),
        ),
    };
    vec![
        ("nodes", Content::Nodes(rows), operator("/operator/nodes")),
        ("nodes-empty", Content::Nodes(Vec::new()), operator("/operator/nodes")),
        ("node-add", Content::AddNode(FormState::default()), operator("/operator/nodes/new")),
        (
            "node-add-refused",
            Content::AddNode(refused(&typed, taken)),
            operator("/operator/nodes/new"),
        ),
        ("node-join", Content::Join(join), operator("/operator/nodes/new")),
        ("node", shown(node(NodeState::InContact, pods_of_a_node())), on()),
        ("node-away", shown(node(NodeState::Away, Vec::new())), on()),
        ("node-awaiting", shown(node(NodeState::Awaiting, Vec::new())), on()),
        ("node-retired", shown(node(NodeState::Retired, Vec::new())), on()),
        ("node-troubled", shown(troubled()), on()),
        ("node-quarantined", shown(node(NodeState::Quarantined, pods_of_a_node())), on()),
        ("node-draining", shown(draining(28)), on()),
        ("node-drained", shown(draining(0)), on()),
        ("node-stuck", shown(stuck()), on()),
        ("node-resolver-refused", refused_form, on()),
        ("node-drain", Content::DrainNode(troubled()), on()),
        ("node-retire-serving", retire_of(draining(0), FormState::default()), on()),
        ("node-retire-lost", retire_of(lost(), FormState::default()), on()),
        ("node-retire", retire(Vec::new(), FormState::default()), on()),
        ("node-retire-refused", retire(pods_of_a_node(), refused(&[], busy)), on()),
    ]
}

fn shown(node: NodeView) -> Content {
    Content::Node { node, form: FormState::default() }
}

/// One of each verdict.
fn hardening() -> Vec<HardeningRow> {
    use HardeningVerdict::{Missing, Ok, Unknown, Weak};
    let row =
        |item, verdict, detail: &str| HardeningRow { item, verdict, detail: detail.to_owned() };
    vec![
        row(HardeningItem::SshPasswordLogin, Weak, "50-cloud-init.conf switches passwords on"),
        row(HardeningItem::SshRootLogin, Ok, "permitrootlogin without-password"),
        row(HardeningItem::Fail2ban, Missing, "fail2ban is not installed"),
        row(HardeningItem::UnattendedUpgrades, Ok, ""),
        row(HardeningItem::HostFirewall, Unknown, "the agent may not look"),
        row(HardeningItem::Sysctl, Ok, ""),
    ]
}

fn troubled() -> NodeView {
    NodeView {
        pods_total: 128,
        moved_pods: 1,
        serves_moved_until: Some(NOW + 5 * DAY),
        troubles: vec![
            NodeTrouble::Faults(2),
            NodeTrouble::ClockSkew(-4_000_000),
            NodeTrouble::WeakHardening(2),
        ],
        faults: vec!["no uplink: no route to 192.0.2.1".to_owned(), HOSTILE.to_owned()],
        foreign: vec!["wg-other".to_owned(), "wg-mine".to_owned()],
        deployment_resolver: "tls://9.9.9.9#dns.quad9.net".to_owned(),
        ..node(NodeState::InContact, pods_of_a_node())
    }
}

fn draining(left: u64) -> NodeView {
    let pods = if left == 0 { Vec::new() } else { pods_of_a_node() };
    NodeView {
        drain: Some(DrainView { started_at: NOW - 2 * MINUTE, total: 40, left }),
        moved_pods: 3,
        serves_moved_until: Some(NOW + 7 * DAY),
        ..node(NodeState::InContact, pods)
    }
}

fn stuck() -> NodeView {
    NodeView {
        drain: Some(DrainView { started_at: NOW - 90 * MINUTE, total: 40, left: 40 }),
        moved_pods: 0,
        troubles: vec![NodeTrouble::NowhereToDrain],
        ..draining(40)
    }
}

fn lost() -> NodeView {
    NodeView { state: NodeState::Away, ..draining(0) }
}

/// Moving and deleting a customer's pod.
pub(super) fn pods() -> Vec<(&'static str, Content, Frame)> {
    let view = |targets| MoveView {
        pod: pod_of(3, "ana@example.org", PodState::Ready),
        location: "Frankfurt".to_owned(),
        targets,
    };
    let target =
        |number, name: &str, pods| TargetView { id: id(number), name: name.to_owned(), pods };
    let targets = vec![target(21, "fra-2", 12), target(22, HOSTILE, 128)];
    let typed = [("node", "node_x"), ("overlap", "day")];
    let gone = PortalError::invalid("node", "this node is not in contact: pick one that is");
    let show = |view, form| Content::MovePod { view, form };
    let on = || operator("/operator/pods/1");
    vec![
        ("pod-move", show(view(targets.clone()), FormState::default()), on()),
        ("pod-move-refused", show(view(targets), refused(&typed, gone)), on()),
        ("pod-move-nowhere", show(view(Vec::new()), FormState::default()), on()),
        (
            "pod-delete-any",
            Content::DeleteAnyPod(pod_of(3, "ana@example.org", PodState::Ready)),
            on(),
        ),
    ]
}
