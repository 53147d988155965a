//! An author's folder, and the commands typed in it.

use std::{
    env, fs,
    path::{Path, PathBuf},
};

use myrelay_plugin_tools::{command, run_to};
use serde_json::Value;

/// The events of the portal: each has a schema.
pub(crate) fn events() -> Vec<String> {
    let schemas = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../plugins/events");
    let names = fs::read_dir(schemas).unwrap().map(|it| it.unwrap().file_name());
    let names = names.filter_map(|it| Some(it.to_str()?.strip_suffix(".json")?.to_owned()));
    let mut names: Vec<String> = names.collect();
    names.sort_unstable();
    names
}

/// Whether what builds plugins is here.
#[expect(clippy::print_stdout, reason = "a test that cannot run says so")]
pub(crate) fn can_build() -> bool {
    let can = env::var_os("MYRELAY_TEST_PLUGINS").is_some();
    if !can {
        println!("skipped: no MYRELAY_TEST_PLUGINS; run it by `cargo xtask test plugins`");
    }
    can
}

/// The program that compiles components: tests stand one folder below the programs.
pub(crate) fn compiler() -> PathBuf {
    let tests = env::current_exe().unwrap();
    let programs = tests.parent().and_then(Path::parent).unwrap();
    programs.join("myrelay-plugin-compile")
}

/// Copies a folder but for what was built in it.
pub(crate) fn copy(from: &Path, to: &Path) {
    fs::create_dir_all(to).unwrap();
    for entry in fs::read_dir(from).unwrap() {
        let (path, name) = entry.map(|it| (it.path(), it.file_name())).unwrap();
        if name == "target" {
            continue;
        }
        if path.is_dir() {
            copy(&path, &to.join(name));
        } else {
            fs::copy(path, to.join(name)).unwrap();
        }
    }
}

/// The names in the bill of what was built in a folder, each with its version.
pub(crate) fn parts(folder: &Path) -> Vec<String> {
    let bill = fs::read_to_string(folder.join("sbom.json")).unwrap();
    let bill: Value = serde_json::from_str(&bill).unwrap();
    let parts = bill["components"].as_array().unwrap().iter();
    let text = |it: &Value| it.as_str().unwrap_or_default().to_owned();
    parts.map(|it| format!("{} {}", text(&it["name"]), text(&it["version"]))).collect()
}

/// A project that Cargo builds with what this checkout is built from. It stays until the next time,
/// so that Cargo keeps one set of files for it.
pub(crate) struct Desk {
    root: PathBuf,
    compiler: String,
}

impl Desk {
    /// A new project of a kind for the test of this name; none where it cannot be built.
    pub(crate) fn new(kind: &str, test: &str) -> Option<Self> {
        Self::written_in("rust", kind, test)
    }

    /// The same in another language.
    pub(crate) fn written_in(language: &str, kind: &str, test: &str) -> Option<Self> {
        if !can_build() {
            return None;
        }
        let compiler = compiler().to_str().unwrap().to_owned();
        let root = Path::new(env!("CARGO_TARGET_TMPDIR")).join("authors").join(test);
        if root.exists() {
            fs::remove_dir_all(&root).unwrap();
        }
        fs::create_dir_all(root.parent().unwrap()).unwrap();
        let desk = Self { root, compiler };
        let folder = desk.folder();
        // Cargo's folder is shared, and in it each plugin needs a name of its own.
        let line = ["new", "--lang", language, "--kind", kind, test, "--folder", &folder];
        desk.plugin(&line).unwrap();
        desk.lock();
        Some(desk)
    }

    /// Locks the versions that are here already: nothing is downloaded.
    pub(crate) fn lock(&self) {
        let lock = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../Cargo.lock");
        fs::copy(lock, self.path("Cargo.lock")).unwrap();
    }

    /// The same, built.
    pub(crate) fn built(kind: &str, test: &str) -> Option<Self> {
        Self::built_in("rust", kind, test)
    }

    /// The same in another language, built.
    pub(crate) fn built_in(language: &str, kind: &str, test: &str) -> Option<Self> {
        let desk = Self::written_in(language, kind, test)?;
        let told = desk.plugin(&["build", &desk.folder()]).unwrap();
        assert!(told.contains("plugin.wasm"), "{told}");
        Some(desk)
    }

    /// The same project in another place.
    pub(crate) fn copied(&self, test: &str) -> Self {
        let root = Path::new(env!("CARGO_TARGET_TMPDIR")).join("authors").join(test);
        if root.exists() {
            fs::remove_dir_all(&root).unwrap();
        }
        copy(&self.root, &root);
        Self { root, compiler: self.compiler.clone() }
    }

    pub(crate) fn compiler(&self) -> &str {
        &self.compiler
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.root.join(name)
    }

    pub(crate) fn shown(&self, name: &str) -> String {
        self.path(name).to_str().unwrap().to_owned()
    }

    pub(crate) fn folder(&self) -> String {
        self.root.to_str().unwrap().to_owned()
    }

    pub(crate) fn write(&self, name: &str, text: &str) -> String {
        fs::write(self.path(name), text).unwrap();
        self.shown(name)
    }

    /// Changes a file of the project.
    pub(crate) fn edit(&self, name: &str, from: &str, to: &str) {
        let text = fs::read_to_string(self.path(name)).unwrap();
        assert!(text.contains(from), "{name} has no {from}");
        fs::write(self.path(name), text.replace(from, to)).unwrap();
    }

    /// What a command line writes, or what it wrote and why it stopped.
    pub(crate) fn plugin(&self, line: &[&str]) -> Result<String, String> {
        let matches = command().try_get_matches_from([&["plugin"], line].concat());
        let mut out = Vec::new();
        let ended = run_to(&matches.unwrap(), &events(), &mut out);
        let told = String::from_utf8(out).unwrap();
        ended.map(|()| told.clone()).map_err(|error| format!("{told}{error:#}"))
    }

    pub(crate) fn check(&self) -> Result<String, String> {
        self.plugin(&["check", &self.folder(), "--compiler", &self.compiler])
    }

    /// Tests the plugin.
    pub(crate) fn test(&self, more: &[&str]) -> Result<String, String> {
        let folder = self.folder();
        let line = ["test", &folder, "--compiler", &self.compiler];
        self.plugin(&[&line[..], more].concat())
    }

    /// Calls the plugin with the input in a file, and more arguments.
    pub(crate) fn call(&self, input: &str, more: &[&str]) -> Result<String, String> {
        let input = self.shown(input);
        let folder = self.folder();
        let line = ["call", &input, &folder, "--compiler", &self.compiler];
        self.plugin(&[&line[..], more].concat())
    }
}
