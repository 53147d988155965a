//! Messages that did not arrive: none, some in every state, many, and long words.

use myrelay_app::{
    Content, Frame,
    contract::{MessageKind, OutgoingRow, OutgoingState, OutgoingView, OutgoingWanted, Page},
};

use super::{HOSTILE, MINUTE, NOW, id, operator};

fn message(
    number: u128,
    (about, kind): (&str, MessageKind),
    state: OutgoingState,
    (attempts, failure): (u32, Option<&str>),
) -> OutgoingRow {
    OutgoingRow {
        id: id(number),
        about: about.to_owned(),
        kind,
        account: id(100 + number),
        plugin: id(1),
        carrier: if number.is_multiple_of(2) { "Mail" } else { "Telegram" }.to_owned(),
        attempts,
        failure: failure.map(str::to_owned),
        state,
        created_at: NOW - 90 * MINUTE,
    }
}

fn waiting() -> Vec<OutgoingRow> {
    let token = ("A token was made", MessageKind::Security);
    let data = ("80 % of the data is used", MessageKind::Usage);
    let moved = ("A location moved to another server", MessageKind::Service);
    let away = "unavailable: the mail server says 421: try again later";
    vec![
        message(2, token, OutgoingState::Trying, (3, Some(away))),
        message(4, moved, OutgoingState::Later(NOW + 28 * MINUTE), (2, Some(away))),
        message(6, data, OutgoingState::InTurn, (0, None)),
        message(8, data, OutgoingState::Quiet(NOW + 7 * 60 * MINUTE), (0, None)),
        message(9, token, OutgoingState::StandsStill, (0, None)),
    ]
}

fn given_up() -> Vec<OutgoingRow> {
    let (moved, runs_out) = (
        ("A location moved to another server", MessageKind::Service),
        ("Your subscription runs out", MessageKind::Billing),
    );
    let token = ("A token was made", MessageKind::Security);
    let unsure = "indeterminate: the mail server: no answer in time";
    let long = format!("denied: {}{HOSTILE}", "the-mail-server-says-nothing-of-use-".repeat(8));
    let since = |minutes: i64| OutgoingState::GivenUp(NOW - minutes * MINUTE);
    let late = OutgoingState::TooLate(NOW - 4 * 24 * 60 * MINUTE);
    vec![
        message(2, token, since(3), (8, Some("unavailable: api.example.org answers 503"))),
        message(4, moved, since(50), (1, Some(unsure))),
        message(6, runs_out, late, (3, Some("internal: it broke"))),
        OutgoingRow {
            carrier: format!("{HOSTILE} {}", "a plugin with a very long name ".repeat(3)),
            ..message(8, moved, since(700), (12_345, Some(&long)))
        },
        OutgoingRow {
            carrier: "Oneveryverylongwordthatnoplacetobreakisin".repeat(2),
            ..message(10, token, since(701), (8, Some(&"x".repeat(200))))
        },
    ]
}

fn show(
    wanted: OutgoingWanted,
    (waiting, given_up): (u32, u32),
    rows: Vec<OutgoingRow>,
    next: Option<&str>,
) -> Content {
    Content::Outgoing(OutgoingView {
        carrier: wanted.plugin.as_ref().map(|_| HOSTILE.to_owned()),
        wanted,
        waiting,
        given_up,
        messages: Page { rows, next: next.map(str::to_owned) },
    })
}

pub(crate) fn screens() -> Vec<(&'static str, Content, Frame)> {
    let frame = || operator("/operator/plugins/messages");
    let wanted = |given_up| OutgoingWanted { given_up, plugin: None };
    let of_one = |given_up| OutgoingWanted { given_up, plugin: Some("inst_1".to_owned()) };
    let many = || (0..10).flat_map(|_| waiting()).collect();
    vec![
        ("messages", show(wanted(false), (5, 4), waiting(), None), frame()),
        ("messages-none", show(wanted(false), (0, 0), Vec::new(), None), frame()),
        ("messages-none-waits", show(wanted(false), (0, 4), Vec::new(), None), frame()),
        ("messages-many", show(of_one(false), (12_345, 678), many(), Some("dlv_1")), frame()),
        ("messages-given-up", show(wanted(true), (5, 5), given_up(), None), frame()),
        (
            "messages-given-up-of-one",
            show(of_one(true), (12_345, 678), given_up(), Some("dlv_1")),
            frame(),
        ),
        ("messages-none-given-up", show(wanted(true), (5, 0), Vec::new(), None), frame()),
    ]
}
