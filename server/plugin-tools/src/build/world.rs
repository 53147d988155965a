//! The world of one plugin: what `plugin.toml` says that it is, and no import that it
//! does not ask for or use. Engines of other languages import the whole of their world.

use std::{fmt::Write as _, fs, path::Path};

use anyhow::{Context as _, Result};
use myrelay_plugin_host::{Kind, Manifest, undeclared};

use crate::interface::WIT;

/// What the world is called.
pub(crate) const NAME: &str = "this-plugin";

/// Everything that plugins may import.
const IMPORTS: [&str; 10] =
    ["log", "config", "context", "clock", "random", "kv", "secrets", "crypto", "http", "smtp"];

/// An interface's whole name.
fn whole(name: &str) -> String {
    format!("myrelay:plugin/{name}@1.0.0")
}

/// Those that a manifest asks for, and that every plugin may import.
pub(crate) fn asked(manifest: &Manifest) -> Vec<String> {
    let is_asked = |name: &String| undeclared(std::slice::from_ref(name), manifest).is_empty();
    IMPORTS.into_iter().map(whole).filter(is_asked).collect()
}

/// Writes the interface and this plugin's world into a folder, for the tools to read.
pub(crate) fn write(folder: &Path, imports: &[String], manifest: &Manifest) -> Result<()> {
    let shown = folder.display();
    fs::create_dir_all(folder).with_context(|| format!("cannot make {shown}"))?;
    for (path, text) in WIT {
        let name = path.rsplit('/').next().unwrap_or(path);
        fs::write(folder.join(name), text).with_context(|| format!("cannot write into {shown}"))?;
    }
    fs::write(folder.join("this-plugin.wit"), text(imports, manifest))
        .with_context(|| format!("cannot write into {shown}"))
}

/// The interfaces that a plugin has to export, by their short names.
pub(crate) fn exports(manifest: &Manifest) -> Vec<&'static str> {
    let mut exports = vec!["lifecycle"];
    for kind in &manifest.kinds {
        exports.extend(match kind {
            Kind::Billing => &["billing", "webhooks"][..],
            Kind::Notification => &["notifier"],
            Kind::Event => &["events"],
            Kind::Invoicing => &["invoicing"],
        });
    }
    if !manifest.jobs.is_empty() {
        exports.push("jobs");
    }
    exports
}

fn text(imports: &[String], manifest: &Manifest) -> String {
    let mut text = format!("package myrelay:plugin@1.0.0;\n\nworld {NAME} {{\n");
    for import in imports {
        // It is of the same package, which knows it by its short name.
        let name = import.strip_prefix("myrelay:plugin/").unwrap_or(import);
        let name = name.split('@').next().unwrap_or(name);
        let _infallible = writeln!(text, "    import {name};");
    }
    for export in exports(manifest) {
        let _infallible = writeln!(text, "    export {export};");
    }
    text + "}\n"
}

#[cfg(test)]
mod tests {
    use super::*;

    fn manifest(more: &str) -> Manifest {
        let text = "manifest = 1\n[plugin]\nid = \"org.example.it\"\nname = \"It\"\n\
            version = \"0.1.0\"\nkind = [\"event\"]\napi = \"1.0\"\n";
        Manifest::parse(&format!("{text}{more}")).unwrap()
    }

    #[test]
    fn a_world_has_what_is_used_and_what_it_has_to_export() {
        let little = manifest("");
        let kv = ["myrelay:plugin/kv@1.0.0".to_owned()];
        let more = manifest("[[jobs]]\nname = \"tidy\"\ncron = \"1 2 * * *\"\n");
        let world = text(&kv, &more);
        for line in ["import kv;", "export lifecycle;", "export events;", "export jobs;"] {
            assert!(world.contains(line), "{world}");
        }
        assert!(!world.contains("http") && !text(&[], &little).contains("jobs"), "{world}");
    }

    #[test]
    fn what_is_asked_for_is_imported_and_no_more() {
        let little = manifest("");
        let five = ["log", "config", "context", "clock", "random"].map(whole);
        assert_eq!(asked(&little), five);
        let more = manifest(
            "[capabilities]\nkv = {}\ncrypto = true\n[[secrets]]\nname = \"key\"\n\
             use = [{ hmac = true }]\n[[jobs]]\nname = \"tidy\"\ncron = \"1 2 * * *\"\n",
        );
        assert_eq!(asked(&more)[5..], ["kv", "secrets", "crypto"].map(whole));
        let mails = manifest(
            "[[capabilities.smtp]]\nhost = \"*\"\nsecurity = \"tls\"\nreason = \"Mails\"\n",
        );
        assert_eq!(asked(&mails)[5..], ["smtp"].map(whole));
    }

    /// Whoever adds an interface adds it here.
    #[test]
    fn every_import_of_the_interface_is_known() {
        let worlds = include_str!("../../../../plugins/wit/v1/worlds.wit");
        let named = worlds.lines().filter_map(|it| it.trim().strip_prefix("import "));
        let named: Vec<&str> = named.map(|it| it.trim_end_matches(';')).collect();
        // What came later is no part of the worlds, which never change.
        assert_eq!([&named[..], &["smtp"]].concat(), IMPORTS);
    }
}
