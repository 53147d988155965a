//! What the cookbook shows of reports in JavaScript and Python, in billing plugins that `new` makes.

use std::{fs, path::Path};

use aws_lc_rs::hmac;
use serde_json::json;

use crate::desk::Desk;

const BODY: &[u8] = b"{\"id\":\"evt_7\"}";
const SECRETS: [(&str, &str); 2] =
    [("webhook_secret", "secret-of-today"), ("webhook_secret_previous", "secret-of-before")];

/// Puts the sample in the place of what a new plugin says to reports, which is nothing, and builds
/// that. The edits are of the file that the plugin begins with.
pub(crate) fn with_reports(desk: &Desk, sample: &str, entry: &str, edits: &[(&str, &str)]) {
    let samples = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../plugins/samples/reports");
    fs::copy(samples.join(sample), desk.path("src").join(sample)).unwrap();
    for (from, to) in edits {
        desk.edit(entry, from, to);
    }
    let more = fs::read_to_string(samples.join("more.toml")).unwrap();
    desk.edit("plugin.toml", "[config]\n", &format!("{more}\n[config]\n"));
    desk.plugin(&["build", &desk.folder()]).unwrap();
}

/// The provider's reports are its own by the secret of today and the one before, and others' are not.
pub(crate) fn verifies(desk: &Desk) {
    let secrets =
        serde_json::Map::from_iter(SECRETS.map(|(name, it)| (name.to_owned(), it.into())));
    let secrets = desk.write("dev/reports.json", &json!(secrets).to_string());
    let config = desk.shown("dev/config.json");
    let told = |signature: &str| {
        let call = json!({ "Webhook": {
            "method": "POST", "path": "/reports", "query": "", "body": BODY,
            "headers": [["X-Signature", signature]],
            "received_at": 1_773_996_600_000_u64, "source_ip": "192.0.2.7",
        } });
        desk.write("fixtures/report.json", &call.to_string());
        desk.call("fixtures/report.json", &["--config", &config, "--secrets", &secrets]).unwrap()
    };
    for (name, secret) in SECRETS {
        let key = hmac::Key::new(hmac::HMAC_SHA256, secret.as_bytes());
        let tag = hmac::sign(&key, BODY);
        let tag: String = tag.as_ref().iter().map(|it| format!("{it:02x}")).collect();
        let told = told(&format!("sha256={tag}"));
        assert!(told.contains("\"Accepted\"") && told.contains("evt_7"), "{name}: {told}");
    }
    for strange in ["", "sha256=", "sha256=zz", "sha256=00", &format!("sha256={}", "00".repeat(32))]
    {
        let told = told(strange);
        assert!(told.contains("\"BadSignature\"") && !told.contains("evt_7"), "{strange}: {told}");
    }
}
