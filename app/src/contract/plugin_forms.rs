//! Plugins' settings and secrets, as forms ask for them.

use std::{collections::BTreeMap, fmt};

use async_trait::async_trait;
use myrelay_domain::ids::{InstallationId, UploadId};
use serde::{Deserialize, Serialize};

use super::{KeptLimit, LimitsChange, PluginLimitsView, PortalError};

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
    /// The plugin may work without it.
    pub optional: bool,
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

/// What a version of a plugin asks for, beside the one before.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum CapabilityChange {
    Same,
    Added,
    Removed,
}

/// Why a host that a plugin asks for is not reached, though it is granted.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum HostBar {
    /// It is a private address.
    Private {
        host: String,
        /// What it is: `a private network`.
        what: String,
        /// What has to be granted besides: `10.1.2.3/32:8025`.
        address: String,
    },
    /// No grant lets a plugin reach it.
    Never { host: String, what: String },
}

impl HostBar {
    /// In a sentence without its full stop.
    #[must_use]
    pub fn words(&self) -> String {
        match self {
            Self::Private { host, what, address } => format!(
                "{host} is no public address ({what}): what goes there is refused unless you grant \
                 the private address {address} as well"
            ),
            Self::Never { host, what } => format!(
                "{host} is no public address ({what}): what goes there is refused, and no grant \
                 changes that"
            ),
        }
    }
}

/// Something that a plugin asks for.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct AskedRow {
    pub what: String,
    /// Why, as its author says.
    pub reason: String,
    /// None: no version of it is installed.
    pub change: Option<CapabilityChange>,
    /// None: nothing stands in its way as things stand.
    pub bar: Option<HostBar>,
}

/// A package that an operator sends.
#[derive(Clone, Debug)]
pub struct UploadPlugin {
    /// The session that sends it, by which it is found again.
    pub session: String,
    /// At most 64 MiB.
    pub package: Vec<u8>,
    /// The text of the `.minisig`; none: there is none.
    pub signature: Option<String>,
    /// Who has to have signed it; empty: somebody whose plugins were installed before.
    pub publisher: String,
}

/// A package that waits to be installed: what it is, what it asks for, and the form for it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct InstallView {
    pub upload: UploadId,
    /// What its publisher calls it.
    pub plugin: String,
    pub name: String,
    pub version: String,
    pub license: Option<String>,
    pub homepage: Option<String>,
    /// The key that signed it; none: nobody did.
    pub publisher: Option<String>,
    /// A plugin of this name was installed with this key before.
    pub is_pinned: bool,
    /// The package's SHA-256, in hexadecimal.
    pub digest: String,
    /// How its README begins.
    pub readme: Option<String>,
    /// The version in whose place it comes.
    pub replaces: Option<String>,
    pub asked: Vec<AskedRow>,
    /// The limits that an operator set lower than what this version asks for: they stay.
    pub kept_limits: Vec<KeptLimit>,
    /// It asks for more than the version before, which takes a tick.
    pub grows: bool,
    pub agreed: bool,
    /// What this was made of: it is sent along.
    pub before: String,
    /// It asks for hosts that the operator names.
    pub names_hosts: bool,
    pub makes_requests: bool,
    pub takes_payments: bool,
    /// One in each line.
    pub hosts: String,
    pub any_host: bool,
    /// Networks with ports, one in each line.
    pub private: String,
    pub test_mode: bool,
    /// What the secrets are called that it asks for and nobody gave yet.
    pub missing: Vec<String>,
    /// It is installed without those that are left empty.
    pub without: bool,
    pub form: SettingsForm,
    /// What is wrong beside settings and secrets, by the names of the fields.
    pub errors: BTreeMap<String, String>,
    /// Why it was not installed.
    pub error: Option<PortalError>,
}

/// What came of installing.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum InstallOutcome {
    Installed(InstallationId),
    /// Nothing was changed; the form is as it was typed, with what is wrong, and without secrets.
    Refused(Box<InstallView>),
}

/// What operators may ask about the settings of plugins, and about packages that they send.
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

    async fn plugin_limits(&self, plugin: &str) -> Result<PluginLimitsView, PortalError>;

    /// Sets what a plugin may use; a limit that is left empty, or out, is as usual. Twice is fine.
    async fn change_plugin_limits(
        &self,
        plugin: &str,
        typed: TypedFields,
    ) -> Result<LimitsChange, PortalError>;

    /// Whether what nobody signed may be installed.
    async fn takes_unsigned_plugins(&self) -> Result<bool, PortalError>;

    /// Looks a package over and keeps it for an hour, for whoever is signed in with this cookie alone.
    async fn upload_plugin(&self, input: UploadPlugin) -> Result<UploadId, PortalError>;

    async fn plugin_upload(&self, session: &str, upload: &str) -> Result<InstallView, PortalError>;

    /// Installs a package with all that it asks for, or puts it in the place of another version.
    async fn install_upload(
        &self,
        session: &str,
        upload: &str,
        typed: TypedFields,
    ) -> Result<InstallOutcome, PortalError>;

    /// Forgets a package that was sent. Twice is fine.
    async fn discard_upload(&self, session: &str, upload: &str) -> Result<(), PortalError>;
}
