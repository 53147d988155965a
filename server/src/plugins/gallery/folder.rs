//! The files of the folder: each read once for as long as it stays as it is, and none through a
//! link.

use std::{
    collections::BTreeMap,
    ffi::{OsStr, OsString},
    fs::{self, File},
    io::{self, Read as _},
    os::unix::fs::MetadataExt as _,
    path::Path,
    sync::Arc,
};

use myrelay_plugin_package::{PACKAGE_BYTES, Package, PublisherKey, peek_key_id, verify};
use rustix::fs::{Mode, OFlags};

use super::{super::install::asked, facts::Facts};
use crate::Error;

/// The most packages that are read.
const PACKAGES: usize = 64;
/// The most entries of a folder that are looked at.
const ENTRIES: usize = 4096;
/// The most bytes that all packages of the folder may have together.
const FOLDER_BYTES: u64 = 256 * 1024 * 1024;
/// More than any signature has, in bytes.
const SIGNATURE_BYTES: usize = 8 * 1024;

/// What was read before, by the names of the files.
#[derive(Default)]
pub(in crate::plugins) struct Shelf(BTreeMap<OsString, Arc<Seen>>);

impl Shelf {
    /// The package of a SHA-256 among what was read.
    pub(in crate::plugins) fn find(&self, digest: &str) -> Option<(OsString, Arc<Seen>)> {
        let is_it = |it: &Seen| it.found.as_ref().is_ok_and(|found| found.digest == digest);
        let found = self.0.iter().find(|(_, seen)| is_it(seen));
        found.map(|(name, seen)| (name.clone(), Arc::clone(seen)))
    }
}

/// What is in a folder.
pub(super) struct Listing {
    /// In the order of their names.
    pub(super) files: Vec<(OsString, Arc<Seen>)>,
    /// It has more than these.
    pub(super) has_more: bool,
}

/// What was seen of a file.
pub(in crate::plugins) struct Seen {
    /// As what; none: it is looked at once more.
    mark: Option<Marks>,
    /// The id of the key that signed it, as the signature says.
    key_id: Option<String>,
    /// The keys of that id that were known then.
    tried: Vec<String>,
    /// What it is, or why it cannot be read.
    pub(super) found: Result<Found, String>,
}

/// A package that can be read.
pub(super) struct Found {
    pub(super) digest: String,
    pub(super) signer: Signer,
    pub(super) facts: Facts,
}

/// Who signed it.
pub(super) enum Signer {
    Nobody,
    /// A key of this id, which nobody knows here: nothing was verified.
    New(String),
    /// A key that is known here: it was verified.
    Known(PublisherKey),
}

/// What changes when a file does: device, number, size, and when content and file were changed.
type Mark = (u64, u64, u64, (i64, i64), (i64, i64));
/// Those of a package and of its signature.
type Marks = (Mark, Option<Mark>);

fn mark(of: &fs::Metadata) -> Mark {
    let (content, file) = ((of.mtime(), of.mtime_nsec()), (of.ctime(), of.ctime_nsec()));
    (of.dev(), of.ino(), of.size(), content, file)
}

impl Seen {
    fn unreadable(why: String) -> Self {
        Self { mark: None, key_id: None, tried: Vec::new(), found: Err(why) }
    }

    /// Whether the file is as it was, and so are the keys that it may be signed with.
    fn is_still(&self, marks: Marks, known: &[PublisherKey]) -> bool {
        let keys = self.key_id.iter().flat_map(|id| of_id(known, id));
        self.mark == Some(marks) && keys.map(ToString::to_string).eq(self.tried.iter().cloned())
    }
}

/// The keys of an id. It is short, and whoever makes keys can make one with the id of another.
fn of_id<'a>(known: &'a [PublisherKey], id: &'a str) -> impl Iterator<Item = &'a PublisherKey> {
    known.iter().filter(move |it| it.key_id() == id)
}

/// Looks through a folder. To be called where waiting does no harm.
///
/// # Errors
/// When the folder cannot be read.
pub(super) fn list(
    shelf: &mut Shelf,
    folder: &Path,
    known: &[PublisherKey],
) -> io::Result<Listing> {
    let (names, has_more) = names(folder)?;
    let (mut left, mut before) = (FOLDER_BYTES, std::mem::take(&mut shelf.0));
    for name in names {
        let seen = match marks(folder, &name) {
            Err(why) => Arc::new(Seen::unreadable(why)),
            Ok(((_, _, size, ..), _)) if left < size => {
                let most = FOLDER_BYTES / (1024 * 1024);
                let why = format!("the packages before it have {most} MiB, and no more are read");
                Arc::new(Seen::unreadable(why))
            }
            Ok(marks) => {
                left = left.saturating_sub(marks.0.2);
                let kept = before.remove(&name).filter(|it| it.is_still(marks, known));
                kept.unwrap_or_else(|| Arc::new(look(folder, &name, marks, known)))
            }
        };
        shelf.0.insert(name, seen);
    }
    let files = shelf.0.iter().map(|(name, seen)| (name.clone(), Arc::clone(seen))).collect();
    Ok(Listing { files, has_more })
}

/// The names of the first packages of a folder, and whether it has more.
fn names(folder: &Path) -> io::Result<(Vec<OsString>, bool)> {
    let (mut names, mut has_more) = (Vec::new(), false);
    for (count, entry) in fs::read_dir(folder)?.enumerate() {
        if count == ENTRIES {
            has_more = true;
            break;
        }
        let name = entry?.file_name();
        if name.as_encoded_bytes().ends_with(b".pplug") {
            names.push(name);
        }
    }
    names.sort_unstable();
    has_more |= PACKAGES < names.len();
    names.truncate(PACKAGES);
    Ok((names, has_more))
}

/// The name of a package's signature.
fn signature_of(name: &OsStr) -> OsString {
    let mut name = name.to_owned();
    name.push(".minisig");
    name
}

/// What a package and its signature are now.
fn marks(folder: &Path, name: &OsStr) -> Result<Marks, String> {
    let of = |name: &OsStr| fs::symlink_metadata(folder.join(name));
    let package = of(name).map_err(unread)?;
    ensure_file(&package)?;
    match of(&signature_of(name)) {
        Ok(signature) => Ok((mark(&package), Some(mark(&signature)))),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok((mark(&package), None)),
        Err(error) => Err(of_signature(&unread(error))),
    }
}

fn unread(error: io::Error) -> String {
    format!("it cannot be read: {error}")
}

fn of_signature(why: &str) -> String {
    format!("its signature, the file beside it that ends in .minisig: {why}")
}

fn ensure_file(metadata: &fs::Metadata) -> Result<(), String> {
    if metadata.is_symlink() {
        return Err("it is a link, and only files that lie in the folder are read".to_owned());
    }
    if metadata.is_file() { Ok(()) } else { Err("it is no file".to_owned()) }
}

/// The bytes of a file of the folder, if it is one and has no more than that.
fn bytes(folder: &Path, name: &OsStr, most: usize) -> Result<Vec<u8>, String> {
    let place = folder.join(name);
    // What became a link since it was looked at is not followed, and what became a pipe not awaited.
    let flags = OFlags::RDONLY | OFlags::CLOEXEC | OFlags::NOFOLLOW | OFlags::NONBLOCK;
    let opened = rustix::fs::open(&place, flags, Mode::empty());
    let file = File::from(opened.map_err(|error| unread(error.into()))?);
    ensure_file(&file.metadata().map_err(unread)?)?;
    let limit = u64::try_from(most).unwrap_or(u64::MAX);
    let mut bytes = Vec::new();
    file.take(limit.saturating_add(1)).read_to_end(&mut bytes).map_err(unread)?;
    if most < bytes.len() {
        return Err(format!("it has more than {most} bytes"));
    }
    Ok(bytes)
}

/// A package and its signature, as they lie in the folder.
///
/// # Errors
/// What is wrong with one of them.
pub(super) fn read(folder: &Path, name: &OsStr) -> Result<(Vec<u8>, Option<String>), String> {
    let package = bytes(folder, name, PACKAGE_BYTES)?;
    let name = signature_of(name);
    if matches!(fs::symlink_metadata(folder.join(&name)), Err(error) if error.kind() == io::ErrorKind::NotFound)
    {
        return Ok((package, None));
    }
    let signature = bytes(folder, &name, SIGNATURE_BYTES).map_err(|why| of_signature(&why))?;
    Ok((package, Some(String::from_utf8_lossy(&signature).into_owned())))
}

/// Reads a package, and says what it is.
fn look(folder: &Path, name: &OsStr, marks: Marks, known: &[PublisherKey]) -> Seen {
    let mut seen = Seen { mark: Some(marks), ..Seen::unreadable(String::new()) };
    seen.found = match read(folder, name) {
        Err(why) => {
            // Another right to read it changes nothing that would be noticed.
            seen.mark = None;
            Err(why)
        }
        Ok((package, signature)) => found(&mut seen, (&package, signature.as_deref()), known),
    };
    seen
}

fn found(
    seen: &mut Seen,
    (package, signature): (&[u8], Option<&str>),
    known: &[PublisherKey],
) -> Result<Found, String> {
    let signer = match signature {
        None => Signer::Nobody,
        Some(text) => {
            let id = peek_key_id(text).map_err(|it| of_signature(&it.to_string()))?;
            seen.key_id = Some(id.clone());
            seen.tried = of_id(known, &id).map(ToString::to_string).collect();
            let mut wrong = None;
            let signs = |key: &&PublisherKey| match verify(package, text, key) {
                Ok(_) => true,
                Err(why) => {
                    wrong = Some(of_signature(&why.to_string()));
                    false
                }
            };
            let signer = of_id(known, &id).find(signs);
            match (signer, wrong) {
                (Some(key), _) => Signer::Known(key.clone()),
                (None, Some(wrong)) => return Err(wrong),
                (None, None) => Signer::New(id),
            }
        }
    };
    let bytes = package;
    let package = Package::open(bytes).map_err(|it| it.to_string())?;
    let (manifest, _) = asked(package.manifest_text()).map_err(|error| match error {
        Error::Invalid { message, .. } => message,
        error => error.to_string(),
    })?;
    Ok(Found { digest: Package::digest(bytes), signer, facts: Facts::of(&package, &manifest) })
}
