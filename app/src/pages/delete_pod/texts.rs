//! The words of the page that deletes a pod.

use crate::texts;

pub(crate) const DELETE: &str = "Delete this location";

/// The heading.
pub(crate) fn title(location: &str) -> String {
    format!("Delete {location}")
}

/// What will happen.
pub(crate) fn consequences(location: &str, devices: u32) -> Vec<String> {
    let devices = match devices {
        0 => "There are no devices in it.".to_owned(),
        1 => "Its one device stops working at once and is removed.".to_owned(),
        it => format!("Its {} stop working at once and are removed.", texts::devices(it)),
    };
    vec![
        format!("Your interface in {location} is deleted, and the node forgets its key."),
        devices,
        "If you add the location again it has a new key and new addresses: every device needs a \
         new configuration."
            .to_owned(),
    ]
}
