//! The words of the forms about plugins.

use crate::contract::{CapabilityChange, HostBar, SecretField, SettingField, SettingInput};

pub(crate) const SETTINGS_LEDE: &str = "The plugin looks at what you save before anything is \
     changed. What it says is wrong stands beside the field.";
pub(crate) const NOTHING: &str = "This plugin has no settings and uses no secrets.";
pub(crate) const SAVE: &str = "Save";
pub(crate) const OPTIONAL: &str = " (may be empty)";
pub(crate) const NO_CHOICE: &str = "Nothing chosen";
pub(crate) const SECRETS: &str = "Secrets";
pub(crate) const SECRETS_HINT: &str = "They are kept encrypted. No page shows them, and the plugin \
     does not see them.";
pub(crate) const REFUSED: &str =
    "Nothing was changed. Secrets are never shown again: type them once more.";
const REST: &str = "Other settings";
const REST_HINT: &str =
    "Settings that its author did not name, as a JSON object in braces. Its README says which.";
const JSON_HINT: &str = "There is no form for this one: write it as JSON.";
const LINES_HINT: &str = "One in each line.";
const GIVEN: &str = "There is one. Leave this empty to keep it.";
const MISSING: &str = "There is none yet.";

/// The heading of the settings.
pub(crate) fn settings_of(name: &str) -> String {
    format!("Settings of {name}")
}

/// What a setting is called.
pub(crate) fn label(field: &SettingField) -> String {
    match field.input {
        SettingInput::Rest => REST.to_owned(),
        _ => field.label.clone(),
    }
}

/// A problem in the summary.
pub(crate) fn problem(field: &SettingField, error: &str) -> String {
    format!("{}: {error}", label(field))
}

/// What stands above an input.
pub(crate) fn hints(field: &SettingField) -> Vec<String> {
    let bounds = |unit: &str| match (&field.least, &field.most) {
        (Some(least), Some(most)) => Some(format!("{least} to {most}{unit}.")),
        (Some(least), None) => Some(format!("At least {least}{unit}.")),
        (None, Some(most)) => Some(format!("At most {most}{unit}.")),
        (None, None) => None,
    };
    let mut all: Vec<String> = field.description.iter().map(|it| ended(it)).collect();
    match field.input {
        SettingInput::Text(_) | SettingInput::Long => all.extend(bounds(" characters")),
        SettingInput::Number => all.extend(bounds("")),
        SettingInput::Lines => {
            all.push(LINES_HINT.to_owned());
            all.extend(bounds(" lines"));
        }
        SettingInput::Json => all.push(JSON_HINT.to_owned()),
        SettingInput::Rest => all.push(REST_HINT.to_owned()),
        SettingInput::Check | SettingInput::Choice(_) | SettingInput::Group(_) => return all,
    }
    all.extend(field.default.as_ref().map(|it| format!("Left empty, it is {it}.")));
    all
}

/// A sentence with its full stop.
fn ended(text: &str) -> String {
    if text.ends_with(['.', '!', '?', ':', '…', '/']) {
        text.to_owned()
    } else {
        format!("{text}.")
    }
}

/// What a secret is called.
pub(crate) fn secret_label(secret: &SecretField) -> String {
    secret.label.clone().unwrap_or_else(|| secret.secret.clone())
}

/// What stands above a secret's input.
pub(crate) fn secret_hints(secret: &SecretField) -> Vec<String> {
    vec![if secret.given { GIVEN } else { MISSING }.to_owned()]
}

/// What is said of a secret that nobody types.
pub(crate) fn generated(given: bool) -> &'static str {
    if given {
        "Its provider made it, and the plugin put it away. There is nothing to type."
    } else {
        "Its provider makes it, and the plugin puts it away. There is nothing to type."
    }
}

// The package is sent.
pub(crate) const UPLOAD: &str = "Install a plugin";
pub(crate) const UPLOAD_LEDE: &str = "Send the package and its signature. Nothing is installed yet: \
     the next page says who made it and what it asks for.";
pub(crate) const UNSIGNED_ALLOWED: &str = "This portal takes plugins that nobody signed";
pub(crate) const UNSIGNED_ALLOWED_TEXT: &str = "The setting unsigned-plugins is on. That is for \
     whoever writes plugins. Where customers are served, switch it off.";
pub(crate) const PACKAGE: &str = "Package";
pub(crate) const PACKAGE_HINT: &str = "A file that ends in .pplug, at most 64 MiB.";
pub(crate) const SIGNATURE: &str = "Signature";
pub(crate) const SIGNATURE_HINT: &str = "The file beside it that ends in .minisig.";
pub(crate) const PUBLISHER: &str = "The publisher's key";
pub(crate) const PUBLISHER_HINT: &str = "The line that begins with RW. Get it another way than the \
     package, such as from the publisher's own site. It may be empty if a plugin of theirs was \
     installed here before.";
pub(crate) const FILES_AGAIN: &str = "Browsers forget which files were chosen: choose them again.";
pub(crate) const LOOK: &str = "Look at it";

// The package is read, set and installed.
pub(crate) const INSTALL_LEDE: &str = "Read who made it and what it asks for. It is kept here for an \
     hour, and nothing of it runs before you install it.";
pub(crate) const UNSIGNED: &str = "Nobody signed this";
pub(crate) const UNSIGNED_TEXT: &str = "Nobody can tell who made it, or whether it was changed on \
     its way. Install it only if you made it yourself.";
pub(crate) const ABOUT: &str = "What it is";
pub(crate) const ID: &str = "Called";
pub(crate) const VERSION: &str = "Version";
pub(crate) const SIGNED_BY: &str = "Signed by";
pub(crate) const DIGEST: &str = "SHA-256";
pub(crate) const LICENSE: &str = "Licence";
pub(crate) const HOMEPAGE: &str = "More about it";
pub(crate) const README: &str = "What its author tells you";
pub(crate) const ASKS: &str = "What it asks for";
pub(crate) const GROWS: &str = "It asks for more than the version before";
pub(crate) const GROWS_TEXT: &str =
    "What is new is marked. It gets that only if you tick the box below.";
pub(crate) const GROWTH: &str = "I have read what is new, and grant it";
pub(crate) const HOSTS: &str = "Hosts that it may reach";
pub(crate) const HOSTS_HINT: &str =
    "It asks for hosts that you name, such as api.example.org. One in each line.";
pub(crate) const ANY_HOST: &str = "It may reach any host on the internet";
pub(crate) const ANY_HOST_HINT: &str =
    "Only for a plugin whose work it is to reach what others name.";
pub(crate) const PRIVATE: &str = "Private addresses that it may reach too";
pub(crate) const PRIVATE_HINT: &str = "Usually none. A network and a port, such as \
     10.1.2.3/32:8025, one in each line.";
pub(crate) const NAME_PRIVATE: &str = "Grant it below";
pub(crate) const TEST_MODE: &str = "Test mode";
pub(crate) const TEST_MODE_HINT: &str =
    "For a provider's sandbox, where no money is real: real payments do not count then.";
pub(crate) const SETTINGS: &str = "Settings";
pub(crate) const WITHOUT: &str = "Install it without the secrets that are left empty";
pub(crate) const DISCARD: &str = "Do not install it, and forget the package";

/// The heading of a package.
pub(crate) fn install(name: &str, replaces: bool) -> String {
    if replaces { format!("Replace {name}") } else { format!("Install {name}") }
}

/// What comes of secrets that are missing.
pub(crate) fn without(missing: &[String]) -> String {
    format!(
        "Not given yet: {}. Whatever needs one fails until you give it, on the plugin's page. Some come \
         only from its provider, once the plugin is installed.",
        missing.join(", ")
    )
}

/// The version, and the one in whose place it comes.
pub(crate) fn version(version: &str, replaces: Option<&str>) -> String {
    match replaces {
        Some(before) if before == version => format!("{version}, which is installed already"),
        Some(before) => format!("{version}, in the place of {before}"),
        None => version.to_owned(),
    }
}

/// What is known of a publisher.
pub(crate) fn known(is_pinned: bool) -> &'static str {
    if is_pinned {
        "The same key as before."
    } else {
        "Nobody signed a plugin of this name here before. Once this is installed, this key has to sign \
         all that bears it."
    }
}

/// How a thing stands to the version before.
pub(crate) fn change(change: CapabilityChange) -> &'static str {
    match change {
        CapabilityChange::Same => "As before",
        CapabilityChange::Added => "New",
        CapabilityChange::Removed => "No longer",
    }
}

/// Why a host is not reached, in a word.
pub(crate) fn barred(bar: &HostBar) -> &'static str {
    match bar {
        HostBar::Private { .. } => "Private address",
        HostBar::Never { .. } => "Never reached",
    }
}

/// The button.
pub(crate) fn submit(replaces: bool) -> &'static str {
    if replaces { "Grant all of this and put it in place" } else { "Grant all of this and install" }
}
