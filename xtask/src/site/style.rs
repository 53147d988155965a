//! The style sheets: one file, in the order of the cascade, without comments and spare blanks.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result};

/// The order in which layers win, the last one over all before it.
const LAYERS: &str = "@layer reset, tokens, base, components, pages;";

/// The style sheets below `style` as one: `tokens.css`, `base.css`, then `components/` and
/// `pages/` by name. Every file opens the layer it belongs to itself.
///
/// # Errors
/// When a file cannot be read, or rules stand outside every layer: they would win over all.
pub(crate) fn bundle(style: &Path) -> Result<String> {
    let mut paths = vec![style.join("tokens.css"), style.join("base.css")];
    for folder in ["components", "pages"] {
        let files = files_below(&style.join(folder))?;
        paths.extend(files.into_iter().filter(|path| path.extension().is_some_and(|e| e == "css")));
    }
    let mut bundle = LAYERS.to_owned();
    for path in paths {
        let text =
            fs::read_to_string(&path).with_context(|| format!("cannot read {}", path.display()))?;
        let text = squeeze(&text);
        anyhow::ensure!(
            text.is_empty() || text.starts_with("@layer "),
            "{} must open with @layer",
            path.display()
        );
        bundle.push_str(&text);
    }
    bundle.push('\n');
    Ok(bundle)
}

/// All files below a folder, by name; none when there is no such folder.
pub(crate) fn files_below(folder: &Path) -> Result<Vec<PathBuf>> {
    let mut found = Vec::new();
    let Ok(entries) = fs::read_dir(folder) else { return Ok(found) };
    for entry in entries {
        let path = entry?.path();
        if path.is_dir() {
            found.extend(files_below(&path)?);
        } else {
            found.push(path);
        }
    }
    found.sort();
    Ok(found)
}

/// Takes comments and blanks that mean nothing out of a style sheet.
///
/// Blanks beside `:`, `>`, `+` and the like stay: there they can mean something.
fn squeeze(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut rest = text.chars().peekable();
    while let Some(char) = rest.next() {
        match char {
            '/' if rest.peek() == Some(&'*') => {
                rest.next();
                let mut before = ' ';
                for inside in rest.by_ref() {
                    if before == '*' && inside == '/' {
                        break;
                    }
                    before = inside;
                }
            }
            '"' | '\'' => {
                out.push(char);
                let mut escaped = false;
                for inside in rest.by_ref() {
                    out.push(inside);
                    if inside == char && !escaped {
                        break;
                    }
                    escaped = inside == '\\' && !escaped;
                }
            }
            _ if char.is_whitespace() => {
                if !out.is_empty() && !out.ends_with(['{', '}', ';', ',', ' ']) {
                    out.push(' ');
                }
            }
            '{' | '}' | ';' | ',' => {
                if out.ends_with(' ') {
                    out.pop();
                }
                if char == '}' && out.ends_with(';') {
                    out.pop();
                }
                out.push(char);
            }
            _ => out.push(char),
        }
    }
    out.truncate(out.trim_end().len());
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn blanks_and_comments_go_and_meaning_stays() {
        let written = "/* why */\n@layer base {\n  a :hover ,\n  b > c {\n    color : red;\n    margin: 0 auto;\n  }\n}\n";
        assert_eq!(squeeze(written), "@layer base{a :hover,b > c{color : red;margin: 0 auto}}");
    }

    #[test]
    fn strings_are_left_alone() {
        let written = r#"a { content: "/* ; } \" { " ; }"#;
        assert_eq!(squeeze(written), r#"a{content: "/* ; } \" { "}"#);
    }

    #[test]
    fn layers_come_in_the_order_of_the_cascade() {
        let style = tempfile::tempdir().unwrap();
        fs::create_dir_all(style.path().join("components")).unwrap();
        fs::write(style.path().join("tokens.css"), "@layer tokens { :root { --a: 1 } }").unwrap();
        fs::write(style.path().join("base.css"), "@layer base { p { margin: 0 } }").unwrap();
        fs::write(style.path().join("components/b.css"), "@layer components { b { top: 0 } }")
            .unwrap();
        fs::write(style.path().join("components/a.css"), "").unwrap();
        let bundle = bundle(style.path()).unwrap();
        let expected = "@layer tokens{:root{--a: 1}}@layer base{p{margin: 0}}\
                        @layer components{b{top: 0}}\n";
        assert_eq!(bundle, format!("{LAYERS}{expected}"));
    }

    #[test]
    fn a_rule_outside_every_layer_is_refused() {
        let style = tempfile::tempdir().unwrap();
        fs::write(style.path().join("tokens.css"), "p { margin: 0 }").unwrap();
        let error = bundle(style.path()).unwrap_err().to_string();
        assert!(error.contains("tokens.css must open with @layer"), "{error}");
    }
}
