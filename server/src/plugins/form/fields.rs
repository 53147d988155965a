//! From a schema to the fields of a form.

use serde_json::{Map, Value};

use super::{Field, Item, Kind, order::Order, word};

/// The most fields of a form, and how deep they stand: what is beyond is asked for as JSON.
const MAX_FIELDS: usize = 200;
const MAX_DEPTH: usize = 4;
/// A text may be so long before it gets more than a line.
const LONG: u64 = 400;
/// What a label and a description have at most, in characters.
const LABEL: usize = 120;
const DESCRIPTION: usize = 500;

/// The fields of a schema, for settings as they are: what they hold and no input can show is asked
/// for as JSON.
pub(in crate::plugins) fn fields(schema: &str, settings: &Value) -> Vec<Field> {
    let (mut count, order) = (0, Order::of(schema));
    let schema = serde_json::from_str(schema).unwrap_or(Value::Null);
    let place = Place { pointer: "", depth: 0, order: Some(&order) };
    let fields = inside(&schema, settings, &place, &mut count);
    if count <= MAX_FIELDS {
        return fields;
    }
    vec![rest("setting-0".to_owned(), "", Vec::new())]
}

/// Where an object stands.
struct Place<'a> {
    pointer: &'a str,
    depth: usize,
    order: Option<&'a Order>,
}

/// The fields of an object.
fn inside(schema: &Value, settings: &Value, place: &Place<'_>, count: &mut usize) -> Vec<Field> {
    let nothing = Map::new();
    let properties = schema.get("properties").and_then(Value::as_object).unwrap_or(&nothing);
    let required: Vec<&str> = list(schema, "required").filter_map(Value::as_str).collect();
    let mut fields = Vec::new();
    let mut properties: Vec<_> = properties.iter().collect();
    properties.sort_by_key(|(key, _)| place.order.map(|it| it.rank(key)));
    let taken: Vec<String> = properties.iter().map(|(key, _)| (*key).clone()).collect();
    for (key, schema) in properties {
        if MAX_FIELDS < *count {
            return fields;
        }
        let escaped = key.replace('~', "~0").replace('/', "~1");
        let pointer = format!("{}/{escaped}", place.pointer);
        let is_required = required.contains(&key.as_str());
        let value = settings.get(key);
        let order = place.order.and_then(|it| it.inside(key));
        let place = Place { pointer: &pointer, depth: place.depth + 1, order };
        fields.push(field((key, schema), value, is_required, &place, count));
    }
    if has_rest(schema, settings, &taken) {
        fields.push(rest(next(count), place.pointer, taken));
    }
    fields
}

/// Whether an object may hold what the schema does not name, and says so or does.
fn has_rest(schema: &Value, settings: &Value, taken: &[String]) -> bool {
    let more = schema.get("additionalProperties");
    let patterns = schema.get("patternProperties").is_some();
    let has = |it: &Map<String, Value>| it.keys().any(|name| !taken.contains(name));
    match more {
        Some(Value::Bool(false)) => patterns,
        Some(_) => true,
        None => patterns || taken.is_empty() || settings.as_object().is_some_and(has),
    }
}

fn rest(name: String, pointer: &str, taken: Vec<String>) -> Field {
    Field {
        name,
        pointer: pointer.to_owned(),
        key: String::new(),
        label: String::new(),
        description: None,
        required: false,
        default: None,
        least: None,
        most: None,
        kind: Kind::Rest { taken },
    }
}

/// The name of another field.
fn next(count: &mut usize) -> String {
    *count += 1;
    format!("setting-{}", *count - 1)
}

fn field(
    (key, schema): (&str, &Value),
    value: Option<&Value>,
    required: bool,
    place: &Place<'_>,
    count: &mut usize,
) -> Field {
    let name = next(count);
    let text = |name: &str, most| {
        let text = schema.get(name).and_then(Value::as_str).map(|it| shortened(it, most));
        text.filter(|it| !it.is_empty())
    };
    let mut kind = kind(schema);
    if value.is_some_and(|it| !shows(&kind, it)) {
        kind = Kind::Json;
    }
    if let Kind::Group(into) = &mut kind {
        if place.depth < MAX_DEPTH {
            *into = inside(schema, value.unwrap_or(&Value::Null), place, count);
        } else {
            kind = Kind::Json;
        }
    }
    let (least, most) = bounds(schema, &kind);
    Field {
        name,
        key: key.to_owned(),
        label: text("title", LABEL).unwrap_or_else(|| shortened(key, LABEL)),
        description: text("description", DESCRIPTION),
        required,
        default: schema.get("default").cloned(),
        least,
        most,
        kind,
        pointer: place.pointer.to_owned(),
    }
}

/// What a property is asked for with.
fn kind(schema: &Value) -> Kind {
    if let Some(only) = schema.get("const").filter(|it| is_simple(it)) {
        return Kind::Choice(vec![(only.clone(), word(only))]);
    }
    if schema.get("enum").is_some() {
        let all: Vec<&Value> = list(schema, "enum").collect();
        let simple = all.iter().all(|it| is_simple(it));
        let choice = || all.iter().map(|it| ((*it).clone(), shortened(&word(it), LABEL))).collect();
        return if simple { Kind::Choice(choice()) } else { Kind::Json };
    }
    let has = |names: &[&str]| names.iter().any(|it| schema.get(it).is_some());
    match schema.get("type").and_then(Value::as_str) {
        Some("string") => titled(schema).unwrap_or_else(|| text(schema)),
        Some("integer") => titled(schema).unwrap_or(Kind::Number { is_whole: true }),
        Some("number") => titled(schema).unwrap_or(Kind::Number { is_whole: false }),
        Some("boolean") => Kind::Check,
        Some("array") if !has(&["prefixItems", "oneOf", "anyOf", "allOf", "if"]) => {
            let items = schema.get("items").and_then(|it| it.get("type")).and_then(Value::as_str);
            match items {
                Some("string") => Kind::Lines(Item::Text),
                Some("integer") => Kind::Lines(Item::Number { is_whole: true }),
                Some("number") => Kind::Lines(Item::Number { is_whole: false }),
                _ => Kind::Json,
            }
        }
        Some("object") if has(&["properties"]) && !has(&["oneOf", "anyOf", "allOf", "if"]) => {
            Kind::Group(Vec::new())
        }
        None => titled(schema).unwrap_or(Kind::Json),
        _ => Kind::Json,
    }
}

/// `oneOf` with nothing but constants and what people call them: a choice.
fn titled(schema: &Value) -> Option<Kind> {
    let all = schema.get("oneOf")?.as_array()?;
    let one = |it: &Value| {
        let it = it.as_object()?;
        let is_more = |name: &String| !["const", "title", "description"].contains(&name.as_str());
        let value = it.get("const").filter(|it| is_simple(it))?;
        if it.keys().any(is_more) {
            return None;
        }
        let title = it.get("title").and_then(Value::as_str);
        let words = title.map_or_else(|| word(value), str::to_owned);
        Some((value.clone(), shortened(&words, LABEL)))
    };
    all.iter().map(one).collect::<Option<Vec<_>>>().map(Kind::Choice)
}

fn text(schema: &Value) -> Kind {
    let number = |name: &str| schema.get(name).and_then(Value::as_u64);
    let has = |name: &str| schema.get(name).is_some();
    let format = schema.get("format").and_then(Value::as_str);
    let is_free = !has("pattern") && format.is_none();
    Kind::Text {
        is_long: is_free && number("maxLength").is_some_and(|it| LONG < it),
        input: match format {
            Some("email") => "email",
            Some("uri") => "url",
            _ => "text",
        },
        empty_counts: is_free && number("minLength").unwrap_or(0) == 0,
    }
}

/// Whether an input of this kind can show a value, so that it comes back the same.
fn shows(kind: &Kind, value: &Value) -> bool {
    match (kind, value) {
        (Kind::Text { .. }, Value::String(text)) => {
            text.chars().all(|it| it == '\n' || it == '\t' || !it.is_control())
        }
        (Kind::Number { .. }, Value::Number(_))
        | (Kind::Check, Value::Bool(_))
        | (Kind::Group(_), Value::Object(_))
        | (Kind::Json | Kind::Rest { .. }, _) => true,
        (Kind::Choice(all), value) => all.iter().any(|(it, _)| it == value),
        (Kind::Lines(Item::Text), Value::Array(items)) => items.iter().all(|it| {
            it.as_str().is_some_and(|it| {
                !it.is_empty() && it.trim() == it && !it.chars().any(char::is_control)
            })
        }),
        (Kind::Lines(Item::Number { .. }), Value::Array(items)) => {
            items.iter().all(Value::is_number)
        }
        _ => false,
    }
}

/// The least and the most: of the value, the length, or the number of lines.
fn bounds(schema: &Value, kind: &Kind) -> (Option<String>, Option<String>) {
    let names = match kind {
        Kind::Text { .. } => ("minLength", "maxLength"),
        Kind::Number { .. } => ("minimum", "maximum"),
        Kind::Lines(_) => ("minItems", "maxItems"),
        _ => return (None, None),
    };
    let number = |name| schema.get(name).filter(|it| it.is_number()).map(ToString::to_string);
    (number(names.0).filter(|it| it != "0" || matches!(kind, Kind::Number { .. })), number(names.1))
}

fn is_simple(value: &Value) -> bool {
    !value.is_array() && !value.is_object()
}

fn list<'a>(schema: &'a Value, name: &str) -> impl Iterator<Item = &'a Value> {
    schema.get(name).and_then(Value::as_array).into_iter().flatten()
}

/// A text of the author's in one line, and not longer than this.
fn shortened(text: &str, most: usize) -> String {
    let line: String = text.chars().map(|it| if it.is_control() { ' ' } else { it }).collect();
    let line = line.trim();
    if line.chars().count() <= most {
        return line.to_owned();
    }
    let mut short: String = line.chars().take(most).collect();
    short.push('…');
    short
}
