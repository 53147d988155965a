//! What is wrong with a plugin is said before anybody installs it.

use std::fs;

use crate::desk::Desk;

#[test]
fn what_an_installation_would_refuse_check_refuses() {
    let Some(desk) = Desk::built("event", "refused") else { return };
    let manifest = desk.path("plugin.toml");
    let good = fs::read_to_string(&manifest).unwrap();
    let refused = || {
        let told = desk.check().unwrap_err();
        fs::write(&manifest, &good).unwrap();
        told
    };

    // Everything that is missing at once, with the lines that ask for it.
    desk.edit("plugin.toml", "kv = { max_bytes = 1024 }\n", "");
    let rest = good.find("# One table for each kind").unwrap();
    let config = good.find("[config]").unwrap();
    desk.edit("plugin.toml", &good[rest..config], "");
    let told = refused();
    for missing in [
        "imports myrelay:plugin/kv@1.0.0, and plugin.toml does not ask for it: \
         add [capabilities] kv = {}",
        "imports myrelay:plugin/http@1.0.0, and plugin.toml does not ask for it: \
         add [[capabilities.http]] with host, methods, path_prefix and reason",
    ] {
        assert!(told.contains(missing), "{missing}\n{told}");
    }

    for (from, to, says) in [
        ("kind = [\"event\"]", "kind = [\"billing\"]", "exports no such world"),
        (
            "version = \"0.1.0\"",
            "version = \"0.2.0\"",
            "plugin.toml says dev.example.refused 0.2.0",
        ),
        (
            "id = \"dev.example.refused\"",
            "id = \"dev.example.yours\"",
            "says it is dev.example.refused",
        ),
        ("api = \"1.0\"", "api = \"9.0\"", "plugin.toml: plugin.api: the version of"),
        (
            "api = \"1.0\"",
            "api = \"1.0\"\nmin_portal = \"99.0\"",
            "plugin.min_portal: it works with version 99.0 of the portal or a later one",
        ),
        (
            "peer.added.v1",
            "peer.add.v1",
            "peer.add.v1 is no event of this portal; there are account.created.v1, ",
        ),
        ("config.schema.json", "settings.json", "settings.json is called config.schema.json"),
    ] {
        desk.edit("plugin.toml", from, to);
        let told = refused();
        assert!(told.contains(says), "{says}\n{told}");
    }

    desk.edit("plugin.toml", "[capabilities]\n", "[capabilities]\ncrypto = true\n");
    let told = desk.check().unwrap();
    assert!(told.contains("plugin.toml asks for crypto, and nothing imports it"), "{told}");
    fs::write(&manifest, &good).unwrap();

    refuses_components(&desk, refused);

    fs::remove_file(desk.path("config.schema.json")).unwrap();
    assert!(refused().contains("config.schema.json: it is missing"));
}

/// One without a stamp, with another stamp, half of one, and none.
fn refuses_components(desk: &Desk, refused: impl Fn() -> String) {
    let wasm = desk.path("plugin.wasm");
    let component = fs::read(&wasm).unwrap();
    let stamp = b"\0\x16\x12myrelay:plugin-api1.0";
    fs::write(&wasm, component.strip_suffix(stamp).unwrap()).unwrap();
    let told = refused();
    assert!(told.contains("build it with `myrelay plugin build`"), "{told}");
    let mut other = component.clone();
    *other.last_mut().unwrap() = b'7';
    fs::write(&wasm, other).unwrap();
    let told = refused();
    let both = "built for myrelay:plugin@1.7, and plugin.toml says api = \"1.0\"";
    assert!(told.contains(both), "{told}");
    fs::write(&wasm, &component[..component.len() / 2]).unwrap();
    assert!(refused().contains("the component is not valid"));
    fs::write(&wasm, b"\0asm\x01\0\0\0").unwrap();
    assert!(refused().contains("plugin.wasm: it is no component"));
    fs::write(&wasm, component).unwrap();
}

#[test]
fn a_call_is_refused_for_what_is_wrong_with_its_files() {
    let Some(desk) = Desk::built("notification", "files") else { return };
    let not_a_call = desk.write("fixtures/other.json", "{ \"Fly\": {} }");
    let told = desk.call("fixtures/other.json", &[]).unwrap_err();
    assert!(told.contains(&not_a_call) && told.contains("no call that plugins know"), "{told}");
    let config = desk.write("dev/config.json", "{ \"endpoint\": 7, \"colour\": \"red\" }");
    let told = desk.call("fixtures/health.json", &["--config", &config]).unwrap_err();
    assert!(told.contains("/endpoint: ") && told.contains("colour"), "{told}");
    let secrets = desk.write("dev/other.json", "{ \"password\": \"x\" }");
    let told = desk.call("fixtures/health.json", &["--secrets", &secrets]).unwrap_err();
    assert!(told.contains("plugin.toml names no secret password"), "{told}");
    let told = desk.call("fixtures/event.json", &[]).unwrap_err();
    assert!(told.contains("cannot read"), "{told}");
    // A machine beside us is out of reach until it is named.
    desk.edit("plugin.toml", "host = \"api.example.com\"\n", "host = \"127.0.0.1\"\n");
    desk.edit("plugin.toml", "host = \"api.example.com\", in", "host = \"127.0.0.1\", in");
    let config = desk.write("dev/config.json", "{ \"endpoint\": \"https://127.0.0.1/v1/x\" }");
    let secrets = desk.shown("dev/secrets.json");
    let line = ["--config", &config, "--secrets", &secrets];
    let told = desk.call("fixtures/deliver.json", &line).unwrap_err();
    assert!(told.contains("not sent: ") && told.contains("requests  0 of 10"), "{told}");
    assert!(!told.contains("Error::"), "{told}");
}

#[test]
fn what_does_not_compile_or_is_no_plugin_is_told() {
    let Some(desk) = Desk::new("event", "broken") else { return };
    desk.edit("Cargo.toml", "crate-type = [\"cdylib\"]", "");
    let told = desk.plugin(&["build", &desk.folder()]).unwrap_err();
    assert!(told.contains("Cargo.toml needs [lib] crate-type"), "{told}");
    desk.edit("Cargo.toml", "[lib]\n", "[lib]\ncrate-type = [\"cdylib\"]\n");
    desk.edit("plugin.toml", "language = \"rust\"", "language = \"prebuilt\"");
    let told = desk.plugin(&["build", &desk.folder()]).unwrap_err();
    assert!(told.contains("bring plugin.wasm along"), "{told}");
    desk.edit("plugin.toml", "language = \"prebuilt\"", "language = \"rust\"");
    desk.edit("src/lib.rs", "struct Plugin;", "struct Plugin");
    let told = desk.plugin(&["build", &desk.folder()]).unwrap_err();
    assert!(told.contains("cargo build ended with"), "{told}");
    assert!(!desk.path("plugin.wasm").exists());
}
