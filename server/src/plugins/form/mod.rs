//! A plugin's settings as a form: what its schema asks for, what was typed, and what is wrong.
//!
//! Nothing here reaches anything: a schema and values go in, fields and values come out. The names
//! of fields are numbers, since what a setting is called may be a word that no body may carry.

mod fields;
mod order;
mod read;
#[cfg(test)]
mod tests;

use std::collections::BTreeMap;

use myrelay_app::contract::{SettingField, SettingInput};
use myrelay_plugin_package::SettingsProblem;
use serde_json::Value;

pub(super) use self::fields::fields;

/// What was typed, by the names of the fields. A box that is not ticked is not there.
pub(super) type Typed = BTreeMap<String, String>;

/// One setting, as a form asks for it.
#[derive(Clone, Debug)]
pub(super) struct Field {
    /// What the form calls it: `setting-3`.
    name: String,
    /// Where its value stands, as a JSON pointer.
    pointer: String,
    /// What its object calls it.
    key: String,
    label: String,
    description: Option<String>,
    required: bool,
    /// What it is when it is left out.
    default: Option<Value>,
    /// The bounds of its value, of its length or of its lines.
    least: Option<String>,
    most: Option<String>,
    kind: Kind,
}

/// How it is asked for.
#[derive(Clone, Debug)]
enum Kind {
    Text {
        is_long: bool,
        /// The browser's type of input: `text`, `email`, `url` …
        input: &'static str,
        /// Nothing is a text as well, and not the default.
        empty_counts: bool,
    },
    Number {
        is_whole: bool,
    },
    Check,
    /// One of these, each with its words.
    Choice(Vec<(Value, String)>),
    /// One in each line.
    Lines(Item),
    /// What no form can ask for: its JSON.
    Json,
    /// The settings of an object that have no name in the schema, as a JSON object.
    Rest {
        /// The names that have fields of their own.
        taken: Vec<String>,
    },
    Group(Vec<Field>),
}

/// What a line is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Item {
    Text,
    Number { is_whole: bool },
}

/// All fields, with those inside groups.
pub(super) fn names(fields: &[Field]) -> Vec<&str> {
    let mut all = Vec::new();
    for field in fields {
        match &field.kind {
            Kind::Group(inside) => all.extend(names(inside)),
            _ => all.push(field.name.as_str()),
        }
    }
    all
}

/// What the fields show of these settings.
pub(super) fn typed(fields: &[Field], settings: &Value) -> Typed {
    let mut typed = Typed::new();
    for field in fields {
        if let Kind::Group(inside) = &field.kind {
            let value = settings.get(&field.key).unwrap_or(&Value::Null);
            typed.extend(self::typed(inside, value));
        } else if let Some(text) = field.shown(settings) {
            typed.insert(field.name.clone(), text);
        }
    }
    typed
}

/// The settings that were typed, and what of it is none.
pub(super) fn read(fields: &[Field], typed: &Typed) -> (Value, Vec<SettingsProblem>) {
    read::read(fields, typed)
}

/// The fields to be drawn, each with what was typed and what is wrong with it; and the problems of
/// no field.
pub(super) fn draw(
    fields: &[Field],
    typed: &Typed,
    problems: &[SettingsProblem],
) -> (Vec<SettingField>, Vec<String>) {
    let mut errors: BTreeMap<String, Vec<String>> = BTreeMap::new();
    let mut others = Vec::new();
    for problem in problems {
        match find(fields, &problem.place) {
            Some(field) if field.pointer == problem.place => {
                errors.entry(field.name.clone()).or_default().push(problem.message.clone());
            }
            // It is about a line, or about something inside a field of JSON.
            Some(field) => {
                let inside = problem.place.get(field.pointer.len() + 1..).unwrap_or_default();
                let text = format!("{}: {}", place_inside(field, inside), problem.message);
                errors.entry(field.name.clone()).or_default().push(text);
            }
            None => others.push(problem.message.clone()),
        }
    }
    (fields.iter().map(|it| it.draw(typed, &errors)).collect(), others)
}

/// What people call a place inside a field.
fn place_inside(field: &Field, inside: &str) -> String {
    let line = inside.parse::<usize>().ok().filter(|_| matches!(field.kind, Kind::Lines(_)));
    line.map_or_else(|| format!("at {inside}"), |line| format!("line {}", line + 1))
}

/// The field in which a JSON pointer ends: the deepest one.
fn find<'a>(fields: &'a [Field], pointer: &str) -> Option<&'a Field> {
    let holds = |field: &&Field| {
        let rest = pointer.strip_prefix(field.pointer.as_str());
        rest.is_some_and(|it| it.is_empty() || it.starts_with('/'))
    };
    // What the schema does not name stands among the rest, which comes last.
    let found = fields.iter().find(holds)?;
    match &found.kind {
        Kind::Group(inside) => find(inside, pointer).or(Some(found)),
        _ => Some(found),
    }
}

impl Field {
    fn draw(&self, typed: &Typed, errors: &BTreeMap<String, Vec<String>>) -> SettingField {
        let value = typed.get(&self.name).cloned().unwrap_or_default();
        // Where nothing is something, it is not the default.
        let counts = match self.kind {
            Kind::Text { empty_counts, .. } => empty_counts,
            Kind::Lines(_) => true,
            _ => false,
        };
        let default = self.default.as_ref().filter(|it| !counts && !is_nothing(it));
        SettingField {
            name: self.name.clone(),
            label: self.label.clone(),
            description: self.description.clone(),
            required: self.required && self.default.is_none(),
            least: self.least.clone(),
            most: self.most.clone(),
            default: default.and_then(|it| self.text(it)),
            error: errors.get(&self.name).map(|it| it.join("; ")),
            input: match &self.kind {
                Kind::Text { is_long, .. } if *is_long || value.contains('\n') => {
                    SettingInput::Long
                }
                Kind::Text { input, .. } => SettingInput::Text((*input).to_owned()),
                Kind::Number { .. } => SettingInput::Number,
                Kind::Check => SettingInput::Check,
                Kind::Choice(all) => {
                    let option =
                        |(value, words): &(Value, String)| (value.to_string(), words.clone());
                    SettingInput::Choice(all.iter().map(option).collect())
                }
                Kind::Lines(_) => SettingInput::Lines,
                Kind::Json => SettingInput::Json,
                Kind::Rest { .. } => SettingInput::Rest,
                Kind::Group(inside) => {
                    SettingInput::Group(inside.iter().map(|it| it.draw(typed, errors)).collect())
                }
            },
            value,
        }
    }

    /// What an input shows of the settings of its object; none: a box without a tick, or nothing.
    fn shown(&self, settings: &Value) -> Option<String> {
        if let Kind::Rest { taken } = &self.kind {
            let all = settings.as_object()?;
            let rest = all.iter().filter(|(name, _)| !taken.contains(name));
            let rest: serde_json::Map<_, _> = rest.map(|(k, v)| (k.clone(), v.clone())).collect();
            return (!rest.is_empty()).then(|| pretty(&Value::Object(rest)));
        }
        // What an object that is not there would have: it is made of what stands here.
        self.text(settings.get(&self.key).or(self.default.as_ref())?)
    }

    /// A value as its input holds it.
    fn text(&self, value: &Value) -> Option<String> {
        match (&self.kind, value) {
            (Kind::Text { .. }, Value::String(text)) => Some(text.clone()),
            (Kind::Number { .. }, Value::Number(number)) => Some(number.to_string()),
            (Kind::Check, Value::Bool(ticked)) => ticked.then(|| "on".to_owned()),
            (Kind::Choice(_), value) => Some(value.to_string()),
            (Kind::Lines(_), Value::Array(items)) => {
                let lines: Vec<String> = items.iter().map(word).collect();
                Some(lines.join("\n"))
            }
            (Kind::Json | Kind::Rest { .. }, value) => Some(pretty(value)),
            _ => None,
        }
    }
}

/// A value as a word: a text without quotes.
fn word(value: &Value) -> String {
    value.as_str().map_or_else(|| value.to_string(), str::to_owned)
}

fn pretty(value: &Value) -> String {
    serde_json::to_string_pretty(value).unwrap_or_default()
}

/// A default that says nothing which an empty field does not.
fn is_nothing(value: &Value) -> bool {
    match value {
        Value::String(text) => text.is_empty(),
        Value::Array(items) => items.is_empty(),
        Value::Object(fields) => fields.is_empty(),
        Value::Bool(_) | Value::Null => true,
        Value::Number(_) => false,
    }
}
