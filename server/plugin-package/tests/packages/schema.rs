//! The schema of a plugin's settings.

use myrelay_plugin_host::{Grants, HostPattern, Manifest};
use myrelay_plugin_package::{ConfigSchema, SettingsProblem};
use serde_json::json;

const SCHEMA: &str = r#"{
  "$schema": "https://json-schema.org/draft/2020-12/schema",
  "type": "object",
  "properties": {
    "endpoint": { "type": "string", "pattern": "^https://", "default": "https://example.org/" },
    "tries": { "type": "integer", "minimum": 1, "maximum": 5 },
    "sender": {
      "type": "object",
      "properties": {
        "name": { "type": "string", "default": "VPN" },
        "address": { "type": "string" }
      }
    }
  },
  "required": ["endpoint", "tries"],
  "additionalProperties": false
}"#;

#[test]
fn settings_are_filled_in_and_judged() {
    let schema = ConfigSchema::parse(SCHEMA).unwrap();
    let filled = schema.with_defaults(&json!({ "tries": 2, "sender": { "address": "a@b" } }));
    assert_eq!(
        filled,
        json!({
            "endpoint": "https://example.org/",
            "tries": 2,
            "sender": { "address": "a@b", "name": "VPN" },
        })
    );
    assert!(schema.problems(&filled).is_empty());
    let problems = schema.problems(&json!({ "endpoint": "ftp://x", "tries": 9, "extra": 1 }));
    for place in ["/endpoint: ", "/tries: ", "the whole: "] {
        let is = |it: &SettingsProblem| it.to_string().starts_with(place);
        assert!(problems.iter().any(is), "{place}{problems:?}");
    }
    let problems = schema.problems(&json!({ "tries": 1 }));
    assert_eq!(problems[0], SettingsProblem::new("/endpoint", "it is needed"));
    assert!(!schema.problems(&json!([])).is_empty());
}

#[test]
fn what_is_filled_in_is_never_wrong_by_itself() {
    let schema = |sender: &str| {
        let schema = format!(r#"{{ "type": "object", "properties": {{ "it": {sender} }} }}"#);
        ConfigSchema::parse(&schema).unwrap()
    };
    for (it, filled) in [
        // What is optional stays away where something else in it is needed.
        (
            r#"{ "type": "object", "required": ["address"],
                 "properties": { "name": { "default": "VPN" }, "address": {} } }"#,
            json!({}),
        ),
        (
            r#"{ "type": "object", "required": ["name"],
                 "properties": { "name": { "default": "VPN" }, "address": {} } }"#,
            json!({ "it": { "name": "VPN" } }),
        ),
        (r#"{ "type": "object", "default": {} }"#, json!({ "it": {} })),
        (r#"{ "type": "object", "properties": { "address": {} } }"#, json!({})),
    ] {
        assert_eq!(schema(it).with_defaults(&json!({})), filled, "{it}");
    }
}

#[test]
fn a_schema_takes_no_more_to_read_than_it_should() {
    let many = |count: usize, pattern: &str| {
        let fields: Vec<String> =
            (0..count).map(|at| format!(r#""a{at}": {{ "pattern": "{pattern}" }}"#)).collect();
        let fields = fields.join(", ");
        ConfigSchema::parse(&format!(r#"{{ "type": "object", "properties": {{ {fields} }} }}"#))
    };
    assert!(many(64, "^[a-z0-9.-]{1,64}$").is_ok());
    let error = many(65, "a").unwrap_err();
    assert_eq!(error, "pattern, patternProperties: at most 64 expressions");
    let error = many(1, r"(\\p{L}|1){150}").unwrap_err();
    assert!(error.starts_with("/properties/a0/pattern: "), "{error}");
}

#[test]
fn a_schema_that_means_nothing_or_leads_elsewhere_is_refused() {
    for (schema, says) in [
        ("", "it is no JSON"),
        ("true", "it is no JSON object"),
        ("{}", "type: it is \"object\""),
        (r#"{ "type": "string" }"#, "type: it is \"object\""),
        (r#"{ "$schema": "https://example.org/mine", "type": "object" }"#, "$schema: leave it"),
        (r#"{ "type": "object", "properties": [] }"#, "/properties: "),
        (
            r#"{ "type": "object", "properties": { "a": { "type": "text" } } }"#,
            "/properties/a/type",
        ),
        (r#"{ "type": "object", "properties": { "a": { "pattern": "(" } } }"#, "/properties/a/pat"),
        (r#"{ "type": "object", "required": "a" }"#, "/required: "),
        (r##"{ "type": "object", "$ref": "#/$defs/a" }"##, "$ref: references are not followed"),
        (
            r#"{ "type": "object", "allOf": [{ "$ref": "file:///etc/passwd" }] }"#,
            "$ref: references are not followed",
        ),
        (
            r#"{ "type": "object", "items": { "$dynamicRef": "http://127.0.0.1/" } }"#,
            "$dynamicRef: references are not followed",
        ),
    ] {
        let error = ConfigSchema::parse(schema).unwrap_err();
        assert!(error.starts_with(says), "{schema}: {error}");
        assert!(!error.contains('\n') && error.chars().count() < 400, "{error}");
    }
    let deep = format!("{}{}", "[".repeat(1000), "]".repeat(1000));
    assert!(ConfigSchema::parse(&format!("{{\"type\":\"object\",\"a\":{deep}}}")).is_err());
}

#[test]
fn what_a_schema_says_of_servers_means_something() {
    let schema = |setting: &str| {
        let schema = format!(r#"{{ "type": "object", "properties": {{ "it": {setting} }} }}"#);
        ConfigSchema::parse(&schema).map(drop)
    };
    for good in [
        r#"{ "type": "string", "x-server": { "by": "http" } }"#,
        r#"{ "type": "array", "items": { "type": "string", "x-server": { "by": "http" } } }"#,
        r#"{ "type": "object", "properties": { "host": {} },
             "x-server": { "by": "smtp", "when": { "way": "smtp" } } }"#,
        // A setting that is called so says nothing.
        r#"{ "type": "object", "properties": { "x-server": { "type": "string" } } }"#,
    ] {
        schema(good).unwrap();
    }
    for (bad, says) in [
        (r#"{ "type": "string", "x-server": "http" }"#, "/properties/it/x-server: it is { "),
        (r#"{ "type": "string", "x-server": { "by": "ftp" } }"#, "/properties/it/x-server: it is"),
        (r#"{ "type": "string", "x-server": { "by": "http", "at": 1 } }"#, "/properties/it/x-ser"),
        (r#"{ "type": "integer", "x-server": { "by": "http" } }"#, "/properties/it/x-server: \"h"),
        (r#"{ "type": "object", "x-server": { "by": "smtp" } }"#, "/properties/it/x-server: \"sm"),
        (
            r#"{ "type": "array", "items": { "x-server": { "by": "http" } } }"#,
            "/properties/it/items/x-server: ",
        ),
    ] {
        let error = schema(bad).unwrap_err();
        assert!(error.starts_with(says), "{bad}: {error}");
    }
}

#[test]
fn servers_in_settings_are_held_against_what_is_granted() {
    let manifest = "manifest = 1\n[plugin]\nid = \"dev.example.one\"\nname = \"One\"\n\
        version = \"1.0.0\"\nkind = [\"event\"]\napi = \"1.0\"\n\
        [[capabilities.http]]\nhost = \"*\"\nmethods = [\"POST\"]\npath_prefix = \"/hooks/\"\n\
        reason = \"Tell them\"\n";
    let manifest = Manifest::parse(manifest).unwrap();
    let schema = ConfigSchema::parse(
        r#"{ "type": "object", "properties": {
            "a/b": { "type": "array",
                     "items": { "type": "string", "x-server": { "by": "http" } } } } }"#,
    )
    .unwrap();
    let mut grants = Grants::all_asked(&manifest);
    grants.http[0].rule.host = HostPattern::parse("hooks.example.org").unwrap();
    let problems = |url: &str| {
        let settings = json!({ "a/b": ["", "https://hooks.example.org", url] });
        schema.ungranted(&settings, &manifest.http, &grants.http)
    };
    // What is asked for there is not known yet: neither the path nor the method counts.
    assert_eq!(problems("https://hooks.example.org/elsewhere?a=b"), []);
    for (url, why) in [
        ("https://other.example.org/hooks/", "has not granted http with"),
        ("http://hooks.example.org/hooks/", "asks for no requests to http://hooks.example.org"),
        (
            "https://hooks.example.org:8443/",
            "asks for no requests to https://hooks.example.org:8443",
        ),
        ("hooks.example.org", "it is no URL"),
        ("https://10.1.2.3/hooks/", "has not granted http with"),
    ] {
        let problems = problems(url);
        assert_eq!((problems.len(), problems[0].place.as_str()), (1, "/a~1b/2"), "{url}");
        assert!(problems[0].message.contains(why), "{url}: {problems:?}");
    }
    grants.http[0].any_host = true;
    grants.http[0].rule.host = HostPattern::parse("*").unwrap();
    let settings = json!({ "a/b": ["https://anything.example", "https://10.1.2.3/hooks/"] });
    let problems = schema.ungranted(&settings, &manifest.http, &grants.http);
    assert_eq!(problems.len(), 1);
    assert!(problems[0].message.contains("the private address 10.1.2.3/32:443 to allow"));
}
