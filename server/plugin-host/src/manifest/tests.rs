//! A manifest is read exactly, and every error says what to change.

use super::*;

const WHOLE: &str = r#"
manifest = 1
[plugin]
id = "dev.example.stripe"
name = "Stripe"
version = "1.4.0"
kind = ["billing", "invoicing"]
api = "1.0"
min_portal = "0.9"
license = "MIT"
homepage = "https://example.dev"
[build]
language = "rust"
[capabilities]
kv = { max_bytes = 1048576 }
crypto = true
events = ["billing.invoice.finalized.v1", "account.deleted.v1"]
[[capabilities.http]]
host = "api.stripe.com"
methods = ["GET", "POST"]
path_prefix = "/v1/"
reason = "Create checkouts, refunds and read their state"
[capabilities.webhooks]
path = "events"
max_body = 524288
checkout_hosts = ["checkout.stripe.com"]
[[secrets]]
name = "api_key"
label = "Restricted API key (rk_live_…)"
use = [{ host = "api.stripe.com", in = ["auth"] }]
[[secrets]]
name = "webhook_secret"
generated = true
use = [{ hmac = true }]
[config]
schema = "config.schema.json"
[[jobs]]
name = "daily-reconcile"
cron = "17 3 * * *"
[limits]
memory_mib = 64
"#;

#[test]
fn a_whole_manifest_is_read() {
    let manifest = Manifest::parse(WHOLE).unwrap();
    assert_eq!(manifest.id, "dev.example.stripe");
    assert_eq!(manifest.kinds, [Kind::Billing, Kind::Invoicing]);
    assert_eq!(manifest.kv, Some(Some(1_048_576)));
    assert_eq!(
        (manifest.http[0].rule.port, manifest.http[0].rule.path_prefix.as_str()),
        (443, "/v1/")
    );
    assert!(manifest.checkout_hosts()[0].matches("checkout.stripe.com"));
    assert_eq!(manifest.secret("webhook_secret").unwrap().uses, [SecretUse::Hmac]);
    let secret = manifest.secret("webhook_secret").unwrap();
    assert!(secret.generated && !secret.optional);
    assert_eq!((manifest.jobs[0].cron.as_str(), manifest.memory_mib), ("17 3 * * *", Some(64)));
}

/// Each change of the whole, and the field that the error names.
const CHANGES: [(&str, &str, &str); 56] = [
    ("manifest = 1", "manifest = 2", "manifest"),
    ("generated = true", "optional = 1", "secrets[1].optional"),
    (
        "[capabilities.webhooks]",
        "[[capabilities.smtp]]\nhost = \"*\"\nsecurity = \"ssl\"\nreason = \"Mails\"\n\
         [capabilities.webhooks]",
        "capabilities.smtp[0].security",
    ),
    (
        "[capabilities.webhooks]",
        "[[capabilities.smtp]]\nhost = \"*\"\nsecurity = \"tls\"\n[capabilities.webhooks]",
        "capabilities.smtp[0].reason",
    ),
    ("manifest = 1", "", "manifest"),
    ("manifest = 1", "manifest = 1\nextra = 1", "extra"),
    ("name = \"Stripe\"", "name = \"\"", "plugin.name"),
    ("name = \"Stripe\"", "name = \"a\\u001bb\"", "plugin.name"),
    ("name = \"Stripe\"", "name = \"a\\u202eb\"", "plugin.name"),
    ("name = \"Stripe\"", "name = 7", "plugin.name"),
    ("name = \"Stripe\"", "nam = \"Stripe\"", "plugin.name"),
    ("name = \"Stripe\"", "name = \"Stripe\"\ncolour = \"red\"", "plugin.colour"),
    ("dev.example.stripe", "stripe", "plugin.id"),
    ("dev.example.stripe", "Dev.Example", "plugin.id"),
    ("dev.example.stripe", "dev..stripe", "plugin.id"),
    ("dev.example.stripe", "dev.../../etc", "plugin.id"),
    ("\"1.4.0\"", "\"1.4\"", "plugin.version"),
    ("\"1.4.0\"", "\"01.4.0\"", "plugin.version"),
    ("\"1.4.0\"", "\"1.4.0-\"", "plugin.version"),
    ("api = \"1.0\"", "api = \"2.0\"", "plugin.api"),
    ("api = \"1.0\"", "api = \"1.1\"", "plugin.api"),
    ("[\"billing\", \"invoicing\"]", "[]", "plugin.kind"),
    ("[\"billing\", \"invoicing\"]", "[\"billing\", \"billing\"]", "plugin.kind"),
    ("[\"billing\", \"invoicing\"]", "[\"root\"]", "plugin.kind"),
    ("https://example.dev", "http://example.dev", "plugin.homepage"),
    ("https://example.dev", "javascript:alert(1)", "plugin.homepage"),
    ("\"rust\"", "\"cobol\"", "build.language"),
    ("crypto = true", "crypto = 1", "capabilities.crypto"),
    ("crypto = true", "crypto = true\nexec = true", "capabilities.exec"),
    ("crypto = true", "", "secrets[1].use[0].hmac"),
    ("1048576 }", "0 }", "capabilities.kv.max_bytes"),
    // A byte more than is ever given.
    ("1048576 }", "16777217 }", "capabilities.kv.max_bytes"),
    ("account.deleted.v1", "account.deleted", "capabilities.events"),
    ("account.deleted.v1", "billing.invoice.finalized.v1", "capabilities.events"),
    (
        "host = \"api.stripe.com\"\nm",
        "host = \"https://api.stripe.com\"\nm",
        "capabilities.http[0].host",
    ),
    ("host = \"api.stripe.com\"\nm", "host = \"*.com\"\nm", "capabilities.http[0].host"),
    ("\"GET\", \"POST\"", "\"get\"", "capabilities.http[0].methods"),
    ("\"GET\", \"POST\"", "\"CONNECT\"", "capabilities.http[0].methods"),
    ("[\"GET\", \"POST\"]", "[]", "capabilities.http[0].methods"),
    ("\"/v1/\"", "\"v1/\"", "capabilities.http[0].path_prefix"),
    ("\"/v1/\"", "\"/v1/../\"", "capabilities.http[0].path_prefix"),
    ("\"/v1/\"", "\"/v1/\"\nport = 0", "capabilities.http[0].port"),
    ("\"/v1/\"", "\"/v1/\"\nscheme = \"ftp\"", "capabilities.http[0].scheme"),
    ("reason = \"C", "because = \"C", "capabilities.http[0].reason"),
    ("path = \"events\"", "path = \"../events\"", "capabilities.webhooks.path"),
    ("524288", "1048577", "capabilities.webhooks.max_body"),
    ("\"checkout.stripe.com\"", "\"*\"", "capabilities.webhooks.checkout_hosts"),
    ("in = [\"auth\"]", "in = [\"url\"]", "secrets[0].use[0].in"),
    ("in = [\"auth\"]", "in = []", "secrets[0].use[0].in"),
    ("use = [{ host = \"api.s", "use = [{ host = \"www.s", "secrets[0].use[0].host"),
    ("\"webhook_secret\"", "\"api_key\"", "secrets[1].name"),
    ("\"webhook_secret\"", "\"Webhook Secret\"", "secrets[1].name"),
    ("\"config.schema.json\"", "\"../../schema.json\"", "config.schema"),
    ("\"17 3 * * *\"", "\"61 3 * * *\"", "jobs[0].cron"),
    ("\"17 3 * * *\"", "\"17 3 * *\"", "jobs[0].cron"),
    ("memory_mib = 64", "memory_mib = 257", "limits.memory_mib"),
];

#[test]
fn every_error_names_the_field_and_the_rule() {
    for (from, to, field) in CHANGES {
        let text = WHOLE.replacen(from, to, 1);
        assert_ne!(text, WHOLE, "{from}");
        let error = Manifest::parse(&text).unwrap_err();
        assert_eq!(error.field, field, "{from} → {to}: {error}");
        assert!(!error.rule.is_empty() && !error.to_string().contains('\n'), "{error}");
    }
    let error = Manifest::parse("manifest = 1\n[plugin\n").unwrap_err();
    assert_eq!(error.field, "line 2", "{error}");
    assert!(Manifest::parse(&"#".repeat(70_000)).unwrap_err().rule.contains("at most"));
    assert!(Manifest::parse("").is_err());
}

#[test]
fn customers_are_sent_to_no_host_that_browsers_let_no_form_lead_to() {
    let hosts = |host: &str| {
        let text = WHOLE.replace("\"checkout.stripe.com\"", &format!("\"{host}\""));
        assert_ne!(text, WHOLE);
        Manifest::parse(&text).unwrap()
    };
    for host in ["pay_1.example.org", "*.our_pages.example.org", "_.example.org"] {
        let rule = hosts(host).check_checkout_hosts().unwrap_err().rule;
        assert!(rule.starts_with(&format!("{host} has a _ in its name: browsers")), "{rule}");
        assert!(rule.contains("or write *. and the domain above it"), "{rule}");
    }
    // What the rule advises: a policy takes it, and it means the same host.
    let above = hosts("*.example.org");
    assert_eq!(above.check_checkout_hosts(), Ok(()));
    assert!(above.checkout_hosts()[0].matches("pay_1.example.org"));
    // Requests go by no browser.
    let text = WHOLE.replace("\"api.stripe.com\"", "\"api_1.stripe.com\"");
    assert!(Manifest::parse(&text).is_ok());
}

#[test]
fn a_plugin_that_needs_a_later_portal_names_both_versions() {
    let needs = |version: &str| {
        let text = WHOLE.replace("min_portal = \"0.9\"", &format!("min_portal = \"{version}\""));
        Manifest::parse(&text).unwrap()
    };
    for (needed, ours) in [
        ("0.9", "0.9.0"),
        ("0.9", "1.0.0"),
        ("0.9.0", "0.10.0"),
        ("1.0.0-rc.1", "1.0.0"),
        ("1.0.0-rc.2", "1.0.0-rc.10"),
    ] {
        assert_eq!(needs(needed).check_portal(ours), Ok(()), "{needed} on {ours}");
    }
    for (needed, ours) in [
        ("0.9", "0.8.9"),
        ("0.10.0", "0.9.0"),
        ("1.0.0", "1.0.0-rc.1"),
        // They cannot be compared: this is no version by semver.
        ("1.0.0-01", "2.0.0"),
        ("0.9", "unknown"),
    ] {
        let error = needs(needed).check_portal(ours).unwrap_err();
        assert_eq!(error.field, "plugin.min_portal");
        assert!(error.rule.contains(needed) && error.rule.contains(ours), "{error}");
    }
    let anywhere = Manifest::parse(&WHOLE.replace("min_portal = \"0.9\"\n", "")).unwrap();
    assert_eq!(anywhere.check_portal("0.0.1"), Ok(()));
}

#[test]
fn schedules_are_what_cron_reads() {
    let read = |cron: &str| Manifest::parse(&WHOLE.replace("17 3 * * *", cron)).is_ok();
    for good in ["* * * * *", "*/5 0-6 1,15 1-12/2 0", "0 0 31 12 7"] {
        assert!(read(good), "{good}");
    }
    for bad in [
        "",
        "@daily",
        "* * * * * *",
        "5/2 * * * *",
        "*/0 * * * *",
        "9-1 * * * *",
        "* 24 * * *",
        "* * 0 * *",
        "* * * 13 *",
        "* * * * 8",
        "-1 * * * *",
        "1, * * * *",
        "*  * * * *",
        "* * * * mon",
    ] {
        assert!(!read(bad), "{bad}");
    }
}
