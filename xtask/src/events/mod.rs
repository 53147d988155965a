//! `cargo xtask events`: what is made of the schemas in `plugins/events`, which are the only place
//! where an event's fields are written down.

mod javascript;
mod published;
mod python;
mod rust;
mod schema;
mod table;

use std::{
    fs,
    path::{Path, PathBuf},
};

use anyhow::{Context as _, Result, bail};

use crate::report;
use crate::workspace::Workspace;
use schema::Schema;

/// Where the schemas are.
const FOLDER: &str = "plugins/events";

/// Writes all that is made of the schemas, and refuses to where one breaks what is published.
///
/// # Errors
/// When a schema is not one that an event may have, changes what is published, or when a file
/// cannot be read or written.
pub(crate) fn run(workspace: &Workspace) -> Result<()> {
    let root = workspace.root();
    for (place, text) in made(root)? {
        let place = root.join(place);
        fs::write(&place, text).with_context(|| format!("cannot write {}", place.display()))?;
        report::line(place.display().to_string());
    }
    Ok(())
}

/// The files that are made, with what stands in them.
fn made(root: &Path) -> Result<Vec<(&'static str, String)>> {
    let read = |place: &str| {
        fs::read_to_string(root.join(place)).with_context(|| format!("cannot read {place}"))
    };
    let schemas = schemas(&root.join(FOLDER))?;
    let lines = published::lines(&schemas)?;
    let broken = published::broken(&read(published::FILE)?, &lines);
    if !broken.is_empty() {
        bail!("{}", broken.join("\n"));
    }
    Ok(vec![
        (published::FILE, lines),
        (table::FILE, table::put(&read(table::FILE)?, &schemas)?),
        (rust::FILE, rust::module(&schemas)),
        (javascript::FILE, javascript::types(&schemas)),
        (python::FILE, python::types(&schemas)),
    ])
}

/// The schemas in the order of their names.
fn schemas(folder: &Path) -> Result<Vec<Schema>> {
    let entries = fs::read_dir(folder).with_context(|| format!("no {}", folder.display()))?;
    let places: Result<Vec<PathBuf>, _> = entries.map(|it| it.map(|it| it.path())).collect();
    let mut places = places?;
    places.retain(|it| it.extension().is_some_and(|it| it == "json"));
    places.sort();
    places.iter().map(|it| Schema::read(it)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_made_of_the_schemas_is_fresh() {
        let root = Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap();
        for (place, text) in made(root).unwrap() {
            let is_fresh = fs::read_to_string(root.join(place)).unwrap() == text;
            assert!(is_fresh, "{place} is old: run `cargo xtask events`");
        }
    }
}
