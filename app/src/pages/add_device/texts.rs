//! The words of the page that adds a device.

pub(crate) const TITLE: &str = "Add a device";

// Step 1.
pub(crate) const NAME_TITLE: &str = "Name it";
pub(crate) const NAME: &str = "Name of the device";
pub(crate) const NAME_HINT: &str =
    "So that you know it in your list, such as Phone or Work laptop.";
pub(crate) const MAKE: &str = "Make the key in this browser";
pub(crate) const MAKING: &str = "Making the key…";
pub(crate) const STARTING: &str = "The key maker is starting. If this stays here, reload the page, or \
     bring a public key of your own.";
pub(crate) const NO_SCRIPT_TITLE: &str = "This part needs JavaScript";
pub(crate) const NO_SCRIPT: &str = "Your browser makes the key, and JavaScript is off. Below you can \
     bring a public key of your own instead.";
pub(crate) const BROKEN_TITLE: &str = "The key maker could not be started";
pub(crate) const BROKEN: &str = "The program that makes keys did not arrive, or is not the one this \
     page was made for, so it was not run. Reload the page, or bring a public key of your own.";
pub(crate) const MAYBE_ADDED: &str = "We cannot tell whether the request arrived. If a device of this \
     name is in your list, remove it: its key is gone. Your text is still here, to try again.";

// Step 2.
pub(crate) const KEY_TITLE: &str = "Its key is made here";
pub(crate) const KEY_LEDE: &str = "Your browser makes a key pair. The private half never leaves this \
     page; the public half and the name are sent.";
pub(crate) const SENT_TITLE: &str = "What did we send?";
pub(crate) const SENT_LEDE: &str = "This is the whole body of the request, as it left your browser. \
     Your browser's developer tools show the same.";

// Step 3.
pub(crate) const SAVE_TITLE: &str = "Put it on the device";
pub(crate) const SAVE_LEDE: &str = "You get the configuration as a QR code and as a file, for the stock \
     WireGuard app.";
pub(crate) const WAITING_TITLE: &str = "Waiting for the node";
pub(crate) const WAITING: &str = "Its interface is not made yet. The configuration appears here as soon \
     as it is. Leave this page open: the private key is only here.";
pub(crate) const NOT_APPLIED: &str = "The configuration is complete and you can save it. The tunnel \
     works as soon as the node is in contact.";
pub(crate) const ONCE_TITLE: &str = "Save it now: this page has the only copy";
pub(crate) const ONCE: &str = "We do not have the private key and cannot show it again. When you close \
     this page, it is gone.";
pub(crate) const SCAN: &str = "Scan with the WireGuard app";
pub(crate) const COPY: &str = "Copy";
pub(crate) const COPIED: &str = "Copied. Paste it where it belongs, then copy something else.";
pub(crate) const NOT_COPIED: &str =
    "The browser did not allow copying. Select the text and copy it yourself.";
pub(crate) const DOWNLOADED: &str = "Saved as a file. Delete it when the device has it.";
pub(crate) const CONFIGURATION: &str = "Configuration";
pub(crate) const HOW: &str = "How to use it";
pub(crate) const CHECK_TITLE: &str = "Is it connected?";
pub(crate) const CHECKING: &str = "Asking the node…";
pub(crate) const FINISH: &str = "I have saved it, finish";
pub(crate) const NO_QR: &str = "The configuration is too long for a QR code. Download the \
     file and bring it to the device.";
pub(crate) const BAD_ANSWER: &str = "the answer of the portal is not a configuration";
pub(crate) const NO_RANDOMNESS: &str =
    "this browser gives no random numbers, so no key can be made in it";

/// Per system: how the stock app takes the configuration.
pub(crate) const PLATFORMS: [(&str, &str); 4] = [
    (
        "Android and iPhone",
        "Install WireGuard from the store. Tap +, choose to scan a QR code, and point the camera at \
         the code above.",
    ),
    (
        "Windows",
        "Install WireGuard from wireguard.com. Choose Import tunnel(s) from file, pick the file you \
         downloaded, then Activate.",
    ),
    (
        "macOS",
        "Install WireGuard from the App Store. Choose Import tunnel(s) from file, pick the file you \
         downloaded, then Activate.",
    ),
    (
        "Linux",
        "Install wireguard-tools, move the file to /etc/wireguard with mode 600, and run wg-quick up \
         with its name as root.",
    ),
];

// A key of one's own.
pub(crate) const OWN_TITLE: &str = "Bring your own public key";
pub(crate) const OWN_LEDE: &str = "For those who made a key pair on the device itself. It works \
     without JavaScript. Never paste a private key here: it is not needed. A \
     whole configuration is refused; a bare private key looks like a public one.";
pub(crate) const OWN_KEY: &str = "Public key";
pub(crate) const OWN_KEY_HINT: &str = "44 characters that end with =. On Linux: wg genkey | tee \
     private.key | wg pubkey";
pub(crate) const OWN_SUBMIT: &str = "Add the device";

// No room.
pub(crate) const FULL_TITLE: &str = "This location is full";
pub(crate) const FULL_BACK: &str = "Back to the devices";

/// Why no device can be added.
pub(crate) fn full(limit: u32) -> String {
    format!("Your plan has {limit} devices per location. Remove one to add another.")
}

/// Where the device will be.
pub(crate) fn lede(location: &str) -> String {
    format!("It will reach the internet from {location}.")
}

/// Step 1 when it is done.
pub(crate) fn named(name: &str) -> String {
    format!("{name} was added.")
}

/// The file's button.
pub(crate) fn download(file: &str) -> String {
    format!("Download {file}")
}

/// What the QR code holds, for those who do not see it.
pub(crate) fn qr_label(name: &str) -> String {
    format!("QR code with the configuration of {name}. The text beside it says the same.")
}
