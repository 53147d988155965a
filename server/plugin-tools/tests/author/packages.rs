//! Packing, signing, verifying, looking into.

use std::{
    fs,
    os::unix::fs::PermissionsExt as _,
    path::{Path, PathBuf},
};

use myrelay_plugin_host::{Manifest, stamp};
use tempfile::TempDir;

use crate::plugin;

/// A folder with a project whose component is not built, but begins like one and is stamped.
struct Desk {
    root: TempDir,
}

impl Desk {
    fn new() -> Self {
        let desk = Self { root: tempfile::tempdir().unwrap() };
        let project = desk.path("mail");
        plugin(&["new", "--kind", "notification", "mail", "--folder", &project]).unwrap();
        let project = Path::new(&project);
        let manifest = fs::read_to_string(project.join("plugin.toml")).unwrap();
        let manifest = Manifest::parse(&manifest).unwrap();
        let component = stamp(b"\0asm\x0d\0\x01\0".to_vec(), &manifest).unwrap();
        fs::write(project.join("plugin.wasm"), component).unwrap();
        desk
    }

    fn path(&self, name: &str) -> String {
        self.root.path().join(name).to_str().unwrap().to_owned()
    }

    /// Packs the project and tells where to.
    fn packed(&self) -> String {
        let package = self.path("mail.pplug");
        plugin(&["pack", &self.path("mail"), "--out", &package]).unwrap();
        package
    }

    /// A key without a password, by its two files.
    fn key(&self, name: &str) -> (String, String) {
        let (secret, public) = (self.path(name), self.path(&format!("{name}.pub")));
        plugin(&["keygen", "--unencrypted", "--secret", &secret, "--public", &public]).unwrap();
        (secret, public)
    }
}

#[test]
fn a_package_says_who_it_is_and_what_it_asks_for() {
    let desk = Desk::new();
    let told = plugin(&["pack", &desk.path("mail")]).unwrap();
    let place = PathBuf::from(desk.path("mail/dev.example.mail-0.1.0.pplug"));
    assert!(told.starts_with(place.to_str().unwrap()), "{told}");
    let first = fs::read(&place).unwrap();
    plugin(&["pack", &desk.path("mail")]).unwrap();
    assert_eq!(fs::read(&place).unwrap(), first, "the same content is the same bytes");

    let told = plugin(&["inspect", place.to_str().unwrap()]).unwrap();
    for line in [
        "id         dev.example.mail",
        "version    0.1.0",
        "kind       notification",
        "interface  myrelay:plugin@1.0",
        "host = \"api.example.com\"",
        "Hand messages to the mail service",
        "secret    token (Token of the mail service): in requests to api.example.com (auth)",
        "fixtures/deliver.json",
        "package    ",
        "component  SHA-256 ",
        "built for  myrelay:plugin@1.0",
        "made of    it does not say: there is no sbom.json",
        "signature  none",
    ] {
        assert!(told.contains(line), "{line}\n{told}");
    }
    assert!(!told.contains("dev/secrets.json") && !told.contains("src/lib.rs"), "{told}");
}

#[test]
fn keys_are_made_in_pairs_or_not_at_all() {
    let desk = Desk::new();
    let nowhere = desk.path("nowhere/minisign.pub");
    let (secret, public) = (desk.path("ada.key"), desk.path("ada.pub"));
    for (secret, public) in [(&secret, &nowhere), (&nowhere, &public)] {
        let line = ["keygen", "--unencrypted", "--secret", secret, "--public", public];
        let error = plugin(&line).unwrap_err();
        assert!(error.starts_with(&format!("cannot make {nowhere}")), "{error}");
        assert!(!Path::new(secret).exists() && !Path::new(public).exists(), "half a pair is left");
    }
    let line = ["keygen", "--unencrypted", "--secret", &secret, "--public", &secret];
    assert!(plugin(&line).is_err() && !Path::new(&secret).exists());
    plugin(&["keygen", "--unencrypted", "--secret", &secret, "--public", &public]).unwrap();
}

#[test]
fn what_is_written_replaces_what_was_there_and_leaves_nothing_beside_it() {
    let desk = Desk::new();
    let package = desk.packed();
    let aside = desk.path("mail.pplug.new");
    fs::write(&aside, "of somebody else").unwrap();
    desk.packed();
    assert_eq!(fs::read_to_string(&aside).unwrap(), "of somebody else");
    // A folder is in its place.
    fs::remove_file(&package).unwrap();
    fs::create_dir(&package).unwrap();
    let error = plugin(&["pack", &desk.path("mail"), "--out", &package]).unwrap_err();
    assert!(error.starts_with("cannot write "), "{error}");
    let names = fs::read_dir(desk.root.path()).unwrap().map(|it| it.unwrap().file_name());
    let mut names: Vec<_> = names.map(|it| it.into_string().unwrap()).collect();
    names.sort_unstable();
    assert_eq!(names, ["mail", "mail.pplug", "mail.pplug.new"]);
}

#[test]
fn a_signed_package_is_verified_and_a_changed_one_is_not() {
    let desk = Desk::new();
    let package = desk.packed();
    let (secret, public) = desk.key("ada");
    assert_eq!(fs::metadata(&secret).unwrap().permissions().mode() & 0o777, 0o600);
    plugin(&["sign", &package, "--key", &secret]).unwrap();

    let told = plugin(&["verify", &package, "--key", &public]).unwrap();
    assert!(told.starts_with("ok         dev.example.mail 0.1.0\n"), "{told}");
    assert!(told.contains("says       dev.example.mail 0.1.0 "), "{told}");
    // The key itself instead of its file.
    let line = fs::read_to_string(&public).unwrap().lines().nth(1).unwrap().to_owned();
    assert!(plugin(&["verify", &package, "--key", &line]).is_ok());
    let told = plugin(&["inspect", &package]).unwrap();
    assert!(told.contains("signature  says it is by the key "), "{told}");

    let (_, other) = desk.key("eve");
    let error = plugin(&["verify", &package, "--key", &other]).unwrap_err();
    assert!(
        error.contains("it is signed with the key ") && error.contains("mail.pplug"),
        "{error}"
    );

    let mut bytes = fs::read(&package).unwrap();
    let last = bytes.len() - 1;
    bytes[last] ^= 1;
    fs::write(&package, &bytes).unwrap();
    let error = plugin(&["verify", &package, "--key", &public]).unwrap_err();
    assert!(error.contains("it was changed after it was signed"), "{error}");
    let error = plugin(&["inspect", &package]).unwrap_err();
    assert!(error.contains("mail.pplug: the package: it is damaged"), "{error}");
    let error = plugin(&["sign", &package, "--key", &secret]).unwrap_err();
    assert!(error.contains("it is damaged"), "what nobody could install is not signed: {error}");
}

#[test]
fn keys_are_kept_and_never_overwritten() {
    let desk = Desk::new();
    let (secret, public) = desk.key("ada");
    let before = fs::read(&secret).unwrap();
    let line = ["keygen", "--unencrypted", "--secret", &secret, "--public", &public];
    let error = plugin(&line).unwrap_err();
    assert!(error.contains("is there already, and keys are not overwritten"), "{error}");
    assert_eq!(fs::read(&secret).unwrap(), before);

    let package = desk.packed();
    let error = plugin(&["verify", &package, "--key", &public]).unwrap_err();
    assert!(error.contains("cannot read") && error.contains("mail.pplug.minisig"), "{error}");
    let error = plugin(&["sign", &package, "--key", &public]).unwrap_err();
    assert!(error.contains("ada.pub"), "{error}");
    let error = plugin(&["verify", &package, "--key", &secret]).unwrap_err();
    assert!(error.contains("it is no public key of minisign"), "{error}");
}

#[test]
fn a_password_stands_between_the_file_and_a_signature() {
    let desk = Desk::new();
    let package = desk.packed();
    let (secret, public) = (desk.path("ada"), desk.path("ada.pub"));
    let (right, wrong, none) = (desk.path("right"), desk.path("wrong"), desk.path("none"));
    fs::write(&right, "correct horse\n").unwrap();
    fs::write(&wrong, "battery staple\n").unwrap();
    fs::write(&none, "\n").unwrap();
    let files = ["--secret", &secret, "--public", &public];
    let keygen = |file: &str| plugin(&[&["keygen", "--password-file", file][..], &files].concat());
    assert!(keygen(&none).unwrap_err().contains("at least one character"));
    keygen(&right).unwrap();
    let sign = |file: &str| plugin(&["sign", &package, "--key", &secret, "--password-file", file]);
    let error = sign(&wrong).unwrap_err();
    assert!(error.contains("the secret key does not open"), "{error}");
    sign(&right).unwrap();
    plugin(&["verify", &package, "--key", &public]).unwrap();
}
