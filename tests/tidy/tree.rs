//! The checked-out tree, as the rules read it.

use std::{
    collections::BTreeSet,
    fs,
    path::{Path, PathBuf},
    sync::LazyLock,
};

use cargo_metadata::{DependencyKind, Metadata, MetadataCommand, PackageId};

/// The platforms that we build for: the programs', and the browser's.
pub(crate) const HOST: &str = "x86_64-unknown-linux-gnu";
pub(crate) const BROWSER: &str = "wasm32-unknown-unknown";

/// A text file of the tree.
pub(crate) struct File {
    /// From the root, with `/`.
    pub(crate) path: String,
    pub(crate) text: String,
}

impl File {
    pub(crate) fn is_rust(&self) -> bool {
        self.path.ends_with(".rs")
    }

    /// Whether it is only compiled for tests.
    pub(crate) fn is_test(&self) -> bool {
        let parts: Vec<&str> = self.path.split('/').collect();
        let names = ["tests", "tests.rs", "testing.rs", "plan_tests.rs", "examples"];
        parts.iter().any(|part| names.contains(part))
    }

    /// Its lines without those that are comments.
    pub(crate) fn code(&self) -> String {
        let lines = self.text.lines().filter(|line| !line.trim_start().starts_with("//"));
        lines.fold(String::new(), |code, line| code + line + "\n")
    }
}

/// The folder of the workspace.
pub(crate) fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap()
}

/// Every text file of ours.
pub(crate) fn files() -> &'static [File] {
    static FILES: LazyLock<Vec<File>> = LazyLock::new(|| {
        let mut found = Vec::new();
        let mut folders = vec![root().to_owned()];
        while let Some(folder) = folders.pop() {
            for entry in fs::read_dir(folder).unwrap() {
                take(entry.unwrap().path(), &mut folders, &mut found);
            }
        }
        found.sort_by(|a, b| a.path.cmp(&b.path));
        found
    });
    &FILES
}

fn take(path: PathBuf, folders: &mut Vec<PathBuf>, found: &mut Vec<File>) {
    let name = path.file_name().unwrap().to_string_lossy();
    if path.is_symlink() || name.starts_with("target") || name == ".git" {
        return;
    }
    if path.is_dir() {
        folders.push(path);
    } else if let Ok(text) = fs::read_to_string(&path) {
        let path = path.strip_prefix(root()).unwrap().to_str().unwrap().to_owned();
        found.push(File { path, text });
    }
}

/// Every Rust source.
pub(crate) fn rust() -> impl Iterator<Item = &'static File> {
    files().iter().filter(|file| file.is_rust())
}

/// Every Rust source below a folder.
pub(crate) fn rust_in(folder: &str) -> impl Iterator<Item = &'static File> {
    let folder = format!("{folder}/");
    rust().filter(move |file| file.path.starts_with(&folder))
}

/// The text of one file.
pub(crate) fn read(path: &str) -> &'static str {
    let found = files().iter().find(|file| file.path == path);
    &found.unwrap_or_else(|| panic!("there is no {path}")).text
}

/// What Cargo says of the workspace and all it is made of, on one platform.
pub(crate) fn metadata(platform: &str) -> &'static Metadata {
    static OF_HOST: LazyLock<Metadata> = LazyLock::new(|| ask(HOST));
    static OF_BROWSER: LazyLock<Metadata> = LazyLock::new(|| ask(BROWSER));
    if platform == HOST { &OF_HOST } else { &OF_BROWSER }
}

fn ask(platform: &str) -> Metadata {
    MetadataCommand::new()
        .manifest_path(root().join("Cargo.toml"))
        .other_options(["--locked", "--filter-platform", platform].map(str::to_owned))
        .exec()
        .unwrap()
}

/// The names of everything that a crate of ours is built from, itself included.
pub(crate) fn reached(metadata: &Metadata, from: &str) -> BTreeSet<String> {
    let nodes = &metadata.resolve.as_ref().unwrap().nodes;
    let start = metadata.packages.iter().find(|package| package.name.as_str() == from).unwrap();
    let (mut found, mut next) = (BTreeSet::<&PackageId>::new(), vec![&start.id]);
    while let Some(id) = next.pop() {
        if found.insert(id) {
            let node = nodes.iter().find(|node| node.id == *id).unwrap();
            let needed = node.deps.iter().filter(|dependency| {
                dependency.dep_kinds.iter().any(|it| it.kind == DependencyKind::Normal)
            });
            next.extend(needed.map(|dependency| &dependency.pkg));
        }
    }
    found.into_iter().map(|id| metadata[id].name.to_string()).collect()
}

/// Words of a text: what is between characters that no name has.
pub(crate) fn words(text: &str) -> impl Iterator<Item = &str> {
    text.split(|c: char| !(c.is_alphanumeric() || c == '_')).filter(|word| !word.is_empty())
}
