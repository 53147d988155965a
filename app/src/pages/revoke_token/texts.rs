//! The words of the page that revokes a token.

pub(crate) const UP: &str = "API tokens";
pub(crate) const REVOKE: &str = "Revoke this token";

/// The heading.
pub(crate) fn title(name: &str) -> String {
    format!("Revoke {name}")
}

/// What will happen.
pub(crate) fn consequences(location: &str) -> Vec<String> {
    vec![
        "The program that uses it is refused from its next request on.".to_owned(),
        format!("The devices in {location} stay as they are, those that it added too."),
        "It cannot be brought back. The program needs another token.".to_owned(),
    ]
}
