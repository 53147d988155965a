//! A plugin's settings against its schema, and the servers in them against what it is granted.

use myrelay_plugin_host::{Grants, Manifest};
use myrelay_plugin_package::ConfigSchema;
use serde_json::{Map, Value};

use crate::{Error, Result};

/// The longest text of settings, in bytes: what the host hands to a plugin.
const MAX_BYTES: usize = 64 * 1024;

/// The settings with the defaults of what was left out, if they fit the schema and name no server
/// that this plugin may not reach. Without a schema there are none.
///
/// # Errors
/// [`Error::Settings`] with the places that do not fit; [`Error::Invalid`] of `schema` or `settings`.
pub(super) fn complete(
    schema: Option<&str>,
    text: &str,
    (manifest, grants): (&Manifest, &Grants),
) -> Result<String> {
    if MAX_BYTES < text.len() {
        return Err(Error::invalid("settings", format!("at most {MAX_BYTES} bytes of JSON")));
    }
    let text = if text.trim().is_empty() { "{}" } else { text };
    let settings: Map<String, Value> = serde_json::from_str(text)
        .map_err(|error| Error::invalid("settings", format!("expected a JSON object: {error}")))?;
    let Some(schema) = schema else {
        if settings.is_empty() {
            return Ok("{}".to_owned());
        }
        return Err(Error::invalid("settings", "this plugin has no settings"));
    };
    let schema = ConfigSchema::parse(schema).map_err(|why| Error::invalid("schema", why))?;
    let settings = schema.with_defaults(&Value::Object(settings));
    let mut problems = schema.problems(&settings);
    if problems.is_empty() {
        problems = schema.ungranted(&settings, &manifest.http, &grants.http);
    }
    if problems.is_empty() {
        return Ok(settings.to_string());
    }
    Err(Error::Settings(problems))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::plugins::testing;

    /// Settings that name no server.
    fn complete(schema: Option<&str>, text: &str) -> Result<String> {
        let manifest = Manifest::parse(&testing::manifest("dev.example.one", &[])).unwrap();
        super::complete(schema, text, (&manifest, &Grants::all_asked(&manifest)))
    }

    const SCHEMA: &str = r#"{
        "type": "object", "additionalProperties": false, "required": ["endpoint"],
        "properties": {
            "endpoint": { "type": "string" },
            "retries": { "type": "integer", "minimum": 0, "default": 3 }
        }
    }"#;

    #[test]
    fn what_is_left_out_gets_its_default() {
        let settings = complete(Some(SCHEMA), r#"{"endpoint": "https://a.example"}"#).unwrap();
        assert_eq!(settings, r#"{"endpoint":"https://a.example","retries":3}"#);
        assert_eq!(complete(None, " ").unwrap(), "{}");
    }

    #[test]
    fn what_does_not_fit_is_told_by_its_place() {
        for (schema, text, expected) in [
            (Some(SCHEMA), "", "endpoint"),
            (Some(SCHEMA), r#"{"endpoint": 7}"#, "/endpoint"),
            (Some(SCHEMA), r#"{"endpoint": "x", "retries": -1}"#, "/retries"),
            (Some(SCHEMA), r#"{"endpoint": "x", "colour": 1}"#, "colour"),
            (Some(SCHEMA), "[]", "JSON object"),
            (Some(SCHEMA), "{", "JSON object"),
            (None, r#"{"a": 1}"#, "no settings"),
            (Some("{"), "{}", "schema"),
        ] {
            let error = complete(schema, text).unwrap_err().to_string();
            assert!(error.contains(expected), "{text}: {error}");
        }
        assert!(complete(None, &" ".repeat(MAX_BYTES + 1)).is_err());
    }
}
