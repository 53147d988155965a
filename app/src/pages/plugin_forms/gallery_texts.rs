//! The words of the gallery.

use crate::contract::{PackageBar, PackageSigner, PluginKind};

pub(crate) const TITLE: &str = "Gallery";
pub(crate) const AT: &str = "/operator/plugins/gallery";
pub(crate) const SEND: &str = "Send a package from here";

pub(crate) const OFF: &str = "No folder is set";
pub(crate) const OFF_TEXT: &str = "The setting plugin-dir names a folder on the portal's machine. The \
     packages in it, each with its signature beside it, stand here to choose from.";
pub(crate) const EMPTY: &str = "The folder has no packages";
pub(crate) const CLOSED: &str = "The folder cannot be read";
pub(crate) const MORE: &str = "The folder has more than this";
pub(crate) const MORE_TEXT: &str = "At most 64 packages are read, in the order of their files' names. \
     Take away what is not needed any more.";

pub(crate) const UNREADABLE: &str = "Not readable";
pub(crate) const REVOKED: &str = "Revoked";
pub(crate) const OTHER_KEY: &str = "Another key";
pub(crate) const UNSIGNED: &str = "Not signed";
pub(crate) const INSTALLED: &str = "Installed";
pub(crate) const UPGRADE: &str = "Upgrade";
pub(crate) const OLDER: &str = "Older";
pub(crate) const OTHER_BUILD: &str = "Another build";
pub(crate) const SAME: &str = "This is what is installed";
pub(crate) const OTHER_BUILD_TEXT: &str = "The same version is installed, built otherwise";

pub(crate) const CHOOSE_LEDE: &str = "Nothing is installed yet: the next page says who made it and \
     what it asks for.";
pub(crate) const PUBLISHER_HINT: &str = "The line that begins with RW. Get it another way than the \
     package, such as from the publisher's own site. Once a plugin of theirs is installed here, it is \
     not asked for again.";
pub(crate) const BARRED: &str = "It cannot be installed";
pub(crate) const FILE: &str = "File";

/// Where a package is.
pub(crate) fn address(digest: &str) -> String {
    format!("{AT}/{digest}")
}

/// What stands above the cards.
pub(crate) fn lede(folder: &str) -> String {
    format!(
        "What is in the folder {folder} of the portal's machine. Look at a package to read what it \
         asks for; nothing is installed by that."
    )
}

/// An empty folder.
pub(crate) fn empty(folder: &str) -> String {
    format!(
        "Put packages, which end in .pplug, and their signatures, which end in .minisig, into \
         {folder} on the portal's machine."
    )
}

/// A folder that cannot be read.
pub(crate) fn closed(folder: &str, why: &str) -> String {
    format!(
        "{folder}: {why}. The setting plugin-dir names it; the portal's user has to be able to read \
         it."
    )
}

/// The heading of one package.
pub(crate) fn choose(name: &str) -> String {
    format!("Look at {name}")
}

/// A version and what it is.
pub(crate) fn line(version: &str, kinds: &[PluginKind]) -> String {
    let kind = |it: &PluginKind| match it {
        PluginKind::Billing => "takes payments",
        PluginKind::Notification => "carries messages",
        PluginKind::Event => "listens to events",
        PluginKind::Invoicing => "writes invoices",
    };
    let parts = [version].into_iter().chain(kinds.iter().map(kind));
    parts.collect::<Vec<_>>().join(" · ")
}

/// Who signed a package.
pub(crate) fn signer(signer: &PackageSigner) -> String {
    match signer {
        PackageSigner::Nobody => "Nobody signed it".to_owned(),
        PackageSigner::New(id) => format!("Signed by {id}, a key that is new here"),
        PackageSigner::Known(id) => format!("Signed by {id}, a key that is known here"),
        PackageSigner::Other(id) => format!("Signed by {id}"),
    }
}

/// The id of the key that signed a package.
pub(crate) fn key(signer: &PackageSigner) -> String {
    match signer {
        PackageSigner::Nobody => "Nobody".to_owned(),
        PackageSigner::New(id) => format!("{id}, which is new here"),
        PackageSigner::Known(id) | PackageSigner::Other(id) => id.clone(),
    }
}

/// What is installed.
pub(crate) fn installed(version: &str) -> String {
    format!("{version} is installed")
}

/// Why a package cannot be installed.
pub(crate) fn bar(bar: &PackageBar) -> String {
    match bar {
        PackageBar::Revoked(why) => format!("An operator revoked it or its publisher's key: {why}"),
        PackageBar::Unsigned => "It is not taken unsigned: what bears a name that was signed \
             before has to be signed as well, and so has everything where `unsigned-plugins` is not set."
            .to_owned(),
        PackageBar::OtherKey => "What bears its name was signed with another key before. If its \
             publisher changed keys, `myrelay plugin install` takes what they say of that."
            .to_owned(),
    }
}
