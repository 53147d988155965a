//! What a version of a plugin asks for, beside what the one before asked for.

use myrelay_app::contract::{AskedRow, CapabilityChange, CapabilityRow, HostBar};
use myrelay_plugin_host::{HttpRule, Limits, Manifest, PrivateNet, Verdict};

use super::views::{capabilities, request};

/// What is asked for, each with what it is to the version before; what is asked for no more comes
/// last.
pub(crate) fn compare(before: Option<&Manifest>, after: &Manifest) -> Vec<AskedRow> {
    let row = |it: CapabilityRow, change| AskedRow {
        what: it.what,
        reason: it.reason,
        change,
        bar: None,
    };
    let asked = rows(after);
    let Some(before) = before else {
        return asked.into_iter().map(|it| row(it, None)).collect();
    };
    let old = rows(before);
    let is_in =
        |all: &[CapabilityRow], one: &CapabilityRow| all.iter().any(|it| it.what == one.what);
    let less = no_more(before, after);
    let changed = |it: CapabilityRow| {
        let is_same = is_in(&old, &it) || less.contains(&it.what);
        let change = if is_same { CapabilityChange::Same } else { CapabilityChange::Added };
        row(it, Some(change))
    };
    let (had, has) = (amounts(before), amounts(after));
    let is_gone = |it: &CapabilityRow| {
        // Another amount of the same is the same.
        let amount = had.iter().position(|(what, _)| *what == it.what);
        let is_other = amount.is_some_and(|at| has.iter().any(|(_, kind)| *kind == had[at].1));
        !is_in(&asked, it) && !is_other
    };
    let gone: Vec<_> = old.iter().filter(|it| is_gone(it)).cloned().collect();
    let gone = gone.into_iter().map(|it| row(it, Some(CapabilityChange::Removed)));
    asked.clone().into_iter().map(changed).chain(gone).collect()
}

/// What is asked for with what keeps its hosts from being reached, with the private addresses that
/// are granted for each request.
pub(crate) fn with_bars(
    mut rows: Vec<AskedRow>,
    manifest: &Manifest,
    granted: impl Fn(&HttpRule) -> Vec<PrivateNet>,
) -> Vec<AskedRow> {
    for row in &mut rows {
        let asked = manifest.http.iter().find(|it| request(&it.rule) == row.what);
        row.bar = asked.and_then(|it| bar(&it.rule, &granted(&it.rule)));
    }
    rows
}

/// The private addresses in lines that somebody typed; a line that is none counts for nothing.
pub(crate) fn typed_private(lines: &str) -> Vec<PrivateNet> {
    lines.lines().filter_map(|it| it.trim().parse().ok()).collect()
}

fn bar(rule: &HttpRule, granted: &[PrivateNet]) -> Option<HostBar> {
    let host = rule.host.to_string();
    match rule.verdict()? {
        (_, Verdict::Public) => None,
        (at, Verdict::Private(_)) if granted.iter().any(|it| it.covers(at)) => None,
        (at, Verdict::Private(what)) => {
            let address = PrivateNet::of(at).to_string();
            Some(HostBar::Private { host, what: what.to_owned(), address })
        }
        (_, Verdict::Never(what)) => Some(HostBar::Never { host, what: what.to_owned() }),
    }
}

/// Whether it asks for more than before.
pub(crate) fn grows(rows: &[AskedRow]) -> bool {
    rows.iter().any(|it| it.change == Some(CapabilityChange::Added))
}

/// What is asked for, with a row for each event.
fn rows(manifest: &Manifest) -> Vec<CapabilityRow> {
    let quiet = Manifest { events: Vec::new(), ..manifest.clone() };
    let mut rows = capabilities(&quiet);
    for event in &manifest.events {
        let one = Manifest { events: vec![event.clone()], ..manifest.clone() };
        for row in without(&one, &quiet) {
            // That it listens at all is one thing, whatever it listens to.
            if rows.iter().all(|it| it.what != row.what) {
                rows.push(row);
            }
        }
    }
    rows
}

/// The rows that one asks for and the other does not.
fn without(one: &Manifest, other: &Manifest) -> Vec<CapabilityRow> {
    let others = capabilities(other);
    let mut rows = capabilities(one);
    rows.retain(|it| others.iter().all(|other| other.what != it.what));
    rows
}

/// What is asked for in amounts.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Amount {
    Kv,
    Memory,
}

/// The rows with amounts.
fn amounts(manifest: &Manifest) -> Vec<(String, Amount)> {
    let no_kv = Manifest { kv: None, ..manifest.clone() };
    let no_memory = Manifest { memory_mib: None, ..manifest.clone() };
    let of = |other: &Manifest, kind| {
        without(manifest, other).into_iter().map(move |it| (it.what, kind)).collect::<Vec<_>>()
    };
    [of(&no_kv, Amount::Kv), of(&no_memory, Amount::Memory)].concat()
}

/// The rows with amounts that are not larger than before.
fn no_more(before: &Manifest, after: &Manifest) -> Vec<String> {
    let (had, has) = (Limits::asked(before), Limits::asked(after));
    let fits = |kind: Amount| match kind {
        Amount::Kv => before.kv.is_some() && has.kv_bytes <= had.kv_bytes,
        Amount::Memory => has.memory_bytes <= had.memory_bytes,
    };
    amounts(after).into_iter().filter(|(_, kind)| fits(*kind)).map(|(what, _)| what).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::plugins::testing;

    /// The manifest of a plugin that listens to these events, with something said otherwise.
    fn manifest(events: &[&str], from: &str, to: &str) -> Manifest {
        let text = testing::manifest("dev.example.one", events);
        assert!(text.contains(from), "{text}");
        Manifest::parse(&text.replace(from, to)).unwrap()
    }

    fn changes(before: &Manifest, after: &Manifest) -> Vec<(CapabilityChange, String)> {
        let rows = compare(Some(before), after).into_iter();
        let changed = rows.filter_map(|it| Some((it.change?, it.what)));
        changed.filter(|(change, _)| *change != CapabilityChange::Same).collect()
    }

    #[test]
    fn what_is_new_and_what_is_gone_is_told_by_each_thing() {
        let before = manifest(&["account.created.v1", "pod.created.v1"], "", "");
        assert_eq!(changes(&before, &before), []);
        let after = manifest(&["account.created.v1", "pod.deleted.v1"], "\"POST\"", "\"PUT\"");
        assert_eq!(
            changes(&before, &after),
            [
                (CapabilityChange::Added, "PUT https://api.example.org/".to_owned()),
                (CapabilityChange::Added, "Hear of pod.deleted.v1".to_owned()),
                (CapabilityChange::Removed, "POST https://api.example.org/".to_owned()),
                (CapabilityChange::Removed, "Hear of pod.created.v1".to_owned()),
            ]
        );
        assert!(grows(&compare(Some(&before), &after)));
        assert!(compare(None, &after).iter().all(|it| it.change.is_none()));
        assert!(!grows(&compare(None, &after)));
    }

    #[test]
    fn nothing_that_is_asked_for_stands_there_twice() {
        let webhook = include_str!("../../../plugins/webhook/plugin.toml");
        let rows = compare(None, &Manifest::parse(webhook).unwrap());
        let mut told: Vec<_> = rows.iter().map(|it| it.what.as_str()).collect();
        assert!(told.contains(&"Listen to events"), "{told:?}");
        assert!(told.contains(&"Hear of usage.quota-80.v1"), "{told:?}");
        let all = told.len();
        told.sort_unstable();
        told.dedup();
        assert_eq!(told.len(), all, "{told:?}");
    }

    #[test]
    fn a_host_that_is_not_reached_is_told_unless_it_is_granted() {
        let bars = |host: &str, private: &str| {
            let text = testing::manifest("dev.example.one", &["account.created.v1"]);
            let manifest = Manifest::parse(&text.replace("api.example.org", host)).unwrap();
            let granted = typed_private(private);
            let rows = with_bars(compare(None, &manifest), &manifest, |_| granted.clone());
            rows.iter().filter_map(|it| Some(it.bar.as_ref()?.words())).collect::<Vec<_>>()
        };
        let nothing: [String; 0] = [];
        assert_eq!(bars("api.example.org", ""), nothing);
        assert_eq!(bars("8.8.8.8", ""), nothing);
        for (host, private) in [("10.1.2.3", "10.1.2.3/32:443"), ("localhost", "127.0.0.1/32:443")]
        {
            for other in ["", "nowhere", "10.1.2.4/32:443", "10.1.2.3/32:80"] {
                let told = bars(host, other);
                assert_eq!(told.len(), 1, "{host} {other}: {told:?}");
                assert!(told[0].starts_with(host) && told[0].contains(private), "{told:?}");
            }
            assert_eq!(bars(host, &format!("192.168.0.0/16:443\n {private}\n")), nothing);
        }
        assert_eq!(bars("10.1.2.3", "10.0.0.0/8:443"), nothing);
        let never = bars("169.254.169.254", "169.254.169.254/32:443");
        assert!(never[0].contains("no grant changes that"), "{never:?}");
    }

    #[test]
    fn a_larger_amount_is_more_and_a_smaller_one_is_not() {
        let events = ["account.created.v1"];
        let with = |kv: &str, memory: &str| {
            let limits = format!("{kv}\nevents");
            let text = testing::manifest("dev.example.one", &events);
            let text = text.replace("kv = {}\nevents", &limits);
            Manifest::parse(&format!("{text}[limits]\nmemory_mib = {memory}\n")).unwrap()
        };
        let small = with("kv = { max_bytes = 1000 }", "32");
        let large = with("kv = { max_bytes = 2000 }", "128");
        let nothing = with("", "32");
        assert_eq!(changes(&large, &small), []);
        let more: Vec<_> = changes(&small, &large).into_iter().map(|it| it.0).collect();
        assert_eq!(more, [CapabilityChange::Added, CapabilityChange::Added]);
        assert!(grows(&compare(Some(&nothing), &small)));
        let less: Vec<_> = changes(&small, &nothing).into_iter().map(|it| it.0).collect();
        assert_eq!(less, [CapabilityChange::Removed]);
    }
}
