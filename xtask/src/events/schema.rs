//! One schema, as far as it says what is made of it.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use anyhow::{Context as _, Result, bail};
use serde::Deserialize;
use serde_json::Value;

const DIALECT: &str = "https://json-schema.org/draft/2020-12/schema";

/// What a schema says, and nothing else: a word that is not here is one that no table and no type
/// would show.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Written {
    #[serde(rename = "$schema")]
    dialect: String,
    title: String,
    description: String,
    #[serde(rename = "x-of")]
    is_of: String,
    #[serde(rename = "type")]
    kind: String,
    properties: BTreeMap<String, BTreeMap<String, Value>>,
    required: Vec<String>,
}

/// What a field holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    Text,
    Number,
    Truth,
}

/// A field of an event.
#[derive(Clone)]
pub(crate) struct Field {
    pub(crate) name: String,
    pub(crate) kind: Kind,
    pub(crate) is_required: bool,
    pub(crate) about: String,
    /// What it may hold, without what is only told to people.
    pub(crate) rule: BTreeMap<String, Value>,
}

/// The schema of an event.
#[derive(Clone)]
pub(crate) struct Schema {
    /// As plugins hear of it: `peer.added.v1`.
    pub(crate) name: String,
    pub(crate) about: String,
    /// `account` or `nobody`: whose it is.
    pub(crate) is_of: String,
    /// Those that are always there first, in the order of `required`.
    pub(crate) fields: Vec<Field>,
}

impl Schema {
    /// Reads the schema of an event, whose name is that of its file.
    pub(crate) fn read(place: &Path) -> Result<Self> {
        let name = place.file_stem().and_then(|it| it.to_str()).unwrap_or_default();
        let text = fs::read_to_string(place)?;
        Self::parse(name, &text).with_context(|| place.display().to_string())
    }

    pub(crate) fn parse(name: &str, text: &str) -> Result<Self> {
        let written: Written = serde_json::from_str(text)?;
        let version = name.rsplit_once(".v").map(|(_, it)| it.parse::<u32>());
        if written.title != name || !matches!(version, Some(Ok(1..))) {
            bail!("title: it is the file's name, such as peer.added.v1");
        }
        if written.dialect != DIALECT || written.kind != "object" {
            bail!("$schema is {DIALECT}, and type is \"object\"");
        }
        if !["account", "nobody"].contains(&written.is_of.as_str()) {
            bail!("x-of: \"account\" where the event is an account's, else \"nobody\"");
        }
        if !written.description.ends_with('.') || written.description.contains(['\n', '|']) {
            bail!("description: one sentence that says what happened");
        }
        let field = |name: &str| {
            let rule = written.properties.get(name);
            let rule = rule.with_context(|| format!("required: {name} is no property"))?;
            let is_required = written.required.iter().any(|it| it == name);
            Field::of(name, is_required, rule.clone()).with_context(|| format!("properties.{name}"))
        };
        let names = written.properties.keys().filter(|it| !written.required.contains(*it));
        let names = written.required.iter().chain(names);
        let fields = names.map(|it| field(it)).collect::<Result<_>>()?;
        let (about, is_of) = (written.description, written.is_of);
        Ok(Self { name: name.to_owned(), about, is_of, fields })
    }

    /// As types are called: `PeerAdded`, and `PeerAddedV2` for `peer.added.v2`.
    pub(crate) fn type_name(&self) -> String {
        let name = self.name.strip_suffix(".v1").unwrap_or(&self.name);
        let word = |it: &str| it[..1].to_uppercase() + &it[1..];
        name.split(['.', '-']).filter(|it| !it.is_empty()).map(word).collect()
    }
}

impl Field {
    fn of(name: &str, is_required: bool, mut rule: BTreeMap<String, Value>) -> Result<Self> {
        if !name.starts_with(|it: char| it.is_ascii_lowercase())
            || !name.bytes().all(|it| matches!(it, b'a'..=b'z' | b'0'..=b'9' | b'_'))
        {
            bail!("a field's name is lower case words with _ between them");
        }
        let kind = match rule.get("type").and_then(Value::as_str) {
            Some("string") => Kind::Text,
            Some("integer") => Kind::Number,
            Some("boolean") => Kind::Truth,
            _ => bail!("type: \"string\", \"integer\" or \"boolean\""),
        };
        let about = rule.remove("description");
        let about = about.as_ref().and_then(Value::as_str).unwrap_or_default().to_owned();
        if !about.ends_with('.') || about.contains(['\n', '|']) {
            bail!("description: one sentence that says what it is");
        }
        let known = ["type", "enum", "minimum", "maximum", "minLength", "maxLength", "pattern"];
        if let Some(word) = rule.keys().find(|it| !known.contains(&it.as_str())) {
            bail!("{word}: there is {} and description", known.join(", "));
        }
        Ok(Self { name: name.to_owned(), kind, is_required, about, rule })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_schema_says_all_that_is_made_of_it() {
        let good = include_str!("../../../plugins/events/pod.changed.v1.json");
        let schema = Schema::parse("pod.changed.v1", good).unwrap();
        assert_eq!(schema.type_name(), "PodChanged");
        let kinds: Vec<_> = schema.fields.iter().map(|it| (it.name.as_str(), it.kind)).collect();
        assert_eq!(kinds, [("pod", Kind::Text), ("devices_meet", Kind::Truth)]);
        for (from, to, told) in [
            ("pod.changed.v1", "pod.changed", "title: it is the file's name"),
            ("\"account\"", "\"everybody\"", "x-of: \"account\" where"),
            ("\"boolean\"", "\"object\"", "properties.devices_meet: type: \"string\""),
            ("Whether its devices reach each other.", "", "properties.devices_meet: description"),
            ("\"type\": \"object\"", "\"$ref\": \"#\", \"type\": \"object\"", "unknown field"),
            ("    \"pod\",", "    \"pods\",", "required: pods is no property"),
        ] {
            assert!(good.contains(from), "{from}");
            let why = Schema::parse("pod.changed.v1", &good.replace(from, to)).err().unwrap();
            assert!(format!("{why:#}").contains(told), "{why:#}");
        }
    }
}
