//! The module `events` of the SDK for Rust.

use super::schema::{Field, Kind, Schema};

pub(crate) const FILE: &str = "plugins/sdk/src/events.rs";

/// What is the same whatever the events are.
const HEAD: &str = include_str!("rust.rs.in");

/// The whole file.
pub(crate) fn module(schemas: &[Schema]) -> String {
    let events: Vec<String> = schemas.iter().map(event).collect();
    format!("{HEAD}\nevents! {{\n{}}}\n", events.join("\n"))
}

fn event(schema: &Schema) -> String {
    let fields: String = schema.fields.iter().map(field).collect();
    let (name, kind) = (&schema.name, schema.type_name());
    format!("    /// {}\n    {kind} = \"{name}\" {{\n{fields}    }}\n", schema.about)
}

fn field(field: &Field) -> String {
    let kind = match field.kind {
        Kind::Text => "String",
        Kind::Number => "i64",
        Kind::Truth => "bool",
    };
    let kind = if field.is_required { kind.to_owned() } else { format!("Option<{kind}>") };
    format!("        /// {}\n        {}: {kind},\n", field.about, field.name)
}
