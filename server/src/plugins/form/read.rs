//! From what was typed to settings.

use myrelay_plugin_package::SettingsProblem;
use serde_json::{Map, Number, Value};

use super::{Field, Item, Kind, Typed};

/// What a field came to.
struct Reading {
    /// None: it is left out, and gets its default.
    value: Option<Value>,
    /// Nothing was said: an object of nothing else is left out as well.
    is_blank: bool,
}

impl Reading {
    fn of(value: Value) -> Self {
        Self { value: Some(value), is_blank: false }
    }

    fn blank(value: Option<Value>) -> Self {
        Self { value, is_blank: true }
    }
}

impl Field {
    /// A value that was typed. What is as it would be without a word says nothing: `usual` is what
    /// that is where the schema has no default.
    fn reading(&self, value: Value, usual: Option<&Value>) -> Reading {
        let is_blank = self.default.as_ref().or(usual) == Some(&value);
        Reading { value: Some(value), is_blank }
    }
}

pub(super) fn read(fields: &[Field], typed: &Typed) -> (Value, Vec<SettingsProblem>) {
    let mut problems = Vec::new();
    let (settings, _) = object(fields, typed, &mut problems);
    (Value::Object(settings), problems)
}

/// An object, and whether nothing was said of it.
fn object(
    fields: &[Field],
    typed: &Typed,
    problems: &mut Vec<SettingsProblem>,
) -> (Map<String, Value>, bool) {
    let (mut settings, mut is_blank) = (Map::new(), true);
    for field in fields {
        match one(field, typed, problems) {
            Ok(reading) => {
                is_blank &= reading.is_blank;
                match (&field.kind, reading.value) {
                    (Kind::Rest { .. }, Some(Value::Object(rest))) => settings.extend(rest),
                    (_, Some(value)) => {
                        settings.insert(field.key.clone(), value);
                    }
                    (_, None) => {}
                }
            }
            Err(message) => {
                is_blank = false;
                problems.push(SettingsProblem::new(&field.pointer, &message));
            }
        }
    }
    (settings, is_blank)
}

fn one(
    field: &Field,
    typed: &Typed,
    problems: &mut Vec<SettingsProblem>,
) -> Result<Reading, String> {
    let text = typed.get(&field.name).map(|it| it.replace("\r\n", "\n")).unwrap_or_default();
    let trimmed = text.trim();
    match &field.kind {
        Kind::Check => {
            let ticked = typed.contains_key(&field.name);
            Ok(field.reading(Value::Bool(ticked), Some(&Value::Bool(false))))
        }
        Kind::Group(inside) => {
            let (settings, is_blank) = object(inside, typed, problems);
            let value = (field.required || !is_blank).then_some(Value::Object(settings));
            Ok(Reading { value, is_blank })
        }
        Kind::Text { empty_counts, .. } if text.is_empty() => {
            // Where there is something to fall back on, nothing has to be said to mean nothing.
            let counts = *empty_counts && field.default.is_some();
            let nothing = || field.reading(Value::String(String::new()), None);
            Ok(if counts { nothing() } else { Reading::blank(None) })
        }
        Kind::Text { .. } => Ok(field.reading(Value::String(text), None)),
        Kind::Lines(_) if trimmed.is_empty() => {
            let counts = field.required || field.default.is_some();
            let nothing = Value::Array(Vec::new());
            let usual = nothing.clone();
            Ok(if counts { field.reading(nothing, Some(&usual)) } else { Reading::blank(None) })
        }
        _ if trimmed.is_empty() => Ok(Reading::blank(None)),
        Kind::Number { is_whole } => number(trimmed, *is_whole).map(|it| field.reading(it, None)),
        Kind::Choice(all) => {
            // Its JSON, as the form was drawn: `7` and `"7"` are two values.
            let is = |(value, _): &&(Value, String)| value.to_string().as_str() == text;
            let found = all.iter().find(is);
            let found = found.ok_or_else(|| "it is none of these".to_owned())?;
            Ok(field.reading(found.0.clone(), None))
        }
        Kind::Lines(item) => lines(trimmed, *item).map(|it| field.reading(it, None)),
        Kind::Json => json(trimmed).map(|it| field.reading(it, None)),
        Kind::Rest { taken } => match json(trimmed)? {
            Value::Object(rest) => match rest.keys().find(|it| taken.contains(it)) {
                Some(name) => Err(format!("{name} has a field of its own")),
                None => Ok(Reading::of(Value::Object(rest))),
            },
            _ => Err("expected a JSON object, in braces".to_owned()),
        },
    }
}

fn number(text: &str, is_whole: bool) -> Result<Value, String> {
    let number: Option<Number> = serde_json::from_str(text).ok();
    match number {
        Some(number) if !is_whole || number.is_i64() || number.is_u64() => {
            Ok(Value::Number(number))
        }
        _ if is_whole => Err("expected a whole number".to_owned()),
        _ => Err("expected a number, such as 12 or 0.5".to_owned()),
    }
}

fn lines(text: &str, item: Item) -> Result<Value, String> {
    let lines = text.lines().map(str::trim).filter(|it| !it.is_empty());
    let read = |(index, line): (usize, &str)| match item {
        Item::Text => Ok(Value::String(line.to_owned())),
        Item::Number { is_whole } => {
            number(line, is_whole).map_err(|why| format!("line {}: {why}", index + 1))
        }
    };
    lines.enumerate().map(read).collect::<Result<Vec<_>, _>>().map(Value::Array)
}

fn json(text: &str) -> Result<Value, String> {
    serde_json::from_str(text).map_err(|error| format!("it is no JSON: {error}"))
}
