//! Plugins in other languages than Rust: the same stories, told of what `new` makes in them.

use std::{
    env, fs,
    path::{Path, PathBuf},
    process::Command,
};

use crate::{
    desk::{Desk, parts},
    reports::{verifies, with_reports},
    stories::{carries, remembers, tells},
};

/// What npm installed for the tests.
fn packages() -> PathBuf {
    PathBuf::from(env::var_os("NODE_PATH").unwrap())
}

#[test]
fn an_event_plugin_in_javascript_does_what_one_in_rust_does() {
    let Some(desk) = Desk::built_in("js", "event", "js-event") else { return };
    remembers(&desk);

    let first = fs::read(desk.path("plugin.wasm")).unwrap();
    for place in [desk.folder(), packages().to_str().unwrap().to_owned()] {
        let told = first.windows(place.len()).any(|it| it == place.as_bytes());
        assert!(!told, "where its author lives is nobody's business: {place}");
    }

    // It is made of what is bundled and of what runs it, not of what builds it.
    let bill = || fs::read(desk.path("sbom.json")).unwrap();
    let bundle = || fs::read(desk.path("target/build/plugin.mjs")).unwrap();
    let before = (bill(), bundle());
    assert_eq!(parts(Path::new(&desk.folder())).len(), 1);
    let told = desk.plugin(&["build", &desk.folder()]).unwrap();
    assert!(told.ends_with("sbom.json  1 component\n"), "{told}");
    assert!((bill(), bundle()) == before, "another bill, or another bundle");
    // An author's own stays.
    desk.write("sbom.json", "{}");
    let told = desk.plugin(&["build", &desk.folder()]).unwrap();
    assert!(told.ends_with("sbom.json  yours, and left as it is\n"), "{told}");
    assert_eq!(bill(), b"{}");
}

#[test]
fn a_notification_plugin_in_typescript_does_what_one_in_rust_does() {
    let Some(desk) = Desk::built_in("ts", "notification", "ts-notification") else { return };
    carries(&desk, "ts-notification");
    // It imports what it uses, and nothing of what it does not ask for.
    let told = desk.check().unwrap();
    assert!(
        told.contains("imports             clock, config, context, http, log, random, types\n"),
        "{told}"
    );
}

#[test]
fn a_billing_plugin_in_typescript_does_what_one_in_rust_does() {
    let Some(desk) = Desk::written_in("ts", "billing", "ts-billing") else { return };
    let edits = [(
        "export const webhooks = ",
        "export { webhooks } from \"./reports.js\";\n\nconst _before = ",
    )];
    with_reports(&desk, "reports.js", "src/plugin.ts", &edits);
    tells(&desk);
    verifies(&desk);
}

#[test]
#[expect(clippy::disallowed_methods, reason = "an author's editor starts a compiler too")]
fn the_types_of_every_template_hold() {
    for kind in ["event", "notification", "billing"] {
        let Some(desk) = Desk::written_in("ts", kind, &format!("types-{kind}")) else { return };
        std::os::unix::fs::symlink(packages(), desk.path("node_modules")).unwrap();
        let mut tsc = Command::new("node");
        tsc.arg(packages().join("typescript/bin/tsc")).current_dir(desk.folder());
        let said = tsc.output().unwrap();
        let text = String::from_utf8_lossy(&said.stdout).into_owned();
        assert!(said.status.success(), "{kind}: {text}");
    }
}

#[test]
fn what_javascript_lacks_is_told() {
    let Some(desk) = Desk::written_in("js", "event", "js-lacks") else { return };
    let build = || desk.plugin(&["build", &desk.folder()]).unwrap_err();
    // It uses what it does not ask for.
    desk.edit("plugin.toml", "kv = { max_bytes = 1024 }\n", "");
    let told = build();
    assert!(
        told.starts_with("src/plugin.js: ") && told.contains("add [capabilities] kv"),
        "{told}"
    );
    desk.edit("plugin.toml", "[capabilities]\n", "[capabilities]\nkv = {}\n");
    desk.edit("src/plugin.js", "export const events", "export const event");
    assert!(build().contains("src/plugin.js: it exports no events"));
    let lock = fs::read_to_string(desk.path("package-lock.json")).unwrap();
    desk.write("package-lock.json", "<<<<<<< ours");
    assert!(build().starts_with("package-lock.json: expected value at line 1"));
    desk.write("package-lock.json", &lock);
    desk.edit("src/plugin.js", "export const event ", "export const events ");
    desk.edit("src/plugin.js", "const TOLD =", "const TOLD");
    assert!(build().contains("the plugin was not built"));
    assert!(!desk.path("plugin.wasm").exists());
    desk.edit("src/plugin.js", "const TOLD", "const TOLD =");
    desk.edit(
        "package-lock.json",
        "\"node_modules/componentize-qjs\": {\n      \"version\": \"",
        "\"node_modules/componentize-qjs\": {\n      \"version\": \"1",
    );
    let told = build();
    assert!(
        told.starts_with("componentize-qjs: ") && told.contains("package-lock.json says 1"),
        "{told}"
    );
    assert!(!desk.path("plugin.wasm").exists());
    fs::remove_file(desk.path("src/plugin.js")).unwrap();
    assert!(build().contains("src/plugin.js is missing: the plugin begins there"));
}

#[test]
fn an_answer_in_javascript_that_lacks_something_is_told_by_its_place() {
    let Some(desk) = Desk::written_in("js", "notification", "js-answers") else { return };
    let verification = "{ text: `A code comes to ${address}: type it here.`, link: null }";
    desk.edit("src/plugin.js", verification, "{ link: null }");
    let thrown = "PluginError(\"invalid-input\"";
    let no_kind = "PluginError(address === \"nobody\" ? \"invalid\" : \"indeterminate\"";
    desk.edit("src/plugin.js", thrown, no_kind);
    desk.edit("src/plugin.js", "{ publicMessage }", "{ publicMessage, providerCode: 42 }");
    desk.plugin(&["build", &desk.folder()]).unwrap();
    answer_wrongly(
        &desk,
        [
            "what beginVerification answers: text has to be a text, and is undefined",
            "an error of the plugin's: kind has to be one of invalid-config, ",
            "an error of the plugin's: providerCode has to be a text, and is 42",
        ],
    );
}

#[test]
fn an_answer_in_python_that_lacks_something_is_told_by_its_place() {
    let Some(desk) = Desk::written_in("python", "notification", "python-answers") else { return };
    let verification = "Verification(f\"A code comes to {address}: type it here.\", None)";
    desk.edit("src/plugin.py", verification, "Verification(None, None)");
    let no_kind = "\"invalid\" if address == \"nobody\" else ErrorKind.INDETERMINATE";
    desk.edit("src/plugin.py", "ErrorKind.INVALID_INPUT", no_kind);
    let public = "public_message=\"A mail address has an @ in it\"";
    desk.edit("src/plugin.py", public, "provider_code=42");
    desk.plugin(&["build", &desk.folder()]).unwrap();
    answer_wrongly(
        &desk,
        [
            "what begin_verification answers: text has to be a text, and is None",
            "an error of the plugin's: kind has to be of the type ErrorKind, and is 'invalid'",
            "an error of the plugin's: provider_code has to be a text, and is 42",
        ],
    );
}

/// Begins to confirm an address, nobody's, and another that is none: what is wrong with the answer to
/// the first, with the error of the second, which has no kind, and with that of the third, which has
/// one: what happens next is up to that.
fn answer_wrongly(desk: &Desk, wrong: [&str; 3]) {
    let addresses =
        [("ada@example.org", "Internal"), ("nobody", "Internal"), ("perhaps", "Indeterminate")];
    for ((address, kind), wrong) in addresses.into_iter().zip(wrong) {
        let account = serde_json::json!({ "id": "acct_1", "locale": "en", "country": null });
        let begins = serde_json::json!({ "account": account, "address": address });
        let call = serde_json::json!({ "BeginVerification": begins }).to_string();
        desk.write("fixtures/begins.json", &call);
        let told = desk.call("fixtures/begins.json", &[]).unwrap_err();
        let kind = format!("\"kind\": \"{kind}\"");
        assert!(told.contains(&kind) && told.contains(wrong), "{told}");
        assert!(!told.contains("trap\n") && !told.contains('\u{fffd}'), "{told}");
    }
}

#[test]
fn an_event_plugin_in_python_does_what_one_in_rust_does() {
    let Some(desk) = Desk::built_in("python", "event", "python-event") else { return };
    remembers(&desk);
    // Python imports the whole of its world: what is asked for, and no more.
    let told = desk.check().unwrap();
    let all = "imports             clock, config, context, http, kv, log, random, secrets, types\n";
    assert!(told.contains(all), "{told}");
}

#[test]
fn a_notification_plugin_in_python_does_what_one_in_rust_does() {
    let Some(desk) = Desk::built_in("python", "notification", "python-notification") else {
        return;
    };
    carries(&desk, "python-notification");
}

#[test]
fn a_billing_plugin_in_python_does_what_one_in_rust_does() {
    let Some(desk) = Desk::written_in("python", "billing", "python-billing") else { return };
    let edits = [
        ("class Webhooks(exports.Webhooks):", "class Before(exports.Webhooks):"),
        (
            "from wit_world import exports\n",
            "from reports import Webhooks\nfrom wit_world import exports\n",
        ),
    ];
    with_reports(&desk, "reports.py", "src/plugin.py", &edits);
    tells(&desk);
    verifies(&desk);
}

#[test]
fn what_python_lacks_is_told() {
    let Some(desk) = Desk::written_in("python", "event", "python-lacks") else { return };
    let build = || desk.plugin(&["build", &desk.folder()]).unwrap_err();
    desk.edit("plugin.toml", "kv = { max_bytes = 1024 }\n", "");
    let told = build();
    assert!(told.contains("asked for in plugin.toml") && told.contains("kv"), "{told}");
    desk.write("requirements.txt", "componentize-py==0.25.1\n<<<<<<< ours\n");
    assert!(build().starts_with("requirements.txt: line 2: "));
    fs::remove_file(desk.path("src/plugin.py")).unwrap();
    assert!(build().contains("src/plugin.py is missing: the plugin begins there"));
}
