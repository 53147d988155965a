//! The words of the page of a plugin's limits, and of what was set there.

use crate::contract::{KeptLimit, LimitField, LimitKind};

pub(crate) const LEDE: &str = "What one call may use, and how much is remembered. A change counts \
     from the next call on, and stays when another version is installed. The plugin looks at its \
     settings with it first: what it cannot do that with is not saved.";
pub(crate) const USED: &str = "What calls used of it stands in their details:";
pub(crate) const CALLS: &str = "all calls";
pub(crate) const REFUSED: &str = "Nothing was changed.";
pub(crate) const DEFAULTS: &str = "Back to the defaults";
pub(crate) const USUAL: &str = "It has the usual limits.";
pub(crate) const LIMITS: &str = "Limits";
pub(crate) const KEPT: &str = "Your limits stay";

/// The heading.
pub(crate) fn limits_of(name: &str) -> String {
    format!("Limits of {name}")
}

/// What a limit is called.
pub(crate) fn name(kind: LimitKind) -> &'static str {
    match kind {
        LimitKind::Cpu => "CPU time of a call",
        LimitKind::Wall => "Time of a call by the clock",
        LimitKind::Memory => "Memory of a call",
        LimitKind::Requests => "Requests in a call",
        LimitKind::Store => "What it remembers",
    }
}

/// The same on the form, with the unit.
pub(crate) fn label(kind: LimitKind) -> String {
    let unit = match kind {
        LimitKind::Cpu | LimitKind::Wall => ", in milliseconds",
        LimitKind::Memory => ", in MiB",
        LimitKind::Requests => "",
        LimitKind::Store => ", in KiB",
    };
    format!("{}{unit}", name(kind))
}

/// What it keeps from happening.
fn protects(kind: LimitKind) -> &'static str {
    match kind {
        LimitKind::Cpu => {
            "So that a plugin that computes without end holds up no other. Waiting costs none of \
             it. A number here counts for every call."
        }
        LimitKind::Wall => {
            "So that a call that waits for its provider gives its place back. A number here counts \
             for every call, but those that somebody waits for, a checkout, a refund, a provider's \
             page, the confirmation of a channel and a report, get 18000 ms at most. Providers wait \
             about ten seconds for an answer to a report."
        }
        LimitKind::Memory => {
            "So that one plugin does not take what all share: eight of its calls may run at a time."
        }
        LimitKind::Requests => {
            "So that a plugin floods nobody whom it may reach. Mails that it hands over count too."
        }
        LimitKind::Store => {
            "So that it does not fill the database. What it remembers already stays, but it \
             remembers no more beyond this."
        }
    }
}

/// What stands above an input: what for, from where to where, and what it is usually.
pub(crate) fn hint(field: &LimitField) -> String {
    let (kind, unit) = (field.kind, field.kind.unit());
    let bounds = format!("{} to {}.", field.least / unit, field.most / unit);
    let usual = match (kind, field.usual) {
        (_, Some(usual)) => kind.amount(usual),
        (LimitKind::Wall, None) => {
            "500 ms for prices, 2000 ms for a look at settings, 5000 ms for reports, 15000 ms for \
             messages, 30000 ms to make ready, and 10000 ms for everything else"
                .to_owned()
        }
        (_, None) => "200 ms for prices and reports, and 1000 ms for everything else".to_owned(),
    };
    format!("{} {bounds} Left empty, it is {usual}.", protects(kind))
}

/// What is said where another version asks for more than was set.
pub(crate) fn kept(limits: &[KeptLimit]) -> String {
    let one = |it: &KeptLimit| {
        let (set, asked) = (it.kind.amount(it.number), it.kind.amount(it.asked));
        format!("{}: {set}, and it asks for {asked}.", name(it.kind))
    };
    let all: Vec<String> = limits.iter().map(one).collect();
    format!("{} Change that on its page, under \"{LIMITS}\".", all.join(" "))
}
