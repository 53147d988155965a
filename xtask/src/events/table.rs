//! The table of events in the authors' guide.

use anyhow::{Context as _, Result};

use super::schema::{Field, Schema};

pub(crate) const FILE: &str = "docs/plugins.md";

/// How the table begins, and by which it is found.
const HEAD: &str = "| event | tells | is of | `data` |\n|---|---|---|---|\n";

/// The guide with a fresh table in it.
pub(crate) fn put(guide: &str, schemas: &[Schema]) -> Result<String> {
    let found = guide.split_once(HEAD);
    let (before, rest) =
        found.with_context(|| format!("{FILE} has no table that begins {HEAD}"))?;
    let after = rest.find("\n\n").map_or("", |at| &rest[at + 1..]);
    let rows: String = schemas.iter().map(row).collect();
    Ok(format!("{before}{HEAD}{rows}{after}"))
}

fn row(schema: &Schema) -> String {
    let Schema { name, about, is_of, fields } = schema;
    let is_of = if is_of == "account" { "an account" } else { "nobody" };
    let fields: Vec<String> = fields.iter().map(cell).collect();
    format!("| `{name}` | {about} | {is_of} | {} |\n", fields.join("; "))
}

/// `pod`: the id of its pod
fn cell(field: &Field) -> String {
    let mut about = field.about.trim_end_matches('.').to_owned();
    if let Some(first) = about.get_mut(..1) {
        first.make_ascii_lowercase();
    }
    let mark = if field.is_required { "" } else { " (may be missing)" };
    format!("`{}`{mark}: {about}", field.name)
}
