//! The gallery: packages in a folder of the portal's machine, from which operators choose.

use async_trait::async_trait;
use myrelay_domain::ids::{InstallationId, UploadId};
use serde::{Deserialize, Serialize};

use super::PortalError;

/// What a plugin is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum PluginKind {
    Billing,
    Notification,
    Event,
    Invoicing,
}

/// Who signed a package in the folder. A signature that is not of it makes it unreadable.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum PackageSigner {
    /// Nobody.
    Nobody,
    /// A key, by its id, of which nothing was installed here before: it is not verified yet.
    New(String),
    /// A key, by its id, of which something was installed here before. It did sign.
    Known(String),
    /// Such a key, by its id, but what bears this name was signed with another one before.
    Other(String),
}

/// How a package stands to what is installed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum PackageStanding {
    /// Nothing of this name is installed.
    New,
    /// It is installed.
    Same(InstallationId),
    /// Another build of the same version is installed.
    OtherBuild(InstallationId),
    /// An earlier version, this one, is installed.
    Newer(InstallationId, String),
    /// A later version, this one, is installed.
    Older(InstallationId, String),
}

/// Why a package cannot be looked at for installing.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum PackageBar {
    /// It, or its publisher's key, is revoked: why.
    Revoked(String),
    /// Nobody signed it, and this portal takes only what is signed.
    Unsigned,
    /// What bears its name was signed with another key before.
    OtherKey,
}

/// A package of the folder that could be read.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PackageCard {
    /// The package's SHA-256, in hexadecimal: by this it is asked for.
    pub digest: String,
    /// The file's name.
    pub file: String,
    /// What its publisher calls it.
    pub plugin: String,
    pub name: String,
    pub version: String,
    /// How its README begins: at most 200 characters in one line.
    pub summary: Option<String>,
    pub kinds: Vec<PluginKind>,
    /// It has a picture that is shown, a PNG of at most 1024 pixels each way.
    pub has_icon: bool,
    pub signer: PackageSigner,
    pub standing: PackageStanding,
    pub bar: Option<PackageBar>,
}

/// A file of the folder.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum GalleryRow {
    Package(Box<PackageCard>),
    /// Its name, and why it could not be read.
    Unreadable {
        file: String,
        why: String,
    },
}

/// What is in the folder.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum GalleryView {
    /// No folder is set.
    Off,
    /// The folder cannot be read, and why.
    Unreadable { folder: String, why: String },
    /// Its packages: by name, later versions first, and what could not be read at the end.
    Open {
        folder: String,
        rows: Vec<GalleryRow>,
        /// The folder has more packages than are read.
        has_more: bool,
    },
}

/// A package of the folder that an operator wants to look at.
#[derive(Clone, Debug)]
pub struct ChoosePackage {
    /// The session that asks, by which it is found again.
    pub session: String,
    /// The package's SHA-256.
    pub digest: String,
    /// Who has to have signed it; empty: somebody whose plugins were installed before.
    pub publisher: String,
}

/// What operators may ask about the packages in the folder.
#[async_trait]
pub trait PluginGalleryContract: Send + Sync {
    async fn plugin_gallery(&self) -> Result<GalleryView, PortalError>;

    /// One package by its SHA-256.
    async fn gallery_package(&self, digest: &str) -> Result<PackageCard, PortalError>;

    /// Its picture, a PNG.
    async fn gallery_icon(&self, digest: &str) -> Result<Vec<u8>, PortalError>;

    /// Does with a package what [`super::PluginFormContract::upload_plugin`] does with one that is
    /// sent.
    async fn choose_package(&self, input: ChoosePackage) -> Result<UploadId, PortalError>;
}
