//! The words of the front page.

use myrelay_domain::plan::PlanLimits;

pub(crate) const TITLE: &str = "A VPN that never holds your keys";
pub(crate) const LEDE: &str = "Your browser makes the key of each device. We get the public half, \
     give you an address, and run a WireGuard interface that is yours alone.";
pub(crate) const SIGN_IN: &str = "I have an account";
pub(crate) const PICTURE_DEVICE: &str = "Your device";
pub(crate) const PICTURE_DEVICE_HOLDS: &str = "holds the private key";
pub(crate) const PICTURE_NODE: &str = "Your pod on a node";
pub(crate) const PICTURE_NODE_HOLDS: &str = "knows the public key";
pub(crate) const PROMISES: &str = "What we promise";

/// What we promise, and how.
pub(crate) const PROMISE: [(&str, &str); 3] = [
    (
        "Your keys stay with you",
        "A request that names a private key is refused. What was sent is shown to you, word for \
         word.",
    ),
    (
        "An interface of your own",
        "In every location you have your own WireGuard interface, with its own key, port and \
         addresses. Nobody else is on it.",
    ),
    (
        "Nothing to look back on",
        "No connection logs, no stored client addresses, no destinations. Whether a device is connected \
         is asked of the node when you ask, and stored nowhere.",
    ),
];

pub(crate) const STEPS: &str = "Working in two minutes";

/// What a new customer does.
pub(crate) const STEP: [(&str, &str); 3] = [
    ("Pick a location", "Your own interface is made there within a second."),
    ("Name your device", "The key pair is made in your browser, on your device."),
    (
        "Scan or save",
        "Use the stock WireGuard app of your system. There is nothing of ours to install.",
    ),
];

pub(crate) const PRICE: &str = "What it costs";

/// What an account gets.
pub(crate) fn price() -> String {
    let limits = PlanLimits::FREE;
    format!(
        "The free plan has {} locations with {} devices each. It needs an e-mail address and a \
         password, and no payment.",
        limits.pods, limits.devices_per_pod
    )
}
