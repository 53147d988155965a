//! Plugins in every state.

use myrelay_app::{
    Content, FormState, Frame,
    contract::{
        CallsWanted, CapabilityRow, CollectingView, DeadDeliveryRow, HourOfCalls, LimitKind, Page,
        PluginCallRow, PluginCallsView, PluginHealthView, PluginJobRow, PluginLimits,
        PluginLogLine, PluginRequestRow, PluginRow, PluginSaidView, PluginState, PluginTrialView,
        PluginVersionRow, PluginView, PortalError, SetLimit,
    },
};

use myrelay_domain::ids::DeliveryId;

use super::{HOSTILE, MINUTE, NOW, id, operator, refused};

/// Two that stand still.
pub(crate) fn standing() -> Vec<PluginRow> {
    vec![row(3, HOSTILE, PluginState::Stopped), row(6, "Room", PluginState::Unloaded)]
}

fn row(number: u128, name: &str, state: PluginState) -> PluginRow {
    PluginRow {
        id: id(number),
        plugin: format!("dev.example.{number}"),
        name: name.to_owned(),
        version: "1.4.0".to_owned(),
        state,
        waiting: if state == PluginState::Enabled { 0 } else { 12 },
        dead: u32::from(state != PluginState::Enabled),
    }
}

fn capability(what: &str, reason: &str) -> CapabilityRow {
    CapabilityRow { what: what.to_owned(), reason: reason.to_owned() }
}

fn call(failure: Option<&str>) -> PluginCallRow {
    PluginCallRow {
        id: id(5),
        call: "events.handle".to_owned(),
        about: Some("pod.created.v1".to_owned()),
        attempt: if failure.is_some() { 2 } else { 1 },
        delivery: Some(id::<DeliveryId>(9).to_string()),
        version: Some("1.4.0".to_owned()),
        failure: failure.map(str::to_owned),
        cpu_us: 320,
        wall_us: 81_400,
        memory: 1_179_648,
        requests: 1,
        limits: Some(PluginLimits {
            cpu_us: 1_000_000,
            wall_us: 10_000_000,
            memory: 64 << 20,
            requests: 10,
        }),
        input: failure
            .is_none()
            .then(|| "{\n  \"Event\": {\n    \"type_name\": \"pod.created.v1\"\n  }\n}".to_owned()),
        answer: failure.is_none().then(|| "\"Done\"".to_owned()),
        backtrace: None,
        logs_dropped: 0,
        log: vec![PluginLogLine { level: "info".to_owned(), message: "told them id=7".to_owned() }],
        http: vec![PluginRequestRow {
            what: "POST https://api.example.org/v1/events".to_owned(),
            result: if failure.is_some() { "503" } else { "200" }.to_owned(),
            began_ms: 1,
            took_ms: 80,
        }],
        at: NOW - 7 * MINUTE,
    }
}

fn job(name: &str, next_at: Option<i64>, failure: Option<&str>) -> PluginJobRow {
    PluginJobRow {
        name: name.to_owned(),
        cron: "*/30 9-17 * * 1-5".to_owned(),
        next_at,
        ended_at: failure.map(|_| NOW - 43 * MINUTE),
        failure: failure.map(str::to_owned),
    }
}

/// What it said of itself: what is well, what is not in words of its own, or nothing yet.
fn said(state: PluginState) -> Option<PluginSaidView> {
    let words = match state {
        PluginState::Enabled => "connected to api.example.org as Relay Ltd".to_owned(),
        PluginState::Stopped => format!("401 from api.example.org {HOSTILE}"),
        _ => return None,
    };
    Some(PluginSaidView { well: state == PluginState::Enabled, words, at: NOW - 3 * MINUTE })
}

fn health(state: PluginState) -> PluginHealthView {
    let is_well = state == PluginState::Enabled;
    let hours: Vec<HourOfCalls> = (0..24_u32)
        .map(|hour| HourOfCalls {
            at: NOW - (24 - i64::from(hour)) * 60 * MINUTE,
            well: (hour * 7) % 23,
            failed: if is_well || hour < 20 { u32::from(hour == 3) } else { hour - 15 },
        })
        .collect();
    let (well, failed) =
        hours.iter().fold((0, 0), |(well, failed), it| (well + it.well, failed + it.failed));
    if state == PluginState::Disabled {
        return PluginHealthView::default();
    }
    PluginHealthView {
        failures: if is_well { 0 } else { 7 },
        rests_until: (state == PluginState::Resting).then_some(NOW + 4 * MINUTE),
        said: said(state),
        cut: false,
        calls: well + failed,
        failed,
        half_us: Some(81_400),
        most_us: Some(2_400_100),
        hours,
    }
}

fn view(name: &str, state: PluginState, why: Option<&str>) -> PluginView {
    let dead = DeadDeliveryRow {
        id: id(9),
        event: "account.created".to_owned(),
        attempts: 8,
        failure: "unavailable: api.example.org answers 503".to_owned(),
        at: NOW - 90 * MINUTE,
    };
    PluginView {
        row: row(1, name, state),
        revoked: why.is_some_and(|it| it.contains("revoked")),
        carries_messages: true,
        collecting: CollectingView::default(),
        why: why.map(str::to_owned),
        publisher: Some(format!("RW{}", "S".repeat(54))),
        versions: vec![
            PluginVersionRow {
                number: 2,
                version: "1.3.2".to_owned(),
                key_id: Some("5D2B36DFC3A2B1F0".to_owned()),
                at: NOW - 60 * MINUTE,
                barred: None,
            },
            PluginVersionRow {
                number: 1,
                version: "1.3.1".to_owned(),
                key_id: None,
                at: NOW - 90 * MINUTE,
                barred: Some("nobody signed it, and its packages are signed by now".to_owned()),
            },
        ],
        installed_at: NOW - 60 * 24 * MINUTE,
        health: health(state),
        capabilities: vec![
            capability("Listen to events", "Those that are named below"),
            capability("Remember things, up to 1 KiB", "Nobody else can read them"),
            capability("POST https://api.example.org/v1/", "Tell the help desk who is new"),
            capability("Use the secret api_key in requests to api.example.org", "Key of the desk"),
            capability("Hear of account.created.v1, pod.created.v1", "Events hold ids"),
        ],
        limits: match state {
            PluginState::Enabled => Vec::new(),
            _ => vec![
                SetLimit { kind: LimitKind::Cpu, number: 500 },
                SetLimit { kind: LimitKind::Memory, number: 128 << 20 },
            ],
        },
        events: vec!["account.created.v1".to_owned(), "pod.created.v1".to_owned()],
        hook_url: Some(format!("https://vpn.example.org/hooks/{}/events", "r".repeat(43))),
        settings: "{\"board\":\"customers\"}".to_owned(),
        secrets: vec![("api_key".to_owned(), true), ("previous".to_owned(), false)],
        missing: vec!["The signing secret before".to_owned()],
        jobs: vec![
            job("digest", Some(NOW + 17 * MINUTE), None),
            job("check-prices", None, Some("unavailable: api.example.org answers 503")),
        ],
        calls: vec![call(None), call(Some("unavailable: api.example.org answers 503"))],
        dead: if state == PluginState::Enabled { Vec::new() } else { vec![dead] },
    }
}

fn trial(failure: Option<&str>, would: Vec<String>, unrecorded: bool) -> Box<PluginTrialView> {
    Box::new(PluginTrialView {
        plugin: row(1, "Help desk", PluginState::Enabled),
        before: call(None),
        again: call(failure),
        would,
        unrecorded,
    })
}

/// Pages of the run log: all, those that failed and more of them, and nothing of a delivery.
fn calls() -> Vec<(&'static str, Content, Frame)> {
    let show = |wanted: CallsWanted, rows, next: Option<&str>| {
        let calls = Page { rows, next: next.map(str::to_owned) };
        let plugin = row(1, HOSTILE, PluginState::Failing);
        let frame = operator("/operator/plugins/1/calls");
        (Content::PluginCalls(PluginCallsView { plugin, wanted, calls }), frame)
    };
    let failed = CallsWanted { failed: true, delivery: None };
    let of_one =
        |delivery: &str| CallsWanted { failed: false, delivery: Some(delivery.to_owned()) };
    // One from before versions were noted, of a delivery that a provider named.
    let old = PluginCallRow {
        version: None,
        delivery: Some("cancel-<script>alert(1)-7".to_owned()),
        ..call(None)
    };
    // Names of functions are its author's.
    let broken = PluginCallRow {
        backtrace: Some(format!("error while executing\n  0: 0x1a2b - {HOSTILE}\n  1: </pre>")),
        logs_dropped: 4900,
        ..call(Some("it broke: a panic at lib.rs:7"))
    };
    let screens = [
        ("plugin-calls", show(CallsWanted::default(), vec![call(None), old], None)),
        ("plugin-calls-failed", show(failed.clone(), vec![broken], Some("call_1"))),
        ("plugin-calls-none", show(CallsWanted::default(), Vec::new(), None)),
        ("plugin-calls-none-failed", show(failed, Vec::new(), None)),
        ("plugin-calls-of-nothing", show(of_one(HOSTILE), Vec::new(), None)),
    ];
    screens.into_iter().map(|(name, (content, frame))| (name, content, frame)).collect()
}

fn remove(collecting: CollectingView, form: FormState) -> Content {
    let plugin = PluginView { collecting, ..view("Help desk", PluginState::Disabled, None) };
    Content::RemovePlugin { plugin, form }
}

/// Those that ask before a plugin is removed.
pub(crate) fn removals() -> Vec<(&'static str, Content, Frame)> {
    vec![
        (
            "remove-plugin",
            remove(CollectingView::default(), FormState::default()),
            operator("/operator/plugins/1/remove"),
        ),
        (
            "remove-plugin-collecting",
            remove(CollectingView { subscriptions: 3, untold: 1 }, FormState::default()),
            operator("/operator/plugins/1/remove"),
        ),
        (
            "remove-plugin-refused",
            remove(
                CollectingView { subscriptions: 1, untold: 0 },
                refused(&[], PortalError::invalid("leave", "its provider collects: tick it")),
            ),
            operator("/operator/plugins/1/remove"),
        ),
    ]
}

pub(crate) fn all() -> Vec<(&'static str, Content, Frame)> {
    [pages(), calls()].concat()
}

/// One that was to reach a machine of the operator's own.
fn not_granted() -> PluginView {
    let why = "it says that its settings do not work: the mail server: 10.1.2.3: 10.1.2.3 is a \
               private network; grant the private address 10.1.2.3/32:587 to allow it (--private \
               on a command line)";
    view("Mail", PluginState::Stopped, Some(why))
}

fn pages() -> Vec<(&'static str, Content, Frame)> {
    let list = || operator("/operator/plugins");
    let one = || operator("/operator/plugins/1");
    let show = |plugin| Content::Plugin { plugin, form: FormState::default() };
    let fresh = PluginView {
        jobs: Vec::new(),
        calls: Vec::new(),
        secrets: Vec::new(),
        missing: Vec::new(),
        publisher: None,
        versions: Vec::new(),
        ..view("Desk", PluginState::Disabled, None)
    };
    let error = PortalError::Unavailable { message: "it broke: a panic at lib.rs:7".to_owned() };
    vec![
        ("plugins-none", Content::Plugins(Vec::new()), list()),
        (
            "plugins",
            Content::Plugins(vec![
                row(1, "Help desk", PluginState::Enabled),
                row(2, "Webhook", PluginState::Resting),
                row(3, HOSTILE, PluginState::Stopped),
                row(4, "Chat", PluginState::Disabled),
                row(5, "Mail", PluginState::Failing),
                row(6, "Room", PluginState::Unloaded),
            ]),
            list(),
        ),
        ("plugin", show(view("Help desk", PluginState::Enabled, None)), one()),
        (
            "plugin-resting",
            show(view("Help desk", PluginState::Resting, Some("unavailable: no answer"))),
            one(),
        ),
        (
            "plugin-revoked",
            show(view(
                "Help desk",
                PluginState::Stopped,
                Some("an operator revoked its publisher's key, RWSS: it was stolen"),
            )),
            one(),
        ),
        (
            "plugin-stopped",
            show(view(
                HOSTILE,
                PluginState::Stopped,
                Some("it says that its settings do not work"),
            )),
            one(),
        ),
        ("plugin-not-granted", show(not_granted()), one()),
        ("plugin-disabled", Content::Plugin { plugin: fresh, form: refused(&[], error) }, one()),
        (
            "plugin-trial",
            Content::PluginTrial(trial(None, vec!["Remember seen/7 (3 bytes)".to_owned()], false)),
            operator("/operator/plugins/1/calls/5/try"),
        ),
        (
            "plugin-trial-failed",
            Content::PluginTrial(trial(Some("it broke: a panic at lib.rs:7"), Vec::new(), true)),
            operator("/operator/plugins/1/calls/5/try"),
        ),
    ]
}
