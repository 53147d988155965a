//! The words that several screens share. A screen's own words stand in its `texts.rs`: a
//! translation replaces these files and nothing else.

use crate::contract::{ConnectionView, PortalError};

pub(crate) const PRODUCT: &str = "MyRelay";
pub(crate) const SKIP: &str = "Skip to the content";
pub(crate) const CANCEL: &str = "Keep it as it is";
/// The way out where nothing is there yet.
pub(crate) const LEAVE: &str = "Not now";
pub(crate) const NEXT_PAGE: &str = "Next page";
pub(crate) const NO_VALUE: &str = "–";

// The navigation.
pub(crate) const NAV_ACCOUNT: &str = "Your account";
pub(crate) const NAV_OPERATOR: &str = "Operator pages";
pub(crate) const NAV_HOME: &str = "Locations";
pub(crate) const NAV_PLAN: &str = "Plan";
pub(crate) const NAV_NOTIFICATIONS: &str = "Notifications";
pub(crate) const NAV_OVERVIEW: &str = "Overview";
pub(crate) const NAV_NODES: &str = "Nodes";
pub(crate) const NAV_PODS: &str = "Pods";
pub(crate) const NAV_ACCOUNTS: &str = "Accounts";
pub(crate) const NAV_PLANS: &str = "Plans";
pub(crate) const NAV_PAYMENTS: &str = "Payments";
pub(crate) const NAV_PLUGINS: &str = "Plugins";
pub(crate) const SIGN_IN: &str = "Sign in";
pub(crate) const SIGN_UP: &str = "Create an account";
pub(crate) const SIGN_OUT: &str = "Sign out";
pub(crate) const OPERATOR_MARK: &str = "Operator";

pub(crate) const FOOTER: &str = "Private keys are made on your devices and stay there. Connections and destinations are not \
     recorded.";

// What forms ask for.
pub(crate) const EMAIL: &str = "E-mail address";
pub(crate) const PASSWORD: &str = "Password";

// States.
pub(crate) const WAITING_FOR_NODE: &str = "Waiting for the node";
pub(crate) const NODE_AWAY: &str = "Node away";
pub(crate) const POD_READY: &str = "Ready";
pub(crate) const POD_FAULTY: &str = "Not working";
pub(crate) const POD_THROTTLED: &str = "Over quota, slowed";
pub(crate) const POD_STOPPED: &str = "Over quota";
pub(crate) const PAUSED: &str = "Paused";
pub(crate) const POD_UNPAID: &str = "Not paid";
pub(crate) const DEVICE_READY: &str = "Ready";
pub(crate) const NODE_AWAITING: &str = "Waiting to join";
pub(crate) const NODE_IN_CONTACT: &str = "In contact";
pub(crate) const NODE_FAULTY: &str = "Pods not working";
pub(crate) const NODE_TROUBLED: &str = "Look at it";
pub(crate) const NODE_DRAINING: &str = "Draining";
pub(crate) const NODE_QUARANTINED: &str = "Quarantined";
pub(crate) const NODE_RETIRED: &str = "Retired";
pub(crate) const PLUGIN_ENABLED: &str = "Enabled";
pub(crate) const PLUGIN_FAILING: &str = "Failing";
pub(crate) const PLUGIN_RESTING: &str = "Resting";
pub(crate) const PLUGIN_STOPPED: &str = "Stopped";
pub(crate) const PLUGIN_UNLOADED: &str = "Not loaded";
pub(crate) const PLUGIN_DISABLED: &str = "Disabled";
pub(crate) const CHANNEL_UNVERIFIED: &str = "Not confirmed";
pub(crate) const CHANNEL_VERIFIED: &str = "Confirmed";
pub(crate) const CHANNEL_UNREACHABLE: &str = "Not reached";
pub(crate) const CHANNEL_OFF: &str = "Switched off";
pub(crate) const MESSAGE_WAITING: &str = "On its way";
pub(crate) const MESSAGE_DELIVERED: &str = "Delivered";
pub(crate) const MESSAGE_GIVEN_UP: &str = "Not delivered";
pub(crate) const MESSAGE_DROPPED: &str = "Not sent";
pub(crate) const ACCOUNT_ACTIVE: &str = "Active";
pub(crate) const ACCOUNT_SUSPENDED: &str = "Suspended";
pub(crate) const SUBSCRIPTION_PENDING: &str = "Not paid yet";
pub(crate) const SUBSCRIPTION_ACTIVE: &str = "Active";
pub(crate) const SUBSCRIPTION_PAST_DUE: &str = "Past due";
pub(crate) const SUBSCRIPTION_ENDED: &str = "Ended";
pub(crate) const INVOICE_OPEN: &str = "Open";
pub(crate) const INVOICE_PENDING: &str = "On its way";
pub(crate) const INVOICE_PAID: &str = "Paid";
pub(crate) const INVOICE_VOID: &str = "Void";
pub(crate) const CONNECTED: &str = "Connected";
pub(crate) const NOT_CONNECTED: &str = "Not connected";

// Asking the node about a device.
pub(crate) const CHECK: &str = "Check connection";
pub(crate) const CHECK_HINT: &str =
    "Asks the node now whether this device has shaken hands lately. The answer is not stored.";

// What went wrong.
pub(crate) const ERROR_TITLE: &str = "There is a problem";
pub(crate) const ERROR_PREFIX: &str = "Error: ";

/// What to do after an error, and what was not lost.
pub(crate) fn after(error: &PortalError) -> &'static str {
    match error {
        PortalError::Invalid { .. } => "Nothing was changed, and what you typed is still here.",
        PortalError::SignedOut => "Sign in, then do it again. Nothing was changed.",
        PortalError::Unreachable => {
            "What you typed is still here. We cannot tell whether the request arrived."
        }
        PortalError::Busy { .. } | PortalError::Unavailable { .. } => {
            "Nothing was changed. Try again in a moment."
        }
        _ => "Nothing was changed.",
    }
}

/// What it means that a plan is not paid for; `is_new`: nothing was ever served.
pub(crate) fn unpaid(is_new: bool) -> (&'static str, &'static str) {
    if is_new {
        (
            "Choose a plan and pay for it first",
            "You can add your first location when a payment has arrived.",
        )
    } else {
        (
            "Your locations rest until you pay",
            "The plan is not paid for, so no traffic passes. Nothing is deleted: your devices come \
             back with the same keys and addresses when a payment has arrived.",
        )
    }
}

/// What the node said about a device, and what to do.
pub(crate) fn explain_connection(connection: ConnectionView) -> &'static str {
    match connection {
        ConnectionView::Connected => {
            "The device and the node have shaken hands in the last minutes."
        }
        ConnectionView::NotConnected => {
            "The node has this device and has not heard from it lately. Switch the tunnel on, open \
             any page on the device, and check again."
        }
        ConnectionView::NotApplied => {
            "The node does not have this device yet. It gets it as soon as it is in contact."
        }
        ConnectionView::NodeAway => {
            "The node did not answer. Tunnels that exist may still work; check again in a moment."
        }
    }
}

/// An error as a sentence: the first letter large.
pub(crate) fn sentence(error: &PortalError) -> String {
    capital(error.to_string())
}

/// A text with its first letter large.
pub(crate) fn capital(text: String) -> String {
    let mut letters = text.chars();
    match letters.next() {
        // ASCII only: the table for the rest is ten kilobytes of what a browser loads.
        Some(first) => format!("{}{}", first.to_ascii_uppercase(), letters.as_str()),
        None => text,
    }
}

/// A count and its noun: `1 device`, `3 devices`.
pub(crate) fn count(count: u32, one: &str, many: &str) -> String {
    format!("{count} {}", if count == 1 { one } else { many })
}

/// How many devices.
pub(crate) fn devices(number: u32) -> String {
    count(number, "device", "devices")
}

/// How many pods.
pub(crate) fn pods(number: u32) -> String {
    count(number, "pod", "pods")
}

/// How far a moment is from now, in its largest unit. Both in milliseconds.
pub(crate) fn relative(at: i64, now: i64) -> String {
    let seconds = now.saturating_sub(at) / 1000;
    let (number, unit) = match seconds.unsigned_abs() {
        0..10 => return "just now".to_owned(),
        it @ 10..60 => (it, "second"),
        it @ 60..3600 => (it / 60, "minute"),
        it @ 3600..86_400 => (it / 3600, "hour"),
        it @ 86_400..2_592_000 => (it / 86_400, "day"),
        it @ 2_592_000..31_536_000 => (it / 2_592_000, "month"),
        it => (it / 31_536_000, "year"),
    };
    let plural = if number == 1 { "" } else { "s" };
    if seconds < 0 {
        format!("in {number} {unit}{plural}")
    } else {
        format!("{number} {unit}{plural} ago")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_time_is_told_in_its_largest_unit() {
        let now = 1_800_000_000_000;
        for (ago, told) in [
            (0, "just now"),
            (9_999, "just now"),
            (-9_999, "just now"),
            (45_000, "45 seconds ago"),
            (60_000, "1 minute ago"),
            (-540_000, "in 9 minutes"),
            (7_200_000, "2 hours ago"),
            (86_400_000 * 45, "1 month ago"),
        ] {
            assert_eq!(relative(now - ago, now), told);
        }
        assert!(relative(i64::MIN, i64::MAX).ends_with("years ago"));
    }

    #[test]
    fn an_error_opens_with_a_large_letter() {
        assert_eq!(sentence(&PortalError::SignedOut), "Sign in first");
        assert_eq!(sentence(&PortalError::invalid("name", "")), "");
        assert_eq!(sentence(&PortalError::invalid("name", "a name")), "A name");
    }
}
