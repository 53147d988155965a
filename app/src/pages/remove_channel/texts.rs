//! The words of the page that removes a channel.

pub(crate) const REMOVE: &str = "Remove this channel";

/// The heading.
pub(crate) fn title(name: &str) -> String {
    format!("Remove {name}")
}

/// What will happen.
pub(crate) fn consequences(address: Option<&str>) -> Vec<String> {
    let whom = address.map_or_else(|| "there".to_owned(), |it| format!("to {it}"));
    vec![
        format!("No message goes {whom} any more, and none that is on its way."),
        "The address is deleted. Your other channels are told that this one was removed."
            .to_owned(),
        "You can add it again, and confirm it with another code.".to_owned(),
    ]
}
