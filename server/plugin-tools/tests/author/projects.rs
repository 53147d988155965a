//! A new plugin's folder.

use std::{fs, os::unix::fs::PermissionsExt as _, path::Path};

use myrelay_plugin_host::{Manifest, stamp};
use toml::Table;

use crate::plugin;

fn read(folder: &Path, name: &str) -> String {
    fs::read_to_string(folder.join(name)).unwrap_or_else(|error| panic!("{name}: {error}"))
}

#[test]
fn a_new_folder_has_all_that_a_stranger_needs() {
    let root = tempfile::tempdir().unwrap();
    for (kind, world) in [
        ("notification", "notification-plugin"),
        ("event", "event-plugin"),
        ("billing", "billing-plugin"),
    ] {
        let folder = root.path().join(kind);
        let shown = folder.to_str().unwrap();
        let name = format!("my-{kind}");
        let line = ["new", "--lang", "rust", "--kind", kind, &name, "--folder", shown];
        let told = plugin(&line).unwrap();
        assert!(told.contains(&format!("{kind} plugin dev.example.my-{kind}")), "{told}");

        let cargo: Table = read(&folder, "Cargo.toml").parse().unwrap();
        assert_eq!(cargo["package"]["name"].as_str(), Some(&*format!("my-{kind}-plugin")));
        assert!(cargo.contains_key("workspace"), "it is a workspace of its own");
        let manifest = read(&folder, "plugin.toml");
        assert!(manifest.contains(&format!("id = \"dev.example.my-{kind}\"")), "{manifest}");
        assert!(read(&folder, "src/lib.rs").contains(&format!("world!(\"{world}\", \"wit/v1\")")));
        assert!(read(&folder, "DEVELOPING.md").contains("myrelay plugin build"));
        // That one is for whoever installs it.
        assert!(!read(&folder, "README.md").contains("myrelay plugin build"));
        let files = ["sdk/Cargo.toml", "sdk/src/lib.rs", "wit/v1/worlds.wit", ".gitignore"];
        for name in files.iter().chain(&["config.schema.json", "fixtures/health.json"]) {
            let text = read(&folder, name);
            assert!(!text.contains("{{"), "{name}: {text}");
        }
        for fixture in fs::read_dir(folder.join("fixtures")).unwrap() {
            let text = fs::read_to_string(fixture.unwrap().path()).unwrap();
            serde_json::from_str::<myrelay_plugin_host::Call>(&text).unwrap();
        }
        // A token that somebody tries it with is in no repository, and nobody else's to read.
        assert!(read(&folder, ".gitignore").lines().any(|it| it == "/dev/secrets.json"));
        if let Ok(secrets) = fs::metadata(folder.join("dev/secrets.json")) {
            assert_eq!(secrets.permissions().mode() & 0o777, 0o600, "{kind}");
        }
        let error = plugin(&line).unwrap_err();
        assert!(error.contains("is there already, and nothing is overwritten"), "{error}");
    }
}

#[test]
fn names_ids_and_kinds_are_what_they_may_be() {
    let root = tempfile::tempdir().unwrap();
    let folder = root.path().join("it");
    let shown = folder.to_str().unwrap();
    for name in ["", "Mail", "my mail", "../mail", "mail-", "1mail", &"m".repeat(41)] {
        let error = plugin(&["new", "--kind", "event", "--folder", shown, "--", name]);
        assert!(error.unwrap_err().contains("a name is lower case words"), "{name}");
    }
    for id in ["mail", "Org.Mail", "org..mail", "org.mail/.."] {
        let error = plugin(&["new", "--kind", "event", "mail", "--id", id, "--folder", shown]);
        assert!(error.unwrap_err().contains("a reverse domain name"), "{id}");
    }
    assert!(plugin(&["new", "--kind", "virus", "mail"]).unwrap_err().contains("notification"));
    assert!(plugin(&["new", "--kind", "event", "--lang", "cobol", "mail"]).is_err());
    assert!(!folder.exists());
    plugin(&["new", "--kind", "event", "mail", "--id", "org.ada.mail", "--folder", shown]).unwrap();
    assert!(read(&folder, "src/lib.rs").contains("Plugin, \"org.ada.mail\", env!("));
    assert!(read(&folder, "plugin.toml").contains("id = \"org.ada.mail\""));
}

#[test]
fn what_is_not_built_yet_is_told() {
    let root = tempfile::tempdir().unwrap();
    let folder = root.path().join("mail");
    let shown = folder.to_str().unwrap();
    plugin(&["new", "--kind", "notification", "mail", "--folder", shown]).unwrap();
    for command in ["check", "pack"] {
        let error = plugin(&[command, shown]).unwrap_err();
        assert_eq!(error, "plugin.wasm: it is missing; `myrelay plugin build` makes it");
    }
    fs::write(folder.join("plugin.wasm"), b"\0asm\x0d\0\x01\0").unwrap();
    let error = plugin(&["check", shown, "--compiler", "/nowhere/compile"]).unwrap_err();
    assert!(error.contains("there is no /nowhere/compile, which compiles plugins"), "{error}");
    let error = plugin(&["pack", shown]).unwrap_err();
    let says = "plugin.wasm: it does not say which version of myrelay:plugin it was built for: \
                build it with `myrelay plugin build`";
    assert!(error.starts_with(says), "{error}");
    let nothing = root.path().join("nothing");
    for command in ["build", "dev"] {
        let error = plugin(&[command, nothing.to_str().unwrap()]).unwrap_err();
        assert!(error.contains("no folder"), "{command}: {error}");
    }
}

#[test]
fn a_component_that_was_brought_along_is_stamped_once_and_packed() {
    let root = tempfile::tempdir().unwrap();
    let folder = root.path().join("mail");
    let shown = folder.to_str().unwrap();
    plugin(&["new", "--kind", "notification", "mail", "--folder", shown]).unwrap();
    let manifest = read(&folder, "plugin.toml");
    let manifest = manifest.replace("language = \"rust\"", "language = \"prebuilt\"");
    fs::write(folder.join("plugin.toml"), manifest).unwrap();
    let error = plugin(&["build", shown]).unwrap_err();
    assert!(error.contains("prebuilt is not built here; bring plugin.wasm along"), "{error}");
    let place = folder.join("plugin.wasm");
    let brought = b"\0asm\x0d\0\x01\0";
    fs::write(&place, brought).unwrap();
    plugin(&["build", shown]).unwrap();
    let built = fs::read(&place).unwrap();
    assert!(built.starts_with(brought) && built.ends_with(b"myrelay:plugin-api1.0"), "{built:?}");
    plugin(&["build", shown]).unwrap();
    assert_eq!(fs::read(&place).unwrap(), built);
    // Nobody but its author knows what is in it.
    assert!(!folder.join("sbom.json").exists());
    let own = "{ \"bomFormat\": \"CycloneDX\", \"components\": [{ \"name\": \"zlib\" }] }";
    fs::write(folder.join("sbom.json"), own).unwrap();
    let told = plugin(&["build", shown]).unwrap();
    assert!(told.ends_with("sbom.json  yours, and left as it is\n"), "{told}");
    assert_eq!(read(&folder, "sbom.json"), own);
    plugin(&["pack", shown]).unwrap();
    let told = plugin(&["inspect", &format!("{shown}/dev.example.mail-0.1.0.pplug")]).unwrap();
    assert!(told.contains("made of    1 component, by sbom.json\n"), "{told}");

    // It was built for another interface than plugin.toml says by now.
    let mut other = built;
    *other.last_mut().unwrap() = b'7';
    fs::write(&place, other).unwrap();
    for command in ["build", "pack"] {
        let error = plugin(&[command, shown]).unwrap_err();
        let both = "built for myrelay:plugin@1.7, and plugin.toml says api = \"1.0\"";
        assert!(error.contains("plugin.wasm: ") && error.contains(both), "{command}: {error}");
    }
    fs::write(&place, b"\0asm\x01\0\0\0").unwrap();
    assert!(plugin(&["build", shown]).unwrap_err().contains("it is no component"));
}

#[test]
fn a_build_that_fails_leaves_nothing_that_is_taken_for_what_it_did_not_make() {
    let root = tempfile::tempdir().unwrap();
    let folder = root.path().join("mail");
    let shown = folder.to_str().unwrap();
    plugin(&["new", "--lang", "js", "--kind", "notification", "mail", "--folder", shown]).unwrap();
    let (wasm, bill) = (folder.join("plugin.wasm"), folder.join("sbom.json"));
    let unstamped = b"\0asm\x0d\0\x01\0".to_vec();
    let manifest = Manifest::parse(&read(&folder, "plugin.toml")).unwrap();
    let built = stamp(unstamped.clone(), &manifest).unwrap();
    let ours = r#"{"metadata":{"tools":{"components":[{"name":"myrelay plugin build"}]}}}"#;
    fs::write(&wasm, &built).unwrap();
    fs::write(&bill, ours).unwrap();
    plugin(&["pack", shown]).unwrap();

    fs::remove_file(folder.join("src/plugin.js")).unwrap();
    let error = plugin(&["build", shown]).unwrap_err();
    assert!(error.starts_with("src/plugin.js is missing"), "{error}");
    assert!(error.contains("; there is no plugin.wasm now"), "{error}");
    assert!(!wasm.exists() && !bill.exists());
    assert_eq!(fs::read(folder.join("plugin.wasm.before")).unwrap(), built, "nothing is lost");
    for command in ["check", "pack"] {
        let error = plugin(&[command, shown]).unwrap_err();
        assert_eq!(error, "plugin.wasm: it is missing; `myrelay plugin build` makes it");
    }

    // What no build made is its author's, and so is a bill of their own.
    for (component, own) in [(&unstamped, ours), (&built, "{}")] {
        fs::write(&wasm, component).unwrap();
        fs::write(&bill, own).unwrap();
        let error = plugin(&["build", shown]).unwrap_err();
        assert_eq!(error.contains("called plugin.wasm.before"), component == &built, "{error}");
        assert_eq!(wasm.exists(), component == &unstamped);
        assert_eq!(read(&folder, "sbom.json"), own);
    }
}

#[test]
fn a_version_that_cargo_does_not_know_of_is_told_when_it_is_packed() {
    let root = tempfile::tempdir().unwrap();
    let folder = root.path().join("desk");
    let shown = folder.to_str().unwrap();
    plugin(&["new", "--lang", "rust", "--kind", "event", "desk", "--folder", shown]).unwrap();
    let manifest = read(&folder, "plugin.toml");
    let built = b"\0asm\x0d\0\x01\0".to_vec();
    let built = stamp(built, &Manifest::parse(&manifest).unwrap()).unwrap();
    fs::write(folder.join("plugin.wasm"), built).unwrap();
    let told = plugin(&["pack", shown]).unwrap();
    assert!(!told.contains("Cargo.toml"), "{told}");
    fs::write(folder.join("plugin.toml"), manifest.replace("\"0.1.0\"", "\"0.2.0\"")).unwrap();
    let told = plugin(&["pack", shown]).unwrap();
    assert!(told.contains("plugin.toml says version 0.2.0, and Cargo.toml 0.1.0"), "{told}");
}
