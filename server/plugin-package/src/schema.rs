//! `config.schema.json`: what a plugin's settings have to be. The portal makes a form of it.

use std::fmt;

use jsonschema::{PatternOptions, ValidationError, Validator, error::ValidationErrorKind};
use serde_json::{Map, Value};

use crate::servers;

/// The version of JSON Schema that is read.
const DIALECT: &str = "https://json-schema.org/draft/2020-12/schema";
/// What leads elsewhere: a schema is written out, so that it takes as long to check as to read.
const REFERENCES: [&str; 3] = ["$ref", "$dynamicRef", "$recursiveRef"];
/// The most expressions of a schema, and the most bytes that one becomes: a stranger's schema is
/// compiled before anybody knows who it is by.
const PATTERNS: usize = 64;
const PATTERN_BYTES: usize = 256 << 10;
/// The most problems that are told at once.
pub(crate) const PROBLEMS: usize = 20;

/// A schema that settings are checked by.
#[derive(Clone, Debug)]
pub struct ConfigSchema {
    value: Value,
    validator: Validator,
}

/// Something that is wrong with settings, and where.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SettingsProblem {
    /// A JSON pointer; empty: the whole. What is missing is pointed at too.
    pub place: String,
    /// What must be so, in one line.
    pub message: String,
}

impl SettingsProblem {
    /// A problem at a place; what strangers say of it becomes one line that is not too long.
    #[must_use]
    pub fn new(place: &str, message: &str) -> Self {
        Self { place: line(place), message: line(message) }
    }
}

impl fmt::Display for SettingsProblem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&at(&self.place, &self.message))
    }
}

impl ConfigSchema {
    /// Reads a schema: JSON Schema 2020-12 for an object, without references.
    ///
    /// # Errors
    /// The rule it breaks, with the place as a JSON pointer.
    pub fn parse(text: &str) -> Result<Self, String> {
        let value: Value =
            serde_json::from_str(text).map_err(|error| format!("it is no JSON: {error}"))?;
        let Some(top) = value.as_object() else {
            return Err("it is no JSON object".to_owned());
        };
        if top.get("$schema").is_some_and(|it| it.as_str() != Some(DIALECT)) {
            return Err(format!("$schema: leave it out, or let it be {DIALECT}"));
        }
        if top.get("type").and_then(Value::as_str) != Some("object") {
            return Err("type: it is \"object\", since settings have names".to_owned());
        }
        if let Some(found) = reference(&value) {
            return Err(format!("{found}: references are not followed; write it out"));
        }
        servers::check(&value, "")?;
        if PATTERNS < patterns(&value) {
            return Err(format!("pattern, patternProperties: at most {PATTERNS} expressions"));
        }
        jsonschema::draft202012::meta::validate(&value)
            .map_err(|error| at(error.instance_path().as_str(), &error.to_string()))?;
        let validator = jsonschema::draft202012::options()
            // These expressions never take longer than the text they look at.
            .with_pattern_options(PatternOptions::regex().size_limit(PATTERN_BYTES))
            .build(&value)
            .map_err(|error| at(error.instance_path().as_str(), &error.to_string()))?;
        Ok(Self { value, validator })
    }

    /// The schema itself.
    #[must_use]
    pub fn value(&self) -> &Value {
        &self.value
    }

    /// Settings with the defaults of what was left out.
    #[must_use]
    pub fn with_defaults(&self, settings: &Value) -> Value {
        let mut settings = settings.clone();
        fill(&self.value, &mut settings);
        settings
    }

    /// What is wrong with these settings; nothing where they are good.
    #[must_use]
    pub fn problems(&self, settings: &Value) -> Vec<SettingsProblem> {
        self.validator.iter_errors(settings).take(PROBLEMS).map(|it| problem(&it)).collect()
    }
}

/// A problem in words that say what must be so; what was typed stands beside them.
fn problem(error: &ValidationError<'_>) -> SettingsProblem {
    use ValidationErrorKind as Is;
    let mut place = error.instance_path().as_str().to_owned();
    let message = match error.kind() {
        Is::Required { property } => {
            let name = property.as_str().unwrap_or_default();
            place = format!("{place}/{}", name.replace('~', "~0").replace('/', "~1"));
            "it is needed".to_owned()
        }
        Is::MinLength { limit: 1 } => "it is empty".to_owned(),
        Is::MinLength { limit } => format!("at least {limit} characters"),
        Is::MaxLength { limit } => format!("at most {limit} characters"),
        Is::Minimum { limit } => format!("at least {limit}"),
        Is::Maximum { limit } => format!("at most {limit}"),
        Is::ExclusiveMinimum { limit } => format!("more than {limit}"),
        Is::ExclusiveMaximum { limit } => format!("less than {limit}"),
        Is::MinItems { limit } => format!("at least {limit} of them"),
        Is::MaxItems { limit } => format!("at most {limit} of them"),
        Is::UniqueItems => "one of them is there twice".to_owned(),
        Is::Pattern { pattern } => format!("it does not look as it must: {pattern}"),
        _ => error.to_string(),
    };
    SettingsProblem::new(&place, &message)
}

/// One line that begins with the place.
fn at(place: &str, message: &str) -> String {
    let place = if place.is_empty() { "the whole" } else { place };
    line(&format!("{place}: {message}"))
}

/// A text in one line that is not too long.
fn line(text: &str) -> String {
    let mut line: String =
        text.chars().map(|it| if it.is_control() { ' ' } else { it }).take(300).collect();
    if 299 < line.chars().count() {
        line.push('…');
    }
    line
}

/// The first reference, as its keyword.
fn reference(value: &Value) -> Option<&'static str> {
    match value {
        Value::Object(fields) => {
            let found = REFERENCES.into_iter().find(|it| fields.contains_key(*it));
            found.or_else(|| fields.values().find_map(reference))
        }
        Value::Array(values) => values.iter().find_map(reference),
        _ => None,
    }
}

/// How many expressions there are; a setting that is called `pattern` counts too.
fn patterns(value: &Value) -> usize {
    match value {
        Value::Object(fields) => {
            let named = fields.get("patternProperties").and_then(Value::as_object);
            let own = usize::from(fields.contains_key("pattern"));
            own + named.map_or(0, Map::len) + fields.values().map(patterns).sum::<usize>()
        }
        Value::Array(values) => values.iter().map(patterns).sum(),
        _ => 0,
    }
}

fn fill(schema: &Value, settings: &mut Value) {
    let properties = schema.get("properties").and_then(Value::as_object);
    let (Some(properties), Some(settings)) = (properties, settings.as_object_mut()) else { return };
    for (name, schema) in properties {
        if !settings.contains_key(name) {
            let default = schema.get("default").cloned();
            let is_given = default.is_some();
            // An object without a default may have some inside, which make it if nothing is missing.
            let inside = schema.get("properties").map(|_| Value::Object(Map::new()));
            let Some(mut value) = default.or(inside) else { continue };
            fill(schema, &mut value);
            let mut needed = schema.get("required").and_then(Value::as_array).into_iter().flatten();
            let is_whole = needed.all(|it| it.as_str().is_some_and(|it| value.get(it).is_some()));
            let is_empty = value.as_object().is_some_and(Map::is_empty);
            if is_given || (is_whole && !is_empty) {
                settings.insert(name.clone(), value);
            }
        } else if let Some(value) = settings.get_mut(name) {
            fill(schema, value);
        }
    }
}
