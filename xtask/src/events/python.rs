//! The types of events in the SDK for Python.

use super::schema::{Field, Kind, Schema};

pub(crate) const FILE: &str = "plugins/sdk-python/myrelay_sdk/events.py";

/// What is the same whatever the events are.
const HEAD: &str = include_str!("python.py.in");

/// The whole file.
pub(crate) fn types(schemas: &[Schema]) -> String {
    let events: String = schemas.iter().map(event).collect();
    format!("{HEAD}{events}")
}

fn event(schema: &Schema) -> String {
    let fields: String = schema.fields.iter().map(field).collect();
    let (kind, name) = (schema.type_name(), &schema.name);
    let about = &schema.about;
    format!(
        "\n# {name}: {about}\n{kind} = TypedDict(\n    \"{kind}\",\n    {{\n{fields}    }},\n)\n"
    )
}

fn field(field: &Field) -> String {
    let kind = match field.kind {
        Kind::Text => "str",
        Kind::Number => "int",
        Kind::Truth => "bool",
    };
    let kind = if field.is_required { kind.to_owned() } else { format!("NotRequired[{kind}]") };
    // As a dictionary, since a name may be a word of the language's own, such as `from`.
    format!("        # {}\n        \"{}\": {kind},\n", field.about, field.name)
}
