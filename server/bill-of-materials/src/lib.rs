//! Bills of materials: what of others' is in something that is handed on, as CycloneDX 1.6
//! (<https://cyclonedx.org/docs/1.6/json/>). The same parts make the same bytes: there is no time in
//! a bill, and no number of its own.

mod cargo;

use std::collections::BTreeSet;

use serde_json::{Value, json};

pub use cargo::{needed, package};

/// What a bill is of.
#[derive(Clone, Copy, Debug)]
pub struct Subject<'a> {
    pub name: &'a str,
    pub version: &'a str,
    pub licence: Option<&'a str>,
    /// The program that wrote the bill, and its version.
    pub tool: Option<(&'a str, &'a str)>,
}

/// Something that is in it.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Part {
    pub name: String,
    /// Empty where nobody knows it.
    pub version: String,
    /// As its authors wrote it, at best an SPDX expression.
    pub licence: Option<String>,
    /// The kind of package that it is, as package URLs name it: `cargo`, `npm`, `pypi`.
    pub registry: Option<&'static str>,
    /// What it is, where its name does not say that.
    pub about: Option<&'static str>,
    /// It wrote code of what is in it, and nothing of itself is in it.
    pub builds: bool,
}

/// The bill as a text.
///
/// # Errors
/// Never for what stands in these types.
pub fn bill(of: &Subject<'_>, parts: &BTreeSet<Part>) -> serde_json::Result<String> {
    let mut subject = json!({ "type": "application", "name": of.name, "version": of.version });
    if let Some(licence) = of.licence {
        subject["licenses"] = licences(licence);
    }
    let mut metadata = json!({ "component": subject });
    if let Some((name, version)) = of.tool {
        let tool = json!({ "type": "application", "name": name, "version": version });
        metadata["tools"] = json!({ "components": [tool] });
    }
    let components: Vec<Value> = parts.iter().map(component).collect();
    let bill = json!({
        "bomFormat": "CycloneDX",
        "specVersion": "1.6",
        "version": 1,
        "metadata": metadata,
        "components": components,
    });
    Ok(serde_json::to_string_pretty(&bill)? + "\n")
}

fn component(part: &Part) -> Value {
    let mut component = json!({ "type": "library", "name": part.name });
    if part.builds {
        component["scope"] = json!("excluded");
    }
    if !part.version.is_empty() {
        component["version"] = json!(part.version);
    }
    if let Some(about) = part.about {
        component["description"] = json!(about);
    }
    if let Some(registry) = part.registry {
        component["purl"] = json!(package_url(registry, &part.name, &part.version));
    }
    if let Some(licence) = &part.licence {
        component["licenses"] = licences(licence);
    }
    component
}

/// <https://github.com/package-url/purl-spec>
fn package_url(registry: &str, name: &str, version: &str) -> String {
    let encoded = |text: &str| -> String {
        let byte = |it: u8| match it {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'.' | b'-' | b'_' | b'~' | b'/' => {
                char::from(it).to_string()
            }
            _ => format!("%{it:02X}"),
        };
        text.bytes().map(byte).collect()
    };
    let version = if version.is_empty() { String::new() } else { format!("@{}", encoded(version)) };
    format!("pkg:{registry}/{}{version}", encoded(name))
}

/// An expression where it is one, and a name otherwise.
fn licences(text: &str) -> Value {
    // Older packages write `MIT/Apache-2.0` for what SPDX spells out.
    let expression = text.replace('/', " OR ");
    if is_expression(&expression) {
        json!([{ "expression": expression }])
    } else {
        json!([{ "license": { "name": text } }])
    }
}

/// Whether a text is built as SPDX expressions are. Which licences there are is not looked at.
fn is_expression(text: &str) -> bool {
    let words: Vec<&str> = text.split([' ', '(', ')']).filter(|it| !it.is_empty()).collect();
    let joins = |it: &str| ["AND", "OR", "WITH"].contains(&it);
    let names = |it: &str| {
        let plain = |it: u8| it.is_ascii_alphanumeric() || b"-.+:".contains(&it);
        // npm's word for what has no licence.
        !joins(it) && it != "UNLICENSED" && it.bytes().all(plain)
    };
    let fits = |(at, it): (usize, &&str)| if at % 2 == 0 { names(it) } else { joins(it) };
    words.len() % 2 == 1 && words.iter().enumerate().all(fits)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn part(name: &str, version: &str, licence: &str) -> Part {
        Part {
            name: name.to_owned(),
            version: version.to_owned(),
            licence: Some(licence.to_owned()),
            registry: Some("npm"),
            about: None,
            builds: false,
        }
    }

    #[test]
    fn a_bill_names_its_parts_in_their_order_and_nothing_of_the_day() {
        let of = Subject { name: "it", version: "1.2.0", licence: None, tool: Some(("us", "0.1")) };
        let (one, other) = (part("b", "1.0.0", "MIT"), part("@a/b", "1.0.0+c", "ISC"));
        let parts = BTreeSet::from([one.clone(), other.clone()]);
        let text = bill(&of, &parts).unwrap();
        assert_eq!(text, bill(&of, &[other, one].into()).unwrap());
        let bill: Value = serde_json::from_str(&text).unwrap();
        assert_eq!(bill["components"][0]["purl"], "pkg:npm/%40a/b@1.0.0%2Bc");
        assert_eq!(bill["components"][1]["name"], "b");
        assert_eq!(bill["metadata"]["tools"]["components"][0]["name"], "us");
        assert!(bill.get("serialNumber").is_none() && !text.contains("timestamp"), "{text}");
    }

    #[test]
    fn a_licence_is_an_expression_or_a_name() {
        for (text, expression) in [
            ("MIT", "MIT"),
            ("MIT/Apache-2.0", "MIT OR Apache-2.0"),
            ("(MIT OR Apache-2.0) AND Unicode-3.0", "(MIT OR Apache-2.0) AND Unicode-3.0"),
            ("Apache-2.0 WITH LLVM-exception", "Apache-2.0 WITH LLVM-exception"),
        ] {
            assert_eq!(licences(text)[0]["expression"], expression);
        }
        for text in ["SEE LICENSE IN https://a.example/b", "MIT License", "UNLICENSED", ""] {
            assert_eq!(licences(text)[0]["license"]["name"], text);
        }
    }
}
