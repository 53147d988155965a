//! The words of the page that removes a device.

pub(crate) const REMOVE: &str = "Remove this device";

/// The heading.
pub(crate) fn title(name: &str) -> String {
    format!("Remove {name}")
}

/// What will happen.
pub(crate) fn consequences(location: &str) -> Vec<String> {
    vec![
        format!("The node in {location} forgets its public key: the tunnel stops within a second."),
        "Its addresses become free for another device.".to_owned(),
        "Its configuration does not work again. To connect it later, add it anew.".to_owned(),
    ]
}
