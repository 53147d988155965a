//! `test`: recorded cases and the rules of each kind, with a plugin that keeps to them and with ones
//! that do not.

use std::{fs, io::Write as _};

use crate::{
    desk::Desk,
    server::{Server, ok},
    stories::reach,
};

#[test]
fn a_new_notification_plugin_passes_and_a_careless_one_does_not() {
    let Some(desk) = Desk::new("notification", "conforms") else { return };
    let told = desk.test(&[]).unwrap();
    for line in [
        "ok      case deliver\n",
        "ok      rule too many requests are rate-limited\n",
        "ok      rule silence may have been done\n",
        "ok      rule two tries of one delivery ask the same\n",
        "ok      rule a missing secret is named\n",
        "ok      rule a message arrives whole\n",
        "ok      rule what is no address is left alone\n",
        "13 passed, 0 failed\n",
    ] {
        assert!(told.contains(line), "{line}\n{told}");
    }
    let told = desk.test(&["--no-build", "--only", "silence"]).unwrap();
    assert!(told.contains("1 passed, 0 failed\n"), "{told}");
    let told = desk.test(&["--no-build", "--only", "nothing like it"]).unwrap_err();
    assert!(told.ends_with("or none is called as --only says"), "{told}");

    // It asks for something else than it did.
    desk.edit(
        "tests/deliver.json",
        "\"A new token\",\n            \"text\"",
        "\"Old\",\n            \"text\"",
    );
    let told = desk.test(&["--no-build", "--only", "case deliver"]).unwrap_err();
    for line in [
        "failed  case deliver\n",
        "request 1: body /subject: expected \"Old\", and it is \"A new token\"\n",
        "0 passed, 1 failed\n",
    ] {
        assert!(told.contains(line), "{line}\n{told}");
    }
    desk.edit("tests/deliver.json", "\"Old\"", "\"A new token\"");

    // It takes a lost answer for nothing, drops half of the message, and is another at each try.
    desk.edit(
        "src/service.rs",
        "context::idempotency_key(\"post\")",
        "format!(\"{}\", context::current().attempt)",
    );
    desk.edit(
        "src/service.rs",
        "unanswered(\"the service\", why, false)",
        "unanswered(\"the service\", why, true)",
    );
    desk.edit("src/service.rs", "failure(answer.status, false)", "ErrorKind::Internal");
    desk.edit("src/lib.rs", "\"subject\": message.subject", "\"subject\": message.template");
    desk.edit("tests/conformance.toml", "\"nobody\"", "\"who@ever\"");
    let told = desk.test(&[]).unwrap_err();
    for line in [
        "failed  rule silence may have been done\n",
        "expected indeterminate, since it may have been done",
        "it says unavailable: the service: ",
        "failed  rule two tries of one delivery ask the same\n",
        "failed  rule 503 is unavailable\n",
        "it says internal: the service said 503",
        "failed  rule a message arrives whole\n",
        "\"Your \\\"plan\\\" ends\" stands in no request as it was written",
        "failed  rule what is no address is left alone\n",
        "judge the address before",
    ] {
        assert!(told.contains(line), "{line}\n{told}");
    }
}

#[test]
fn a_case_is_recorded_without_its_secrets_and_replayed() {
    let Some(desk) = Desk::built("event", "records") else { return };
    let server = Server::start(|_, stream| stream.write_all(ok("{\"seen\":true}").as_bytes()));
    let more = reach(&desk, &server, "/v1/events");
    let more: Vec<&str> = more.iter().map(String::as_str).collect();
    let event = desk.shown("fixtures/event.json");
    let record = |name: &str| {
        let line = ["--no-build", "--record", &event, "--name", name];
        desk.test(&[&line[..], &more].concat())
    };
    let told = record("lived").unwrap();
    assert!(told.contains("tests/lived.json  requests: 1\n"), "{told}");
    let written = fs::read_to_string(desk.path("tests/lived.json")).unwrap();
    assert!(!written.contains("a-token-for-trials"), "{written}");
    for part in ["\"bearer token\"", "trial-secret-of-token", "\"seen\": true", "\"told\": \"1\""] {
        assert!(written.contains(part), "{part}\n{written}");
    }
    assert!(record("lived").unwrap_err().contains("is there already"));
    assert!(record("../out").unwrap_err().contains("a case's name has letters"));

    // What went wrong is told, and is a case only for whoever means it.
    let line = ["--no-build", "--record", &event, "--name", "away"];
    let told = desk.test(&line).unwrap_err();
    assert!(
        told.contains("--failure writes one") && !desk.path("tests/away.json").exists(),
        "{told}"
    );

    let asked = server.asked().len();

    // A secret's text in the call would stand in the case.
    desk.edit("fixtures/event.json", "peer_1", "a-token-for-trials");
    let told = record("leaks").unwrap_err();
    assert!(told.contains("the text of the secret token would stand in it"), "{told}");
    assert!(!desk.path("tests/leaks.json").exists());

    // The provider is gone, and the case is as good as before.
    drop(server);
    let told = desk.test(&["--no-build", "--only", "lived"]).unwrap();
    assert!(told.contains("ok      case lived\n") && asked == 1, "{told}");
}

#[test]
fn a_case_that_is_none_is_told_with_its_rule() {
    let Some(desk) = Desk::built("event", "no-case") else { return };
    let refused = |text: &str| {
        desk.write("tests/odd.json", text);
        desk.test(&["--no-build"]).unwrap_err()
    };
    for (text, says) in [
        ("{}", "missing field `call`"),
        ("{\"call\": \"Health\"}", "a case has either answer or error"),
        ("{\"call\": \"Health\", \"answer\": \"Done\", \"colour\": 1}", "unknown field `colour`"),
        (
            "{\"call\": \"Health\", \"answer\": \"Done\", \"http\": [{\"request\": \
             {\"method\": \"GET\", \"url\": \"https://x.example\"}}]}",
            "http[0]: an entry of http has either answer or fails",
        ),
        (
            "{\"call\": \"Health\", \"answer\": \"Done\", \"secrets\": {\"password\": \"x\"}}",
            "plugin.toml names no secret password",
        ),
        (
            "{\"call\": \"Health\", \"answer\": \"Done\", \"config\": {\"endpoint\": 7}}",
            "config: not as config.schema.json wants it",
        ),
    ] {
        let told = refused(text);
        assert!(told.contains(says), "{says}\n{told}");
    }
}

#[test]
fn what_the_templates_bring_along_passes_in_every_language() {
    for (language, kind) in [
        ("rust", "event"),
        ("rust", "billing"),
        ("js", "notification"),
        ("ts", "event"),
        ("ts", "billing"),
        ("python", "notification"),
    ] {
        let Some(desk) = Desk::written_in(language, kind, &format!("passes-{language}-{kind}"))
        else {
            return;
        };
        let told = desk.test(&[]).unwrap();
        assert!(told.contains(" passed, 0 failed\n"), "{told}");
    }
}
