//! One story for each kind of plugin that `new` makes.

use std::{
    fs,
    io::Write as _,
    path::{Path, PathBuf},
};

use crate::{
    desk::{Desk, parts},
    server::{Server, ok},
};

/// Lets the project reach a server of the test's, and tells how to call it.
pub(crate) fn reach(desk: &Desk, server: &Server, path: &str) -> Vec<String> {
    let port = server.address.port();
    desk.edit(
        "plugin.toml",
        "host = \"api.example.com\"\nmethods",
        &format!("scheme = \"http\"\nhost = \"127.0.0.1\"\nport = {port}\nmethods"),
    );
    desk.edit("plugin.toml", "host = \"api.example.com\"", "host = \"127.0.0.1\"");
    let config = format!("{{ \"endpoint\": \"{}\" }}", server.url(path));
    let config = desk.write("dev/config.json", &config);
    let private = format!("127.0.0.1/32:{port}");
    let secrets = desk.shown("dev/secrets.json");
    ["--config", &config, "--secrets", &secrets, "--private", &private].map(str::to_owned).into()
}

#[test]
fn an_author_makes_tries_and_publishes_a_notification_plugin() {
    let Some(desk) = Desk::built("notification", "publishes") else { return };
    carries(&desk, "publishes");

    let (secret, public) = (desk.shown("minisign.key"), desk.shown("minisign.pub"));
    desk.plugin(&["keygen", "--unencrypted", "--secret", &secret, "--public", &public]).unwrap();
    desk.plugin(&["pack", &desk.folder()]).unwrap();
    let package = desk.shown("dev.example.publishes-0.1.0.pplug");
    desk.plugin(&["sign", &package, "--key", &secret]).unwrap();
    let told = desk.plugin(&["verify", &package, "--key", &public]).unwrap();
    assert!(told.starts_with("ok         dev.example.publishes 0.1.0\n"), "{told}");
    let told = desk.plugin(&["inspect", &package]).unwrap();
    assert!(told.contains("host = \"127.0.0.1\"") && told.contains("says it is by"), "{told}");
    let made_of = parts(Path::new(&desk.folder()));
    let line = told.lines().find(|it| it.starts_with("made of ")).unwrap();
    let counts: Vec<usize> = line.split(' ').filter_map(|it| it.parse().ok()).collect();
    assert_eq!(counts.iter().sum::<usize>(), made_of.len(), "{line}: {made_of:?}");
    for part in ["myrelay-plugin-sdk ", "rust-std 1.", "serde_json 1.", "wit-bindgen 0."] {
        assert!(made_of.iter().any(|it| it.starts_with(part)), "{part} is not in {made_of:?}");
    }

    let first = fs::read(desk.path("plugin.wasm")).unwrap();
    let home = std::env::var_os("CARGO_HOME").map(PathBuf::from);
    let home = home.unwrap_or_else(|| std::env::home_dir().unwrap().join(".cargo"));
    for place in [desk.folder(), home.to_str().unwrap().to_owned()] {
        let told = first.windows(place.len()).any(|it| it == place.as_bytes());
        assert!(!told, "where its author lives is nobody's business: {place}");
    }
    is_the_same_elsewhere(&desk);
}

/// Built in another folder it is the same plugin, byte for byte, and made of the same. What tests it
/// is no part of it.
fn is_the_same_elsewhere(desk: &Desk) {
    let other = desk.copied("elsewhere/and/deeper");
    for made in ["plugin.wasm", "sbom.json"] {
        fs::remove_file(other.path(made)).unwrap();
    }
    other.edit("src/lib.rs", "struct Plugin;", "struct Plugin; // again");
    let tests = "\n[dev-dependencies]\nfastrand = \"2\"\n\n[dependencies]\n";
    other.edit("Cargo.toml", "\n[dependencies]\n", tests);
    other.lock();
    other.plugin(&["build", &other.folder()]).unwrap();
    assert!(fs::read_to_string(other.path("Cargo.lock")).unwrap().contains("\"fastrand\""));
    for made in ["plugin.wasm", "sbom.json"] {
        let (one, two) = (desk.path(made), other.path(made));
        assert!(fs::read(one).unwrap() == fs::read(two).unwrap(), "another {made}");
    }
}

/// The story of a notification plugin of this name, whatever it is written in.
pub(crate) fn carries(desk: &Desk, name: &str) {
    let told = desk.check().unwrap();
    let first = format!("plugin.toml         dev.example.{name} 0.1.0, notification\n");
    for line in [
        &*first,
        "config.schema.json  2 settings\n",
        "http",
        "exports             lifecycle, notifier\n",
        "describe()          as in plugin.toml\nok\n",
    ] {
        assert!(told.contains(line), "{line}\n{told}");
    }

    let server = Server::start(|_, stream| stream.write_all(ok("{\"id\":\"mail-7\"}").as_bytes()));
    let more = reach(desk, &server, "/v1/messages");
    let more: Vec<&str> = more.iter().map(String::as_str).collect();
    desk.check().unwrap();
    let told = desk.call("fixtures/deliver.json", &more).unwrap();
    for line in [
        "\"provider_id\": \"mail-7\"",
        "  info  sent  template=token.created\n",
        "  POST http://127.0.0.1:",
        "/v1/messages  200  ",
        "  requests  1 of 10\n",
        "of 1000.0 ms",
        "of 15000.0 ms",
        "of 64.0 MiB",
    ] {
        assert!(told.contains(line), "{line}\n{told}");
    }
    assert!(!told.contains("over 80 %") && !told.contains("a-token-for-trials"), "{told}");
    let [asked] = &server.asked()[..] else { panic!("one request") };
    assert!(asked.contains("authorization: Bearer a-token-for-trials\r\n"), "{asked}");
    assert!(asked.contains("\"to\":\"ada@example.org\"") && asked.contains("vpn@example.org"));

    let account = serde_json::json!({ "id": "acct_1", "locale": "en", "country": null });
    let nobody = serde_json::json!({ "account": account, "address": "nobody" });
    let call = serde_json::json!({ "BeginVerification": nobody }).to_string();
    desk.write("fixtures/nobody.json", &call);
    let told = desk.call("fixtures/nobody.json", &more).unwrap_err();
    let public = "\"public_message\": \"A mail address has an @ in it\"";
    assert!(told.contains(public) && told.contains("\"an address without an @\""), "{told}");
}

#[test]
fn an_author_who_goes_back_to_an_earlier_version_has_that_version_again() {
    let Some(desk) = Desk::built("event", "earlier") else { return };
    let component = || fs::read(desk.path("plugin.wasm")).unwrap();
    let first = component();
    let becomes = |from: &str, to: &str| {
        for file in ["plugin.toml", "Cargo.toml"] {
            let line = |version: &str| format!("\nversion = \"{version}\"\n");
            desk.edit(file, &line(from), &line(to));
        }
        desk.plugin(&["build", &desk.folder()]).unwrap();
        let told = desk.check().unwrap();
        assert!(told.contains(&format!("dev.example.earlier {to}, event\n")), "{told}");
    };
    becomes("0.1.0", "0.2.0");
    assert!(component() != first);
    // Its sources are older than what Cargo made of them.
    becomes("0.2.0", "0.1.0");
    assert!(component() == first, "it is of the other version");
}

#[test]
fn what_the_cookbook_shows_is_built_in_a_new_plugin_as_in_ours() {
    let Some(desk) = Desk::new("event", "pastes") else { return };
    let recipes = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../plugins/samples/recipes");
    for name in ["plugin.toml", "config.schema.json", "src/lib.rs"] {
        fs::copy(recipes.join(name), desk.path(name)).unwrap();
    }
    // The interface lies where `new` put it.
    desk.edit("src/lib.rs", "\"../../wit/v1\"", "\"wit/v1\"");
    // What the recipes need is what a new plugin has.
    desk.plugin(&["build", &desk.folder()]).unwrap();
    let told = desk.check().unwrap();
    assert!(told.contains("exports             events, jobs, lifecycle\n"), "{told}");
}

#[test]
fn an_event_plugin_remembers_what_a_good_call_wrote() {
    let Some(desk) = Desk::built("event", "remembers") else { return };
    remembers(&desk);
}

/// The story of an event plugin, whatever it is written in.
pub(crate) fn remembers(desk: &Desk) {
    let told = desk.check().unwrap();
    assert!(told.contains("exports             events, lifecycle\n"), "{told}");
    let answers = [ok(""), ok(""), "HTTP/1.1 503 Down\r\ncontent-length: 0\r\n\r\n".to_owned()];
    let answers = std::sync::Mutex::new(answers.into_iter());
    let server = Server::start(move |_, stream| {
        let answer = answers.lock().unwrap().next().unwrap_or_default();
        stream.write_all(answer.as_bytes())
    });
    let kv = desk.shown("dev/kv.json");
    let mut more = reach(desk, &server, "/v1/events");
    more.extend(["--kv".to_owned(), kv.clone()]);
    let more: Vec<&str> = more.iter().map(String::as_str).collect();
    for count in 1..=2 {
        let told = desk.call("fixtures/event.json", &more).unwrap();
        assert!(told.contains(&format!("remembered\n  told = {count}\n")), "{told}");
        assert_eq!(fs::read_to_string(&kv).unwrap(), format!("{{\n  \"told\": \"{count}\"\n}}\n"));
    }
    let told = desk.call("fixtures/event.json", &more).unwrap_err();
    assert!(told.contains("\"kind\": \"Unavailable\"") && told.contains("said 503"), "{told}");
    assert!(told.ends_with("the call failed; what it wanted remembered is dropped"), "{told}");
    let told = desk.call("fixtures/health.json", &more).unwrap();
    assert!(told.contains("2 events told"), "{told}");
}

#[test]
fn a_billing_plugin_tells_how_to_pay_without_asking_for_anything() {
    let Some(desk) = Desk::built("billing", "tells") else { return };
    tells(&desk);
}

/// The story of a billing plugin, whatever it is written in.
pub(crate) fn tells(desk: &Desk) {
    let told = desk.check().unwrap();
    for name in ["billing", "webhooks", "lifecycle", "5 settings"] {
        assert!(told.contains(name), "{told}");
    }
    let told = desk.call("fixtures/checkout.json", &[]).unwrap_err();
    assert!(told.contains("iban") && told.contains("name settings by --config"), "{told}");
    let config = desk.shown("dev/config.json");
    let told = desk.call("fixtures/checkout.json", &["--config", &config]).unwrap();
    for part in ["\"Instructions\"", "DE89 3704 0044 0532 0130 00", "\"reference\": \"2026-0001\""]
    {
        assert!(told.contains(part), "{part}\n{told}");
    }
    let dollars = fs::read_to_string(desk.path("fixtures/checkout.json")).unwrap();
    desk.write("fixtures/dollars.json", &dollars.replace("EUR", "USD"));
    let told = desk.call("fixtures/dollars.json", &["--config", &config]).unwrap_err();
    assert!(told.contains("\"public_message\": \"This way to pay takes EUR only\""), "{told}");
    for (iban, problems) in
        [("DE89 3704 0044 0532 0130 00", "[]"), ("DE88 3704 0044 0532 0130 00", "/iban")]
    {
        let settings = format!("{{\"iban\":\"{iban}\"}}");
        let call = serde_json::json!({ "ValidateConfig": settings }).to_string();
        desk.write("fixtures/validate.json", &call);
        let told = desk.call("fixtures/validate.json", &["--config", &config]).unwrap();
        assert!(told.contains(problems), "{told}");
    }
}
