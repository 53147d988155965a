//! Every screen with data that a real one could have.

mod billing;
mod nodes;
mod outgoing;
mod plugin_forms;
mod plugin_gallery;
mod plugin_limits;
mod plugins;
pub(crate) mod routes;
mod tokens;
mod usage;

use std::{collections::BTreeMap, net::Ipv6Addr};

use myrelay_app::{
    Content, FormState, Frame, Viewer,
    contract::{
        AccountRow, AccountState, AddedPeer, ClientConfig, ConnectionView, HomeView, LocationView,
        Millis, MovedView, NodeState, Overview, Page, PeerView, PodRow, PodState, PodView,
        PortalError,
    },
};
use myrelay_domain::{
    addresses::HostAddresses,
    ids::TypedId,
    keys::PublicKey,
    limits::{QuotaEnd, Speed},
    routes::{CidrList, Routes},
};

/// 20 March 2026, 09:30 UTC.
pub(crate) const NOW: Millis = 1_773_999_000_000;
const MINUTE: Millis = 60_000;

/// A name that tries to be more than a name.
pub(crate) const HOSTILE: &str = "<script>alert(1)</script>\" onload=\"x";

/// Its name, what it shows, and what is around it. No two have the same name.
pub(crate) fn screens() -> Vec<(&'static str, Content, Frame)> {
    let mut screens = for_visitors();
    screens.extend(for_customers());
    screens.extend(devices());
    screens.extend(routes::routes());
    screens.extend(tokens::screens());
    screens.extend(nodes::nodes());
    screens.extend(nodes::pods());
    screens.extend(for_operators());
    screens.extend(usage::screens());
    screens.extend(plugins::all());
    screens.extend(plugins::removals());
    screens.extend(outgoing::screens());
    screens.extend(plugin_forms::all());
    screens.extend(plugin_gallery::all());
    screens.extend(plugin_limits::all());
    screens.extend(billing::screens());
    screens
}

fn id<T: TypedId>(number: u128) -> T {
    T::from(uuid::Uuid::from_u128(0x0195_b2c3_7000_7000_8000_0000_0000_0000 + number))
}

pub(crate) fn frame(viewer: Viewer, path: &str) -> Frame {
    Frame { viewer, now: NOW, path: path.to_owned() }
}

fn visitor(path: &str) -> Frame {
    frame(Viewer::Visitor, path)
}

fn account(path: &str) -> Frame {
    frame(Viewer::Account { email: "ana@example.org".to_owned() }, path)
}

fn operator(path: &str) -> Frame {
    frame(Viewer::Operator { email: "owner@relay.example".to_owned() }, path)
}

/// A form that came back with an error.
pub(crate) fn refused(values: &[(&str, &str)], error: PortalError) -> FormState {
    let values: BTreeMap<_, _> =
        values.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
    FormState { values, error: Some(error) }
}

fn for_visitors() -> Vec<(&'static str, Content, Frame)> {
    let typed = [("email", "ana@example.org")];
    let short = PortalError::invalid(
        "password",
        "a password has at least 12 characters; a few unrelated words make a good one",
    );
    let token = "T0".repeat(16);
    vec![
        ("front", Content::Front, visitor("/")),
        ("sign-in", Content::SignIn(FormState::default()), visitor("/sign-in")),
        ("sign-up", Content::SignUp(FormState::default()), visitor("/sign-up")),
        ("sign-up-refused", Content::SignUp(refused(&typed, short)), visitor("/sign-up")),
        (
            "sign-in-busy",
            Content::SignIn(refused(&typed, PortalError::Busy { retry_after_s: 3 })),
            visitor("/sign-in"),
        ),
        (
            "operator-sign-in",
            Content::OperatorSignIn(FormState::default()),
            visitor("/operator/sign-in"),
        ),
        (
            "invite",
            Content::Invite { token, form: FormState::default() },
            visitor("/operator/invite/token"),
        ),
        (
            "error-not-found",
            Content::Error(PortalError::NotFound { what: "page".to_owned() }),
            visitor("/nothing"),
        ),
        (
            "error-internal",
            Content::Error(PortalError::Internal { request: "01J9ZV".to_owned() }),
            account("/home"),
        ),
        (
            "error-refused",
            Content::Error(PortalError::Refused {
                message: "another site sent this request; nothing was changed".to_owned(),
            }),
            account("/home"),
        ),
        ("error-signed-out", Content::Error(PortalError::SignedOut), visitor("/operator/nodes")),
    ]
}

fn location(number: u128, name: &str, in_contact: bool) -> LocationView {
    LocationView { id: id(number), name: name.to_owned(), in_contact }
}

fn pod_row(number: u128, location: &LocationView, state: PodState, devices: u32) -> PodRow {
    let location_id = location.id;
    PodRow { id: id(number), location_id, location: location.name.clone(), state, devices }
}

fn for_customers() -> Vec<(&'static str, Content, Frame)> {
    let locations = vec![
        location(1, "Frankfurt", true),
        location(2, "Reykjavík", true),
        location(3, "Singapore", false),
    ];
    let pods = vec![
        pod_row(10, &locations[0], PodState::Ready, 3),
        pod_row(11, &locations[1], PodState::WaitingForNode, 1),
    ];
    let used_up = vec![
        pod_row(10, &locations[0], PodState::Stopped, 3),
        pod_row(11, &locations[1], PodState::Throttled, 1),
    ];
    let resting = vec![pod_row(10, &locations[0], PodState::Paused, 3)];
    let home = |pods: &[PodRow], locations: &[LocationView], pod_limit| HomeView {
        pods: pods.to_vec(),
        locations: locations.to_vec(),
        plan: "Free".to_owned(),
        pod_limit,
        unpaid: false,
    };
    let unpaid = |view| HomeView { plan: "Family".to_owned(), unpaid: true, ..view };
    let form = FormState::default;
    let limit = PortalError::Limit {
        message: "your plan has 2 locations; remove one to add another".to_owned(),
    };
    let show = |view, form| Content::Home { view, form };
    vec![
        ("home", show(home(&pods, &locations, 2), form()), account("/home")),
        ("home-over-quota", show(home(&used_up, &locations, 2), form()), account("/home")),
        ("home-room", show(home(&pods, &locations, 3), form()), account("/home")),
        ("home-new", show(home(&[], &locations, 2), form()), account("/home")),
        ("home-no-locations", show(home(&[], &[], 2), form()), account("/home")),
        ("home-unpaid", show(unpaid(home(&resting, &locations, 3)), form()), account("/home")),
        ("home-unpaid-new", show(unpaid(home(&[], &locations, 3)), form()), account("/home")),
        ("home-refused", show(home(&pods, &locations, 2), refused(&[], limit)), account("/home")),
        ("pod", Content::Pod(pod(3, PodState::Ready)), account("/pods/1")),
        ("pod-empty", Content::Pod(pod(0, PodState::WaitingForNode)), account("/pods/1")),
        ("pod-full", Content::Pod(pod(5, PodState::NodeAway)), account("/pods/1")),
        ("pod-faulty", Content::Pod(pod(1, PodState::Faulty)), account("/pods/1")),
        ("pod-paused", Content::Pod(pod(3, PodState::Paused)), account("/pods/1")),
        ("pod-stopped", Content::Pod(pod_over_quota(PodState::Stopped)), account("/pods/1")),
        ("pod-throttled", Content::Pod(pod_over_quota(PodState::Throttled)), account("/pods/1")),
        ("pod-moved", Content::Pod(pod_that_moved(true)), account("/pods/1")),
        ("pod-moved-waiting", Content::Pod(pod_that_moved(false)), account("/pods/1")),
        ("pod-delete", Content::DeletePod(pod(3, PodState::Ready)), account("/pods/1/delete")),
    ]
}

/// A pod with so many devices, the first of them with a hostile name.
pub(crate) fn pod(devices: u8, state: PodState) -> PodView {
    let names = ["Phone", "Work laptop", "Living room", "Tablet"];
    let devices = (0..devices)
        .map(|it| match it {
            3 => peer(it, HOSTILE, true),
            it => peer(it, names[usize::from(it) % names.len()], it != 1),
        })
        .collect();
    PodView {
        id: id(10),
        location: "Frankfurt".to_owned(),
        state,
        devices,
        device_limit: 5,
        devices_meet: false,
        moved: None,
        usage: usage::unlimited(8_730_000_000),
    }
}

/// A pod whose data of this month is used up.
fn pod_over_quota(state: PodState) -> PodView {
    let then = match state {
        PodState::Stopped => QuotaEnd::Stop,
        _ => QuotaEnd::Throttle(Speed { down: 2_000_000, up: 2_000_000 }),
    };
    PodView { usage: usage::summary(100_300_000_000, then), ..pod(3, state) }
}

/// A pod on a new node, which has told its key or not.
fn pod_that_moved(with_key: bool) -> PodView {
    let key = PublicKey::from_bytes([78; 32]).expect("no point of small order");
    let moved = MovedView {
        ends_at: with_key.then_some(NOW + 6 * 24 * 60 * MINUTE),
        public_key: with_key.then_some(key),
        endpoint: "fra-2.relay.example:51820".to_owned(),
    };
    let state = if with_key { PodState::Ready } else { PodState::WaitingForNode };
    PodView { moved: Some(moved), devices_meet: true, ..pod(3, state) }
}

fn peer(number: u8, name: &str, applied: bool) -> PeerView {
    let host = u16::from(number) + 2;
    PeerView {
        id: id(100 + u128::from(number)),
        pod: id(10),
        name: name.to_owned(),
        public_key: PublicKey::from_bytes([number + 9; 32]).expect("no point of small order"),
        addresses: HostAddresses {
            v4: [10, 86, 0, number + 2].into(),
            v6: Ipv6Addr::new(0xfd5a, 0x1b2c, 0x3d4e, 7, 0, 0, 0, host),
        },
        routes: Routes::Everything,
        applied,
        created_at: NOW - MINUTE * 60 * 26 * i64::from(number + 1),
    }
}

/// A device with a configuration.
pub(crate) fn device(name: &str, applied: bool) -> AddedPeer {
    let peer = peer(0, name, applied);
    let config = ClientConfig {
        addresses: peer.addresses,
        routes: peer.routes.clone(),
        inside: CidrList::parse("10.86.0.0/26 fd5a:1b2c:3d4e:7::/64").expect("two networks"),
        dns: vec![[10, 86, 0, 1].into()],
        pod_key: PublicKey::from_bytes([77; 32]).expect("no point of small order"),
        endpoint: "fra-1.relay.example:51820".to_owned(),
        mtu: 1420,
    };
    AddedPeer {
        peer,
        location: "Frankfurt".to_owned(),
        config: Some(config),
        state: PodState::Ready,
        moved: None,
    }
}

fn devices() -> Vec<(&'static str, Content, Frame)> {
    let at = || account("/devices/1");
    let new = || account("/pods/1/devices/new");
    let add = |devices, form| Content::AddDevice { pod: pod(devices, PodState::Ready), form };
    let show = |device, connection| Content::Device { device, connection };
    let pending = AddedPeer { config: None, ..device("Tablet", false) };
    let stopped = AddedPeer { state: PodState::Stopped, ..device("Tablet", true) };
    let bad_key = PortalError::invalid(
        "public_key",
        "a WireGuard public key has 44 characters and ends with `=`",
    );
    let typed = [("name", HOSTILE), ("public_key", "abc=")];
    vec![
        ("device-stopped", show(stopped, None), at()),
        ("add-device", add(1, FormState::default()), new()),
        ("add-device-refused", add(1, refused(&typed, bad_key)), new()),
        ("add-device-full", add(5, FormState::default()), new()),
        ("device", show(device("Phone", true), None), at()),
        ("device-connected", show(device("Phone", true), Some(ConnectionView::Connected)), at()),
        (
            "device-not-connected",
            show(device(HOSTILE, true), Some(ConnectionView::NotConnected)),
            at(),
        ),
        ("device-pending", show(pending, Some(ConnectionView::NodeAway)), at()),
        ("device-remove", Content::RemoveDevice(device("Phone", true)), at()),
    ]
}

fn account_row(number: u128, email: &str, state: AccountState) -> AccountRow {
    let created_at = NOW - MINUTE * 60 * 24 * 40;
    AccountRow {
        id: id(number),
        email: email.to_owned(),
        plan: "Free".to_owned(),
        state,
        pods: 2,
        created_at,
    }
}

fn for_operators() -> Vec<(&'static str, Content, Frame)> {
    let overview = |attention: Vec<_>, nodes| Overview {
        plugins: if attention.is_empty() { Vec::new() } else { plugins::standing() },
        attention,
        nodes,
        pods: nodes * 128,
        devices: nodes * 301,
        accounts: nodes * 97,
    };
    let trouble = vec![
        nodes::node_row(22, "rkv-1", NodeState::Away, 0),
        nodes::node_row(21, "fra-2", NodeState::InContact, 2),
    ];
    let rows = vec![
        account_row(30, "ana@example.org", AccountState::Active),
        account_row(31, HOSTILE, AccountState::Suspended),
    ];
    let some = Page { rows: rows.clone(), next: Some("acct_1".to_owned()) };
    let none = || Page { rows: Vec::new(), next: None };
    let pods = Page { rows: nodes::pods_of_a_node(), next: Some("pod_1".to_owned()) };
    let used_up = Page { rows: nodes::pods_over_quota(), next: None };
    let list = |search: &str, accounts| Content::Accounts { search: search.to_owned(), accounts };
    let at = || operator("/operator/accounts");
    let home = || operator("/operator");
    vec![
        ("overview", Content::Overview(overview(trouble, 4)), home()),
        ("overview-well", Content::Overview(overview(Vec::new(), 4)), home()),
        ("overview-empty", Content::Overview(overview(Vec::new(), 0)), home()),
        ("pods", Content::Pods(pods), operator("/operator/pods")),
        ("pods-over-quota", Content::Pods(used_up), operator("/operator/pods")),
        (
            "pods-empty",
            Content::Pods(Page { rows: Vec::new(), next: None }),
            operator("/operator/pods"),
        ),
        ("accounts", list("", some), at()),
        ("accounts-empty", list("", none()), at()),
        ("accounts-nobody", list(HOSTILE, none()), at()),
        ("account-suspend", Content::SuspendAccount(rows[0].clone()), at()),
    ]
}
