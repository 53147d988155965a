//! A package: read from a folder or from its bytes, and sound either way.

use std::{
    fs::{self, File},
    io::{self, Read as _},
    path::Path,
};

use aws_lc_rs::digest::{SHA256, digest};
use myrelay_plugin_host::Manifest;

use crate::{
    archive::{self, Files},
    contents::{
        self, COMPONENT, ENTRIES, FILES, FIXTURES, ICON_PNG, ICON_SVG, MANIFEST, README, SCHEMA,
    },
    error::{PackageError, about, whole},
    frame,
    schema::ConfigSchema,
};

/// A plugin with all that belongs to it. Whatever of it is in memory keeps every rule but those of
/// the component, which the plugin host knows.
#[derive(Clone, Debug)]
pub struct Package {
    files: Files,
    manifest: Manifest,
    schema: Option<ConfigSchema>,
}

impl Package {
    /// Reads a plugin's folder: the files that packages have, and nothing else that is there.
    ///
    /// # Errors
    /// When a file is missing, cannot be read, is a link, or breaks a rule; the error names it.
    pub fn from_folder(folder: &Path) -> Result<Self, PackageError> {
        let mut files = Files::new();
        let names = FILES.iter().map(|it| it.0.to_owned());
        for name in names.chain(fixtures(folder)?) {
            if let Some(bytes) = read(folder, &name)? {
                files.insert(name, bytes);
            }
        }
        Self::of(files)
    }

    /// The bytes of the package: always the same for the same files.
    ///
    /// # Errors
    /// When it is larger than packages may be.
    pub fn pack(&self) -> Result<Vec<u8>, PackageError> {
        frame::pack(&archive::write(&self.files)?)
    }

    /// Opens a package. At most [`crate::ARCHIVE_BYTES`] are unpacked, whatever it says of itself.
    ///
    /// # Errors
    /// When anything in it is not as [`Package::pack`] writes it; the error names file and rule.
    pub fn open(bytes: &[u8]) -> Result<Self, PackageError> {
        Self::from_archive(&frame::unpack(bytes)?)
    }

    /// Opens what stands inside a package's frame.
    ///
    /// # Errors
    /// As [`Package::open`].
    pub fn from_archive(tar: &[u8]) -> Result<Self, PackageError> {
        Self::of(archive::read(tar)?)
    }

    fn of(files: Files) -> Result<Self, PackageError> {
        for (name, bytes) in &files {
            contents::check_form(name, bytes)?;
        }
        let missing = |name| about(name, "it is missing");
        let manifest = text(&files, MANIFEST).ok_or_else(|| missing(MANIFEST))?;
        let manifest = Manifest::parse(manifest)
            .map_err(|error| about(MANIFEST, format!("{}: {}", error.field, error.rule)))?;
        if !files.contains_key(COMPONENT) {
            return Err(about(COMPONENT, "it is missing; `myrelay plugin build` makes it"));
        }
        if files.contains_key(ICON_PNG) && files.contains_key(ICON_SVG) {
            return Err(about(ICON_PNG, "one icon is enough, and there is an icon.svg"));
        }
        let schema = match (manifest.config_schema.as_deref(), text(&files, SCHEMA)) {
            (None, None) => None,
            (Some(SCHEMA), Some(text)) => {
                Some(ConfigSchema::parse(text).map_err(|rule| about(SCHEMA, rule))?)
            }
            (Some(SCHEMA), None) => {
                return Err(about(
                    SCHEMA,
                    "it is missing, and config.schema of plugin.toml names it",
                ));
            }
            (Some(name), _) => {
                let rule = format!("config.schema: {name} is called {SCHEMA} in packages");
                return Err(about(MANIFEST, rule));
            }
            (None, Some(_)) => {
                let rule =
                    "plugin.toml does not name it: add [config] schema = \"config.schema.json\"";
                return Err(about(SCHEMA, rule));
            }
        };
        Ok(Self { files, manifest, schema })
    }

    /// Who the plugin is and what it asks for.
    #[must_use]
    pub fn manifest(&self) -> &Manifest {
        &self.manifest
    }

    /// `plugin.toml` as it was written.
    #[must_use]
    pub fn manifest_text(&self) -> &str {
        text(&self.files, MANIFEST).unwrap_or_default()
    }

    /// The component.
    #[must_use]
    pub fn wasm(&self) -> &[u8] {
        self.file(COMPONENT).unwrap_or_default()
    }

    /// What the settings have to be, where there are any.
    #[must_use]
    pub fn schema(&self) -> Option<&ConfigSchema> {
        self.schema.as_ref()
    }

    /// The same as its text.
    #[must_use]
    pub fn schema_text(&self) -> Option<String> {
        let file = self.file(self.manifest.config_schema.as_deref()?)?;
        Some(String::from_utf8_lossy(file).into_owned())
    }

    /// What the author tells whoever installs it.
    #[must_use]
    pub fn readme(&self) -> Option<&str> {
        text(&self.files, README)
    }

    /// One file of the package.
    #[must_use]
    pub fn file(&self, name: &str) -> Option<&[u8]> {
        self.files.get(name).map(Vec::as_slice)
    }

    /// All files in the order of their names.
    pub fn files(&self) -> impl Iterator<Item = (&str, &[u8])> {
        self.files.iter().map(|(name, bytes)| (name.as_str(), bytes.as_slice()))
    }

    /// The SHA-256 of some bytes, as people compare it.
    #[must_use]
    pub fn digest(bytes: &[u8]) -> String {
        let digest = digest(&SHA256, bytes);
        digest.as_ref().iter().map(|it| format!("{it:02x}")).collect()
    }
}

fn text<'a>(files: &'a Files, name: &str) -> Option<&'a str> {
    std::str::from_utf8(files.get(name)?).ok()
}

/// The names of the fixtures of a folder, in packages.
fn fixtures(folder: &Path) -> Result<Vec<String>, PackageError> {
    let failed = |error: io::Error| about(FIXTURES, format!("cannot be read: {error}"));
    let entries = match fs::read_dir(folder.join(FIXTURES)) {
        Ok(entries) => entries,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
        Err(error) => return Err(failed(error)),
    };
    let mut names = Vec::new();
    for entry in entries {
        let name = entry.map_err(failed)?.file_name();
        let name = format!("{FIXTURES}{}", name.to_string_lossy());
        contents::most_bytes(&name)?;
        names.push(name);
        if ENTRIES < names.len() {
            return Err(whole(format!("it has more than {ENTRIES} files")));
        }
    }
    Ok(names)
}

/// One file of a folder, if it is there.
fn read(folder: &Path, name: &str) -> Result<Option<Vec<u8>>, PackageError> {
    let place = folder.join(name);
    let failed = |error: io::Error| about(name, format!("{}: {error}", place.display()));
    let metadata = match fs::symlink_metadata(&place) {
        Ok(metadata) => metadata,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(failed(error)),
    };
    if !metadata.is_file() {
        return Err(about(name, "it is no regular file, and a package holds nothing else"));
    }
    let most = contents::most_bytes(name)?;
    let mut bytes = Vec::new();
    let file = File::open(&place).map_err(failed)?;
    let limit = u64::try_from(most).unwrap_or(u64::MAX);
    file.take(limit + 1).read_to_end(&mut bytes).map_err(failed)?;
    contents::check_size(name, bytes.len())?;
    Ok(Some(bytes))
}
