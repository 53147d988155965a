//! What is published of the events, and that nothing of it is ever taken back.
//!
//! A plugin that was built for an event must be able to read every later one of the same name. So a
//! field may come, if it may be left out; none goes, holds something else, or becomes required or
//! optional. Who needs that makes another version and tells both.

use std::collections::{BTreeMap, BTreeSet};

use anyhow::Result;

use super::schema::Schema;

/// One line for whose an event is, and one for each field.
pub(crate) const FILE: &str = "plugins/events/published";

/// The lines of these schemas.
pub(crate) fn lines(schemas: &[Schema]) -> Result<String> {
    let mut lines = BTreeSet::new();
    for Schema { name, is_of, fields, .. } in schemas {
        lines.insert(format!("{name} is of {is_of}\n"));
        for field in fields {
            let word = if field.is_required { "required" } else { "optional" };
            let rule = serde_json::to_string(&field.rule)?;
            lines.insert(format!("{name} {} {word} {rule}\n", field.name));
        }
    }
    Ok(lines.into_iter().collect())
}

/// From an event and a field to what is said of it.
fn said(lines: &str) -> BTreeMap<(&str, &str), &str> {
    let parts = |line| {
        let (name, rest) = str::split_once(line, ' ')?;
        let (field, rest) = rest.split_once(' ')?;
        Some(((name, field), rest))
    };
    lines.lines().filter_map(parts).collect()
}

/// What these lines take back of those that are published, each with what to do instead.
pub(crate) fn broken(published: &str, now: &str) -> Vec<String> {
    let (before, now) = (said(published), said(now));
    let is_told = |name: &str| before.keys().any(|it| it.0 == name);
    let instead = |name: &str| {
        let (name, version) = name.rsplit_once(".v").unwrap_or((name, "1"));
        let next = version.parse().unwrap_or(1) + 1;
        format!("leave it, and add {FOLDER}/{name}.v{next}.json beside it", FOLDER = super::FOLDER)
    };
    let mut broken = Vec::new();
    for ((name, field), was) in &before {
        let what = match now.get(&(*name, *field)) {
            Some(is) if is == was => continue,
            Some(is) => format!("is published as `{was}` and would be `{is}`"),
            None => "is published and would be gone".to_owned(),
        };
        broken.push(format!("{name}: {field} {what}: {}", instead(name)));
    }
    for ((name, field), is) in &now {
        let is_new = is_told(name) && !before.contains_key(&(*name, *field));
        if is_new && is.starts_with("required ") {
            broken.push(format!(
                "{name}: {field} is new, and events of before have none: take it out of required, \
                 or {}",
                instead(name)
            ));
        }
    }
    broken
}

#[cfg(test)]
mod tests {
    use super::*;

    fn schema(of: &str, properties: &str, required: &str) -> String {
        let text = format!(
            r#"{{ "$schema": "https://json-schema.org/draft/2020-12/schema",
                "title": "tea.made.v1", "description": "Tea was made.", "x-of": "{of}",
                "type": "object", "properties": {{ {properties} }}, "required": [{required}] }}"#
        );
        lines(&[Schema::parse("tea.made.v1", &text).unwrap()]).unwrap()
    }

    const CUP: &str = r#""cup": { "type": "string", "description": "Its id." }"#;
    const SUGAR: &str = r#""sugar": { "type": "integer", "description": "How many." }"#;

    #[test]
    fn what_is_published_may_grow_and_nothing_else() {
        let both = format!("{CUP}, {SUGAR}");
        let before = schema("account", CUP, "\"cup\"");
        assert_eq!(
            before,
            "tea.made.v1 cup required {\"type\":\"string\"}\ntea.made.v1 is of account\n"
        );
        let fine = [
            before.clone(),
            schema("account", &both, "\"cup\""),
            // What is told to people may be told better.
            schema("account", &CUP.replace("Its id.", "The id of the cup."), "\"cup\""),
        ];
        for now in &fine {
            assert_eq!(broken(&before, now), [""; 0]);
        }
        for (now, told) in [
            (schema("account", SUGAR, ""), "cup is published and would be gone: leave it, and add"),
            (schema("account", &CUP.replace("string", "integer"), "\"cup\""), "would be `required"),
            (schema("account", CUP, ""), "and would be `optional"),
            (schema("account", &both, "\"cup\", \"sugar\""), "sugar is new, and events of before"),
            (schema("nobody", CUP, "\"cup\""), "is is published as `of account`"),
            (String::new(), "plugins/events/tea.made.v2.json beside it"),
        ] {
            let why = broken(&before, &now).join("\n");
            assert!(why.contains(told), "{now}{why}");
        }
        // Another event may have what it likes.
        let other = schema("nobody", &both, "\"sugar\"").replace("tea.made.v1", "tea.made.v2");
        assert_eq!(broken(&before, &(before.clone() + &other)), [""; 0]);
    }
}
