//! What a plugin is made of: all files of its folder but those that building makes.

use std::{
    collections::BTreeMap,
    fs,
    io::{
        self,
        ErrorKind::{NotFound, PermissionDenied},
    },
    path::{Path, PathBuf},
    time::{Duration, SystemTime},
};

use anyhow::{Context as _, Result, bail};
use myrelay_plugin_package::Package;
use tokio::time::sleep;

use crate::build::BILL;

/// How often the files are looked at. A folder of a few hundred takes less than a millisecond.
const EVERY: Duration = Duration::from_millis(300);
/// Whoever has more than this beside a plugin has put something else there.
const MOST: usize = 10_000;
/// After so many looks what is still being written is taken as it is.
const UNREST: u32 = 10;
/// Folders in which nothing is an author's own.
const NOT_OURS: [&str; 5] = ["target", "node_modules", "__pycache__", "venv", "myrelay-data"];
/// Files that building, packing and signing make.
const MADE: [&str; 4] = [".pplug", ".minisig", ".rotation", ".rotation.new"];
/// What is built; the names of what it is written to begin with these too.
const COMPONENT: &str = "plugin.wasm";

/// The files of a folder.
pub(super) struct Sources {
    folder: PathBuf,
    /// The component is one of them: somebody else builds it.
    with_component: bool,
}

/// How the files were at one time.
#[derive(Clone, Default)]
pub(super) struct Seen(BTreeMap<PathBuf, Stamp>);

/// One file. Its digest is taken anew only where size or time are others.
#[derive(Clone)]
struct Stamp {
    size: u64,
    changed: Option<SystemTime>,
    digest: String,
}

impl Sources {
    pub(super) fn new(folder: &Path, with_component: bool) -> Self {
        Self { folder: folder.to_owned(), with_component }
    }

    /// How the files are now.
    ///
    /// # Errors
    /// When the folder cannot be read, or has too many files.
    pub(super) fn look(&self, before: &Seen) -> Result<Seen> {
        let mut now = Seen::default();
        let shown = || format!("cannot read {}", self.folder.display());
        self.look_into(&self.folder, before, &mut now).with_context(shown)?;
        if MOST < now.0.len() {
            bail!("{} has more than {MOST} files", self.folder.display());
        }
        Ok(now)
    }

    fn look_into(&self, folder: &Path, before: &Seen, now: &mut Seen) -> io::Result<()> {
        for entry in fs::read_dir(folder)? {
            let entry = entry?;
            let (path, name) = (entry.path(), entry.file_name());
            let name = name.to_string_lossy();
            // A link to a folder may lead back here.
            let is_folder = entry.file_type()?.is_dir();
            if name.starts_with('.') || (is_folder && NOT_OURS.contains(&&*name)) {
                continue;
            }
            if is_folder && now.0.len() <= MOST {
                match self.look_into(&path, before, now) {
                    // It is gone by now, or is none of the author's.
                    Err(error) if [NotFound, PermissionDenied].contains(&error.kind()) => {}
                    looked => looked?,
                }
            } else if self.is_source(&name) {
                // What is gone by now is gone.
                let stamp = stamp(&path, before.0.get(&path));
                now.0.extend(stamp.map(|it| (path, it)));
            }
        }
        Ok(())
    }

    fn is_source(&self, name: &str) -> bool {
        let is_component = name == COMPONENT && self.with_component;
        let is_made = name.starts_with(COMPONENT)
            || name.starts_with(BILL)
            || name == "Cargo.lock"
            || name.ends_with('~')
            || MADE.iter().any(|it| name.ends_with(it));
        is_component || !is_made
    }

    /// Waits until files are others than they were, and stay so for a moment: whoever saves, saves
    /// more than one. Answers their names.
    pub(super) async fn change(&self, seen: &Seen) -> Result<Vec<String>> {
        let (mut last, mut restless) = (seen.clone(), 0);
        loop {
            sleep(EVERY).await;
            let now = self.look(&last)?;
            let others = seen.others(&now);
            restless += u32::from(!others.is_empty());
            let rests = last.others(&now).is_empty() || UNREST < restless;
            if !others.is_empty() && rests {
                let short = |it: &&Path| it.strip_prefix(&self.folder).unwrap_or(it).to_owned();
                let names = others.iter().map(|it| short(it).display().to_string());
                return Ok(names.collect());
            }
            last = now;
        }
    }
}

fn stamp(path: &Path, before: Option<&Stamp>) -> Option<Stamp> {
    let about = fs::metadata(path).ok().filter(fs::Metadata::is_file)?;
    let (size, changed) = (about.len(), about.modified().ok());
    if let Some(before) = before.filter(|it| it.size == size && it.changed == changed) {
        return Some(before.clone());
    }
    Some(Stamp { size, changed, digest: Package::digest(&fs::read(path).ok()?) })
}

impl Seen {
    /// The files that are others in the other, or are in one of them alone.
    fn others<'a>(&'a self, other: &'a Self) -> Vec<&'a Path> {
        let digest = |of: &Self, it: &PathBuf| of.0.get(it).map(|it| it.digest.clone());
        let gone = self.0.keys().filter(|it| !other.0.contains_key(*it));
        let is_other = |it: &&PathBuf| digest(self, it) != digest(other, it);
        other.0.keys().filter(is_other).chain(gone).map(PathBuf::as_path).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_an_author_writes_is_seen_and_what_building_makes_is_not() {
        let root = tempfile::tempdir().unwrap();
        let write = |name: &str, text: &str| {
            let place = root.path().join(name);
            fs::create_dir_all(place.parent().unwrap()).unwrap();
            fs::write(place, text).unwrap();
        };
        let names = |before: &Seen, after: &Seen| {
            let short = |it: &&Path| it.strip_prefix(root.path()).unwrap().display().to_string();
            before.others(after).iter().map(short).collect::<Vec<_>>()
        };
        let sources = Sources::new(root.path(), false);
        for name in ["plugin.toml", "src/lib.rs", "tests/deliver.json"] {
            write(name, "one");
        }
        let first = sources.look(&Seen::default()).unwrap();
        for made in [
            "plugin.wasm",
            "plugin.wasm.71.new",
            "sbom.json",
            "target/build/x",
            "node_modules/x/y.js",
            "src/__pycache__/x.pyc",
            ".git/HEAD",
            "src/.lib.rs.swp",
            "src/lib.rs~",
            "Cargo.lock",
            "org.example-0.1.0.pplug",
        ] {
            write(made, "made");
        }
        // The same once more is nothing new.
        write("plugin.toml", "one");
        let second = sources.look(&first).unwrap();
        assert_eq!(names(&first, &second), Vec::<String>::new());

        write("src/lib.rs", "three");
        write("dev/config.json", "{}");
        fs::remove_file(root.path().join("tests/deliver.json")).unwrap();
        let third = sources.look(&second).unwrap();
        assert_eq!(names(&second, &third), ["dev/config.json", "src/lib.rs", "tests/deliver.json"]);

        let built_elsewhere = Sources::new(root.path(), true).look(&third).unwrap();
        assert_eq!(names(&third, &built_elsewhere), ["plugin.wasm"]);
    }
}
