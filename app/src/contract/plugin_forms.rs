//! Plugins' settings and secrets, as forms ask for them.

use std::fmt;

use async_trait::async_trait;
use myrelay_domain::ids::InstallationId;
use serde::{Deserialize, Serialize};

use super::PortalError;

/// What a setting is asked for with.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum SettingInput {
    /// A line, with the browser's type of input: `text`, `email` or `url`.
    Text(String),
    /// A text of several lines.
    Long,
    Number,
    /// A box; its value is empty where it is not ticked.
    Check,
    /// One of these: the value, and what people read.
    Choice(Vec<(String, String)>),
    /// A list, one in each line.
    Lines,
    /// A value that no form can ask for, as JSON.
    Json,
    /// Settings that the author did not name, as a JSON object.
    Rest,
    /// Settings that belong together.
    Group(Vec<SettingField>),
}

/// One setting of a plugin.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SettingField {
    /// What the form calls it.
    pub name: String,
    /// What its author calls it; empty for [`SettingInput::Rest`].
    pub label: String,
    pub description: Option<String>,
    pub input: SettingInput,
    /// What it is, or what was typed.
    pub value: String,
    /// It cannot be left empty.
    pub required: bool,
    /// The bounds of a number, of a text's length, or of how many lines there are.
    pub least: Option<String>,
    pub most: Option<String>,
    /// What it becomes when it is left empty; none where that says nothing.
    pub default: Option<String>,
    /// What is wrong with it.
    pub error: Option<String>,
}

/// A secret of a plugin. What it is, nobody reads here.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SecretField {
    /// What the form calls it.
    pub name: String,
    /// What its author calls it.
    pub secret: String,
    pub label: Option<String>,
    /// There is one.
    pub given: bool,
    /// Its provider makes it, and the plugin puts it away.
    pub generated: bool,
    pub error: Option<String>,
}

/// The settings and secrets of a plugin.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct SettingsForm {
    pub fields: Vec<SettingField>,
    pub secrets: Vec<SecretField>,
    /// What is wrong and belongs to no field.
    pub problems: Vec<String>,
}

impl SettingsForm {
    /// Whether something is wrong with it.
    #[must_use]
    pub fn is_wrong(&self) -> bool {
        fn is_wrong(field: &SettingField) -> bool {
            let inside = match &field.input {
                SettingInput::Group(inside) => inside.iter().any(is_wrong),
                _ => false,
            };
            inside || field.error.is_some()
        }
        !self.problems.is_empty()
            || self.fields.iter().any(is_wrong)
            || self.secrets.iter().any(|it| it.error.is_some())
    }
}

/// The settings and secrets of a plugin that is installed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PluginSettingsView {
    pub id: InstallationId,
    pub name: String,
    pub version: String,
    /// What the form was made of: it is sent along, so that nobody undoes what somebody else did.
    pub revision: i64,
    pub form: SettingsForm,
    /// Why the plugin could not be asked.
    pub error: Option<PortalError>,
}

/// What a form sent: pairs of names and values, secrets among them.
#[derive(Clone, Default)]
pub struct TypedFields(pub Vec<(String, String)>);

impl fmt::Debug for TypedFields {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.0.iter().map(|(name, _)| name)).finish()
    }
}

/// What came of new settings.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum SettingsChange {
    Saved,
    /// Nothing was changed; the form is as it was typed, with what is wrong, and without secrets.
    Refused(Box<PluginSettingsView>),
}

/// What operators may ask about the settings of plugins.
#[async_trait]
pub trait PluginFormContract: Send + Sync {
    async fn plugin_settings(&self, plugin: &str) -> Result<PluginSettingsView, PortalError>;

    /// Gives a plugin other settings, and the secrets that are not empty. It looks at them first,
    /// and makes itself ready with them.
    async fn change_plugin_settings(
        &self,
        plugin: &str,
        typed: TypedFields,
    ) -> Result<SettingsChange, PortalError>;
}
