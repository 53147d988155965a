//! The types of events in the SDK for JavaScript and TypeScript.

use super::schema::{Field, Kind, Schema};

pub(crate) const FILE: &str = "plugins/sdk-js/events.d.ts";

/// What is the same whatever the events are.
const HEAD: &str = include_str!("javascript.d.ts.in");

/// The whole file.
pub(crate) fn types(schemas: &[Schema]) -> String {
    let events: String = schemas.iter().map(event).collect();
    let told: String = schemas.iter().map(told).collect();
    format!("{HEAD}\n{events}/** An event that this SDK knows. */\nexport type Told ={told};\n")
}

fn event(schema: &Schema) -> String {
    let fields: String = schema.fields.iter().map(field).collect();
    format!("/** {} */\nexport interface {} {{\n{fields}}}\n\n", schema.about, schema.type_name())
}

fn field(field: &Field) -> String {
    let kind = match field.kind {
        Kind::Text => "string",
        Kind::Number => "number",
        Kind::Truth => "boolean",
    };
    let mark = if field.is_required { "" } else { "?" };
    format!("  /** {} */\n  {}{mark}: {kind};\n", field.about, field.name)
}

fn told(schema: &Schema) -> String {
    format!("\n  | {{ type: \"{}\"; data: {} }}", schema.name, schema.type_name())
}
