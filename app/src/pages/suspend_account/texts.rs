//! The words of the page that suspends an account.

use crate::texts;

pub(crate) const SUSPEND: &str = "Suspend this account";

/// The heading.
pub(crate) fn title(email: &str) -> String {
    format!("Suspend {email}")
}

/// What will happen.
pub(crate) fn consequences(pods: u32) -> Vec<String> {
    let pods = match pods {
        0 => "It has no pods.".to_owned(),
        1 => "Its pod is taken off its node: its tunnels stop.".to_owned(),
        it => format!("Its {} are taken off their nodes: its tunnels stop.", texts::pods(it)),
    };
    vec![
        "It is signed out everywhere and cannot sign in.".to_owned(),
        pods,
        "Nothing is deleted: when you resume it, its pods come back with the same keys and \
         addresses."
            .to_owned(),
    ]
}
