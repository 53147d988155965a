//! The words of the page that deletes a customer's pod.

use crate::texts;

pub(crate) const DELETE: &str = "Delete this pod";

/// The heading.
pub(crate) fn title(interface: &str) -> String {
    format!("Delete {interface}")
}

/// What will happen.
pub(crate) fn consequences(account: &str, node: &str, devices: u32) -> Vec<String> {
    let devices = match devices {
        0 => "There are no devices in it.".to_owned(),
        1 => "Its one device stops working at once and is removed.".to_owned(),
        it => format!("Its {} stop working at once and are removed.", texts::devices(it)),
    };
    vec![
        format!("The interface of {account} on {node} is deleted, and the node forgets its key."),
        devices,
        "They can add the location again: it then has a new key and new addresses, and every device \
         needs a new configuration."
            .to_owned(),
    ]
}
