//! The words of a plugin's page.

use myrelay_domain::ids::InstallationId;

use crate::{
    components::{Column, StateWord, Tone},
    contract::{
        PluginCallRow, PluginLimits, PluginLogLine, PluginRequestRow, PluginState, SetLimit,
    },
    quantities,
};

pub(crate) const FACTS: &str = "About it";
pub(crate) const ID: &str = "Called";
pub(crate) const VERSION: &str = "Version";
pub(crate) const INSTALLED: &str = "Installed";
pub(crate) const ON_THEIR_WAY: &str = "Events and messages";
pub(crate) const CAPABILITIES: &str = "What it may do";
pub(crate) const ABOUT_GRANTS: &str = "Hosts and private addresses are granted where it is \
     installed: send its package once more, the same version too, and the next page asks which. \
     Settings, secrets and what it remembers stay.";
pub(crate) const GRANT: &str = "Install it once more to grant that";
pub(crate) const GRANT_AGAIN: &str = "Install it with other grants";
pub(crate) const GRANT_AT: &str = "/operator/plugins/install";
pub(crate) const SETTINGS: &str = "Settings and secrets";
pub(crate) const MAY_USE: &str = "What it may use";
pub(crate) const HOOK: &str = "Its provider reports to";
pub(crate) const NO_SETTINGS: &str = "It has no settings.";
pub(crate) const CHANGE: &str = "Change settings and secrets";
pub(crate) const GIVEN: &str = "Given. Nobody can read it here, and the plugin cannot either.";
pub(crate) const MISSING: &str = "Not given.";
pub(crate) const CALLS: &str = "The last calls";
pub(crate) const NO_CALLS: &str = "It was not called yet.";
pub(crate) const ALL_CALLS: &str = "All calls";
pub(crate) const DELIVERY: &str = "Delivery";
pub(crate) const ITS_CALLS: &str = "Its calls";
pub(crate) const ITS_MESSAGES: &str = "Its messages";
pub(crate) const DETAILS: &str = "Details";
pub(crate) const INPUT: &str = "What it was asked";
pub(crate) const ANSWER: &str = "What it answered";
pub(crate) const REQUESTS: &str = "Requests";
pub(crate) const BACKTRACE: &str = "Where it broke";
pub(crate) const LOG: &str = "Log";
pub(crate) const LIMITS: &str = "Used, of what it may use";
pub(crate) const TRY_CALL: &str = "Try this call again";
pub(crate) const PUBLISHER: &str = "Signed by";
pub(crate) const NOBODY: &str = "Nobody";
pub(crate) const VERSIONS: &str = "Earlier versions";
pub(crate) const ABOUT_VERSIONS: &str = "Going back takes the settings and the grants of then. What \
                                         the plugin remembers and its secrets stay.";
pub(crate) const REPLACED: &str = "Replaced";
pub(crate) const DEAD: &str = "Given up";
pub(crate) const REPLAY_ALL: &str = "Try all again";
pub(crate) const REPLAY: &str = "Try again";
pub(crate) const REPLAY_FROM: &str = "Try this and all after it";
pub(crate) const ENABLE: &str = "Enable this plugin";
pub(crate) const TRY_NOW: &str = "Try what waits now";
pub(crate) const TRY_AGAIN: &str = "Let it go on now";
pub(crate) const DISABLE: &str = "Disable this plugin";
pub(crate) const REMOVE: &str = "Remove this plugin";

pub(crate) const EVENT: Column = ("Event", false);
pub(crate) const FAILURE: Column = ("What it said", false);
pub(crate) const TRIES: Column = ("Tries", true);
pub(crate) const WHEN: Column = ("Given up", false);
pub(crate) const ACTION: Column = ("Do", false);
pub(crate) const DEAD_COLUMNS: &[Column] = &[EVENT, FAILURE, TRIES, WHEN, ACTION];

pub(crate) const JOBS: &str = "At set times";
pub(crate) const JOB: Column = ("Job", false);
pub(crate) const TIMES: Column = ("When (cron, UTC)", false);
pub(crate) const NEXT: Column = ("Next", false);
pub(crate) const LAST: Column = ("Last", false);
pub(crate) const RUN: &str = "Run now";
pub(crate) const JOB_COLUMNS: &[Column] = &[JOB, TIMES, NEXT, LAST, ACTION];
pub(crate) const NOT_NOW: &str = "not while it stands still";
pub(crate) const NOT_YET: &str = "not yet";

pub(crate) const NO_SECRET: &str = "Not all of its secrets are given";

/// What that means.
pub(crate) fn no_secret(missing: &[String]) -> String {
    format!("Whatever needs them fails: {}. Give them under \"{SETTINGS}\".", missing.join(", "))
}

/// A limit that an operator set.
pub(crate) fn at_most(limit: SetLimit) -> String {
    format!("{} at most, as an operator set it", limit.kind.amount(limit.number))
}

/// A button's name for those who do not see the row.
pub(crate) fn run(job: &str) -> String {
    format!("{RUN}: {job}")
}

/// The button that goes back to a version.
pub(crate) fn go_back(version: &str) -> String {
    format!("Go back to {version}")
}

/// Why there is no such button.
pub(crate) fn barred(why: &str) -> String {
    format!("It may not run any more: {why}.")
}

/// A button's name for those who do not see the row.
pub(crate) fn replay(event: &str) -> String {
    format!("{REPLAY}: {event}")
}

/// A button's name for those who do not see the row.
pub(crate) fn replay_from(event: &str) -> String {
    format!("{REPLAY_FROM}: {event}")
}

/// A link's name for those who do not see the row.
pub(crate) fn its_calls(event: &str) -> String {
    format!("{ITS_CALLS}: {event}")
}

/// Which version it was.
pub(crate) fn ran(version: &str) -> String {
    format!("Version {version}")
}

/// Whether a delivery's id may stand in an address as it is: all but what providers give do.
pub(crate) fn is_plain(delivery: &str) -> bool {
    delivery.bytes().all(|it| it.is_ascii_alphanumeric() || b"-._~".contains(&it))
}

/// Where the messages that it carries are listed, but for those that arrived.
pub(crate) fn messages(plugin: &InstallationId) -> String {
    format!("/operator/plugins/messages?plugin={plugin}")
}

/// Where all tries of a delivery are read.
pub(crate) fn tries(path: &str, delivery: &str) -> String {
    format!("{path}/calls?delivery={delivery}")
}

/// What a state means; nothing where all is well.
pub(crate) fn explain(state: PluginState, revoked: bool) -> Option<&'static str> {
    match state {
        _ if revoked => Some(
            "It does not run, and cannot be enabled before `myrelay plugin revoke --undo` takes that \
             back. The reason:",
        ),
        PluginState::Enabled => None,
        PluginState::Failing => Some(
            "It failed the last time. What waits is tried again by itself, and at once if you want \
             that. The last time it said:",
        ),
        PluginState::Resting => Some(
            "It failed several times in a row and is tried again in a while, at most ten minutes. \
             Nothing is lost meanwhile. The last time it said:",
        ),
        PluginState::Stopped => Some(
            "Nothing is delivered to it until you let it go on; events wait for three days. The \
             reason:",
        ),
        PluginState::Unloaded => Some(
            "This portal cannot load it, and tries again every minute; events wait for three days. \
             The reason:",
        ),
        PluginState::Disabled => {
            Some("It hears of nothing that happens while it is disabled, afterwards neither.")
        }
    }
}

/// Whether a reason is that something was not granted: the portal says so in these words, and plugins
/// pass them on.
pub(crate) fn lacks_a_grant(why: &str) -> bool {
    why.contains("grant the private address ") || why.contains("the operator has not granted ")
}

/// What an operator has to know before trying once more what nobody knows the end of.
pub(crate) fn may_have_arrived(failure: &str) -> Option<&'static str> {
    failure
        .starts_with("indeterminate")
        .then_some("It may have arrived: tried again, it may arrive twice. ")
}

/// Who signed a version.
pub(crate) fn signed(key_id: Option<&str>) -> String {
    key_id.map_or_else(|| "Nobody signed it".to_owned(), |it| format!("Signed with the key {it}"))
}

/// How many events and messages are on their way, and how many were given up.
pub(crate) fn waiting(waiting: u32, dead: u32) -> String {
    format!("{waiting} on their way, {dead} given up")
}

/// What was called, what about, and which try it was.
pub(crate) fn what(call: &PluginCallRow) -> String {
    let about = call.about.as_ref().map_or_else(String::new, |it| format!(": {it}"));
    let attempt = if call.attempt < 2 { String::new() } else { format!(", try {}", call.attempt) };
    format!("{}{about}{attempt}", call.call)
}

/// What a call took.
pub(crate) fn used(call: &PluginCallRow) -> String {
    let memory = quantities::memory(call.memory);
    format!("{} of CPU, {} altogether, {memory}", ms(call.cpu_us), ms(call.wall_us))
}

fn ms(us: u64) -> String {
    format!("{}.{} ms", us / 1000, us % 1000 / 100)
}

/// What there is to read about a call, each with its title.
pub(crate) fn parts(call: &PluginCallRow) -> Vec<(&'static str, String)> {
    let lines = |all: Vec<String>| (!all.is_empty()).then(|| all.join("\n"));
    let request = |it: &PluginRequestRow| {
        format!("+{} ms  {} → {} ({} ms)", it.began_ms, it.what, it.result, it.took_ms)
    };
    let line = |it: &PluginLogLine| format!("{}: {}", it.level, it.message);
    let log = call.log.iter().map(line).chain(dropped(call.logs_dropped));
    let all = [
        (INPUT, call.input.clone()),
        (ANSWER, call.answer.clone()),
        (REQUESTS, lines(call.http.iter().map(request).collect())),
        (BACKTRACE, call.backtrace.clone()),
        (LOG, lines(log.collect())),
        (LIMITS, call.limits.map(|it| limits(call, it))),
    ];
    all.into_iter().filter_map(|(title, text)| Some((title, text?))).collect()
}

/// What is said of the lines of a log that were too many. Each of the others begins with its level.
fn dropped(lines: u64) -> Option<String> {
    match lines {
        0 => None,
        1 => Some("1 more line was dropped".to_owned()),
        many => Some(format!("{many} more lines were dropped")),
    }
}

fn limits(call: &PluginCallRow, limits: PluginLimits) -> String {
    let memory = quantities::memory;
    [
        format!("CPU      {} of {}", ms(call.cpu_us), ms(limits.cpu_us)),
        format!("clock    {} of {}", ms(call.wall_us), ms(limits.wall_us)),
        format!("memory   {} of {}", memory(call.memory), memory(limits.memory)),
        format!("requests {} of {}", call.requests, limits.requests),
    ]
    .join("\n")
}

// How it does.
pub(crate) const HEALTH: &str = "How it does";
pub(crate) const CIRCUIT: &str = "Now";
pub(crate) const AGAIN: &str = "It is tried again";
pub(crate) const LAST_DAY: &str = "Calls of the last day";
pub(crate) const TOOK: &str = "How long they took";
pub(crate) const ASK: &str = "Ask how it is";
pub(crate) const SAID: &str = "Asked how it is, it said";
pub(crate) const PICTURE: &str = "The calls of the last 24 hours, hour by hour";
pub(crate) const LEGEND: &str = "24 hours, the last one on the right. Below what went well, on top \
     what failed.";
pub(crate) const AS_TABLE: &str = "Show as a table";
pub(crate) const HOUR: Column = ("From", false);
pub(crate) const WELL: Column = ("Went well", true);
pub(crate) const FAILED: Column = ("Failed", true);
pub(crate) const HOUR_COLUMNS: &[Column] = &[HOUR, WELL, FAILED];

/// Whether it is called.
pub(crate) fn circuit(failures: u32, rests: bool) -> String {
    let times = if failures == 1 { "once".to_owned() } else { format!("{failures} times") };
    match (failures, rests) {
        (0, _) => "It is called as usual.".to_owned(),
        (_, true) => format!("It failed {times} in a row, and is left in peace."),
        (_, false) => format!("It failed {times} in a row, and is tried."),
    }
}

/// What it said of itself, in a word.
pub(crate) fn how(well: bool) -> StateWord {
    match well {
        true => StateWord { word: "OK", tone: Tone::Good },
        false => StateWord { word: "Not OK", tone: Tone::Bad },
    }
}

/// How many calls went well.
pub(crate) fn share(calls: u32, failed: u32, cut: bool) -> String {
    if calls == 0 {
        return "None.".to_owned();
    }
    let well = calls.saturating_sub(failed);
    let tenths = u64::from(well) * 1000 / u64::from(calls);
    let last = if cut { "the last " } else { "" };
    format!("{well} of {last}{calls} went well: {}.{} %", tenths / 10, tenths % 10)
}

/// How long half of them, and nearly all of them, took.
pub(crate) fn took(half_us: Option<u64>, most_us: Option<u64>) -> String {
    match (half_us, most_us) {
        (Some(half), Some(most)) => {
            format!("Half of them up to {}, 99 of 100 up to {}", ms(half), ms(most))
        }
        _ => "–".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_portals_own_words_lead_to_grants() {
        for why in [
            "denied: 10.1.2.3 is a private network; grant the private address 10.1.2.3/32:587 to \
             allow it (--private on a command line)",
            "invalid-config: in clear mails go only to private addresses that are granted; grant the \
             private address of the server with port 25 (--private on a command line)",
            "unavailable: the operator has not granted http with POST to api.example.org",
        ] {
            assert!(lacks_a_grant(why), "{why}");
        }
        for why in ["denied: the service says invalid_grant", "the grant type is unknown"] {
            assert!(!lacks_a_grant(why), "{why}");
        }
    }
}
