//! The gallery: packages in a folder of this machine, from which operators choose what they look at.
//!
//! What is asked for is named by its SHA-256 and looked up among what the folder has: nothing that
//! somebody sends becomes a path. What is chosen goes the way of what is sent.

mod facts;
mod folder;
mod order;

use std::{ffi::OsString, path::PathBuf, sync::Arc};

use myrelay_app::contract::{
    ChoosePackage, GalleryRow, GalleryView, PackageBar, PackageCard, PackageSigner,
    PackageStanding, UploadPlugin,
};
use myrelay_domain::ids::UploadId;
use myrelay_plugin_package::{Package, PublisherKey};

pub(super) use self::folder::Shelf;
use self::{
    facts::Facts,
    folder::{Listing, Seen, Signer},
};
use super::{Installed, all, store, uploads};
use crate::{
    Error, Result,
    context::{Caller, Context},
    text::plain,
};

/// The most of a file's name that is shown, in characters.
const NAME: usize = 120;
/// The most of why a file cannot be read.
const WHY: usize = 400;
/// What people call what is in the folder.
const PACKAGE: &str = "package of the gallery";

/// For operators: the packages in the portal's folder.
pub(crate) async fn gallery(context: &Context, caller: Caller) -> Result<GalleryView> {
    caller.operator()?;
    let Some(folder) = &context.settings.plugin_dir else { return Ok(GalleryView::Off) };
    let known = Known::of(context).await?;
    let shown = std::path::absolute(folder).unwrap_or_else(|_unknown| folder.clone());
    let shown = shown.display().to_string();
    match look(context, folder.clone(), &known).await? {
        Err(error) => Ok(GalleryView::Unreadable { folder: shown, why: error.to_string() }),
        Ok(Listing { files, has_more }) => {
            let mut rows: Vec<GalleryRow> = files.iter().map(|it| known.row(it)).collect();
            rows.sort_by(order::of_rows);
            rows.dedup_by(|one, other| is_copy(one, other));
            Ok(GalleryView::Open { folder: shown, rows, has_more })
        }
    }
}

/// For operators: one package of the folder.
///
/// # Errors
/// [`Error::NotFound`] where the folder has no package of this SHA-256.
pub(crate) async fn gallery_package(
    context: &Context,
    caller: Caller,
    digest: &str,
) -> Result<PackageCard> {
    caller.operator()?;
    let known = Known::of(context).await?;
    let (_, file) = find(context, &known, digest).await?;
    match known.row(&file) {
        GalleryRow::Package(card) => Ok(*card),
        GalleryRow::Unreadable { .. } => Err(Error::NotFound(PACKAGE)),
    }
}

/// For operators: the picture of a package of the folder, a PNG. What was read before is enough.
///
/// # Errors
/// [`Error::NotFound`] where the folder has no such package, or the package no picture.
pub(crate) async fn gallery_icon(
    context: &Context,
    caller: Caller,
    digest: &str,
) -> Result<Vec<u8>> {
    caller.operator()?;
    let read = context.plugins.shelf.lock().await.find(digest);
    let (_, seen) = match read {
        Some(read) => read,
        None => find(context, &Known::of(context).await?, digest).await?.1,
    };
    let icon = seen.found.as_ref().ok().and_then(|it| it.facts.icon.clone());
    icon.ok_or(Error::NotFound(PACKAGE))
}

/// For operators: takes a package of the folder in as one that is sent.
///
/// # Errors
/// [`Error::NotFound`] where the folder has no package of this SHA-256, [`Error::Busy`], and those
/// of a package that is sent.
pub(crate) async fn choose_package(
    context: &Context,
    caller: Caller,
    input: ChoosePackage,
) -> Result<UploadId> {
    caller.operator()?;
    let (folder, (name, _)) = find(context, &Known::of(context).await?, &input.digest).await?;
    let held = context.plugins.place_to_look()?;
    let read = uploads::aside(move || folder::read(&folder, &name)).await?;
    let (package, signature) = read.map_err(|why| Error::invalid("package", why))?;
    if Package::digest(&package) != input.digest {
        let message = "the file was changed meanwhile: go back to the gallery and look once more";
        return Err(Error::invalid("package", message));
    }
    let ChoosePackage { session, publisher, .. } = input;
    let input = UploadPlugin { session, package, signature, publisher };
    uploads::take_in(context, caller, (input, held)).await
}

/// A file's name, and what was seen of it.
type NamedFile = (OsString, Arc<Seen>);

/// Looks through the folder, beside the threads that answer requests and once at a time.
async fn look(
    context: &Context,
    folder: PathBuf,
    known: &Known,
) -> Result<std::io::Result<Listing>> {
    let mut shelf = Arc::clone(&context.plugins.shelf).lock_owned().await;
    let keys = known.keys.clone();
    uploads::aside(move || folder::list(&mut shelf, &folder, &keys)).await
}

/// The package of a SHA-256, and the folder that it is in.
async fn find(context: &Context, known: &Known, digest: &str) -> Result<(PathBuf, NamedFile)> {
    let missing = || Error::NotFound(PACKAGE);
    let folder = context.settings.plugin_dir.clone().ok_or_else(missing)?;
    let listing = look(context, folder.clone(), known).await?;
    let listing = listing.map_err(|error| {
        Error::Unavailable(format!("the gallery's folder cannot be read: {error}"))
    })?;
    let is_it = |it: &NamedFile| it.1.found.as_ref().is_ok_and(|found| found.digest == digest);
    // Of two files with one package the one that is signed.
    let is_unsigned = |it: &NamedFile| {
        it.1.found.as_ref().is_ok_and(|found| matches!(found.signer, Signer::Nobody))
    };
    let found = listing.files.into_iter().filter(is_it).min_by_key(is_unsigned);
    Ok((folder, found.ok_or_else(missing)?))
}

/// Whether two rows are one package in two files.
fn is_copy(one: &GalleryRow, other: &GalleryRow) -> bool {
    match (one, other) {
        (GalleryRow::Package(one), GalleryRow::Package(other)) => one.digest == other.digest,
        _ => false,
    }
}

/// What the portal knows that packages are compared with.
struct Known {
    installed: Vec<Installed>,
    /// Each plugin's key.
    pins: Vec<(String, String)>,
    /// Those keys, each once.
    keys: Vec<PublisherKey>,
    revoked: Vec<(String, String)>,
    takes_unsigned: bool,
}

impl Known {
    async fn of(context: &Context) -> Result<Self> {
        let pool = context.database.read();
        let pins = store::publishers::list(pool).await?;
        let mut keys: Vec<&str> = pins.iter().map(|(_, key)| key.as_str()).collect();
        keys.sort_unstable();
        keys.dedup();
        Ok(Self {
            installed: all(context).await?,
            keys: keys.into_iter().filter_map(|it| PublisherKey::parse(it).ok()).collect(),
            pins,
            revoked: store::revocations::list(pool).await?,
            takes_unsigned: context.settings.unsigned_plugins,
        })
    }

    fn row(&self, (name, seen): &NamedFile) -> GalleryRow {
        let file = plain(&name.to_string_lossy(), NAME);
        let found = match &seen.found {
            Ok(found) => found,
            Err(why) => return GalleryRow::Unreadable { file, why: plain(why, WHY) },
        };
        let facts = &found.facts;
        let signer = self.signer(&facts.plugin, &found.signer);
        let key = match &found.signer {
            Signer::Known(key) => Some(key.to_string()),
            Signer::Nobody | Signer::New(_) => None,
        };
        let all = [key.as_deref(), Some(&found.digest), Some(&facts.component_hash)];
        let revoked = self.revoked.iter().find(|(what, _)| all.contains(&Some(what.as_str())));
        let is_pinned = self.pin(&facts.plugin).is_some();
        let bar = match (revoked, &signer) {
            (Some((_, reason)), _) => Some(PackageBar::Revoked(reason.clone())),
            (None, PackageSigner::Nobody) if is_pinned || !self.takes_unsigned => {
                Some(PackageBar::Unsigned)
            }
            (None, PackageSigner::Other(_)) => Some(PackageBar::OtherKey),
            (None, _) => None,
        };
        GalleryRow::Package(Box::new(PackageCard {
            digest: found.digest.clone(),
            file,
            plugin: facts.plugin.clone(),
            name: facts.name.clone(),
            version: facts.version.clone(),
            summary: facts.summary.clone(),
            kinds: facts.kinds.clone(),
            has_icon: facts.icon.is_some(),
            signer,
            standing: self.standing(facts),
            bar,
        }))
    }

    /// The key that all packages of a plugin have to be signed by.
    fn pin(&self, plugin: &str) -> Option<&str> {
        self.pins.iter().find(|(it, _)| it == plugin).map(|(_, key)| key.as_str())
    }

    fn signer(&self, plugin: &str, signer: &Signer) -> PackageSigner {
        let pin = self.pin(plugin);
        match signer {
            Signer::Nobody => PackageSigner::Nobody,
            Signer::New(id) if pin.is_some() => PackageSigner::Other(id.clone()),
            Signer::New(id) => PackageSigner::New(id.clone()),
            Signer::Known(key) if pin.is_some_and(|it| it != key.to_string()) => {
                PackageSigner::Other(key.key_id())
            }
            Signer::Known(key) => PackageSigner::Known(key.key_id()),
        }
    }

    fn standing(&self, facts: &Facts) -> PackageStanding {
        let Some(before) = self.installed.iter().find(|it| it.plugin == facts.plugin) else {
            return PackageStanding::New;
        };
        match order::of_versions(&facts.version, &before.version) {
            std::cmp::Ordering::Greater => {
                PackageStanding::Newer(before.id, before.version.clone())
            }
            std::cmp::Ordering::Less => PackageStanding::Older(before.id, before.version.clone()),
            std::cmp::Ordering::Equal
                if before.component_hash == facts.component_hash
                    && Package::digest(before.manifest.as_bytes()) == facts.manifest_hash =>
            {
                PackageStanding::Same(before.id)
            }
            std::cmp::Ordering::Equal => PackageStanding::OtherBuild(before.id),
        }
    }
}
