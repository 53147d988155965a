//! The words of the forms about plugins.

use crate::contract::{SecretField, SettingField, SettingInput};

pub(crate) const SETTINGS_LEDE: &str = "The plugin looks at what you save before anything is \
     changed. What it says is wrong stands beside the field.";
pub(crate) const NOTHING: &str = "This plugin has no settings and uses no secrets.";
pub(crate) const SAVE: &str = "Save";
pub(crate) const OPTIONAL: &str = " (may be empty)";
pub(crate) const NO_CHOICE: &str = "Nothing chosen";
pub(crate) const SECRETS: &str = "Secrets";
pub(crate) const SECRETS_HINT: &str = "They are kept encrypted. No page shows them, and the plugin \
     does not see them.";
pub(crate) const REFUSED: &str = "Nothing was changed. What you typed is still here, but secrets: \
     type those once more.";
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
