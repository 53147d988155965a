//! What a component imports against what it was granted.

use wasmtime::component::Linker;

use crate::{
    bindings::{
        billing_types, clock, config, context, crypto, http, kv, log, random, secrets, smtp, types,
    },
    manifest::Manifest,
    rights::Grants,
    state::{CallState, Own},
};

const PACKAGE: &str = "myrelay:plugin/";

/// An interface that components import.
struct Import {
    name: &'static str,
    /// The line of plugin.toml that asks for it; none for what every plugin has.
    line: Option<&'static str>,
    is_asked: fn(&Manifest) -> bool,
    is_granted: fn(&Grants) -> bool,
    link: fn(&mut Linker<CallState>) -> wasmtime::Result<()>,
}

/// One that every plugin may import.
const fn free(
    name: &'static str,
    link: fn(&mut Linker<CallState>) -> wasmtime::Result<()>,
) -> Import {
    Import { name, line: None, is_asked: |_| true, is_granted: |_| true, link }
}

/// Every interface that can be imported.
const IMPORTS: [Import; 12] = [
    free("types", |linker| types::add_to_linker::<_, Own>(linker, |it| it)),
    free("billing-types", |linker| billing_types::add_to_linker::<_, Own>(linker, |it| it)),
    free("log", |linker| log::add_to_linker::<_, Own>(linker, |it| it)),
    free("config", |linker| config::add_to_linker::<_, Own>(linker, |it| it)),
    free("context", |linker| context::add_to_linker::<_, Own>(linker, |it| it)),
    free("clock", |linker| clock::add_to_linker::<_, Own>(linker, |it| it)),
    free("random", |linker| random::add_to_linker::<_, Own>(linker, |it| it)),
    Import {
        name: "kv",
        line: Some("[capabilities] kv = {}"),
        is_asked: |it| it.kv.is_some(),
        is_granted: |it| it.kv,
        link: |linker| kv::add_to_linker::<_, Own>(linker, |it| it),
    },
    Import {
        name: "secrets",
        line: Some("[[secrets]] with name and use"),
        is_asked: |it| !it.secrets.is_empty(),
        is_granted: |it| !it.secrets.is_empty(),
        link: |linker| secrets::add_to_linker::<_, Own>(linker, |it| it),
    },
    Import {
        name: "crypto",
        line: Some("[capabilities] crypto = true"),
        is_asked: |it| it.crypto,
        is_granted: |it| it.crypto,
        link: |linker| crypto::add_to_linker::<_, Own>(linker, |it| it),
    },
    Import {
        name: "http",
        line: Some("[[capabilities.http]] with host, methods, path_prefix and reason"),
        is_asked: |it| it.http.iter().any(|it| it.rule.scheme.security().is_none()),
        is_granted: |it| !it.http.is_empty(),
        link: |linker| http::add_to_linker::<_, Own>(linker, |it| it),
    },
    Import {
        name: "smtp",
        line: Some("[[capabilities.smtp]] with host, port, security and reason"),
        is_asked: |it| it.http.iter().any(|it| it.rule.scheme.security().is_some()),
        // One of several ways out: each request and each mail is judged by itself.
        is_granted: |it| !it.http.is_empty(),
        link: |linker| smtp::add_to_linker::<_, Own>(linker, |it| it),
    },
];

/// Why a plugin with this manifest may not import an interface, if it may not.
fn objection(import: &str, manifest: &Manifest) -> Option<String> {
    let shown = crate::text::line(import, 100);
    let Some(known) = known(import) else {
        let advice = if import.starts_with("wasi:") {
            "build it without WASI"
        } else {
            "plugins import interfaces of myrelay:plugin@1 only"
        };
        return Some(format!("the component imports {shown}: {advice}"));
    };
    let line = known.line.unwrap_or_default();
    (!(known.is_asked)(manifest)).then(|| {
        format!("the component imports {shown}, and plugin.toml does not ask for it: add {line}")
    })
}

fn known(import: &str) -> Option<&'static Import> {
    let (name, version) = import.strip_prefix(PACKAGE)?.split_once('@')?;
    IMPORTS.iter().find(|it| it.name == name).filter(|_| version.starts_with("1."))
}

/// Everything that a component imports and its manifest does not ask for, each with what to do
/// about it.
#[must_use]
pub fn undeclared(imports: &[String], manifest: &Manifest) -> Vec<String> {
    imports.iter().filter_map(|import| objection(import, manifest)).collect()
}

/// The interfaces that a manifest asks for and the component does not import: less to grant.
#[must_use]
pub fn unused(imports: &[String], manifest: &Manifest) -> Vec<&'static str> {
    let imported =
        |name: &str| imports.iter().any(|it| known(it).is_some_and(|it| it.name == name));
    // A secret is also used by naming it to `http` or `crypto`.
    let optional = IMPORTS.iter().filter(|it| it.line.is_some() && it.name != "secrets");
    let asked = optional.filter(|it| (it.is_asked)(manifest) && !imported(it.name));
    asked.map(|it| it.name).collect()
}

/// Whether a component may import these interfaces; otherwise the first that it may not, and what
/// would allow it.
pub(crate) fn check(
    imports: &[String],
    manifest: &Manifest,
    grants: &Grants,
) -> Result<(), String> {
    for import in imports {
        if let Some(objection) = objection(import, manifest) {
            return Err(objection);
        }
        let refused = known(import).filter(|it| !(it.is_granted)(grants));
        if let Some(line) = refused.map(|it| it.line.unwrap_or_default()) {
            let shown = crate::text::line(import, 100);
            return Err(format!(
                "the component imports {shown}, and the operator has not granted it; \
                 plugin.toml asks for it with {line}"
            ));
        }
    }
    Ok(())
}

/// A linker with exactly what this installation was granted.
pub(crate) fn linker(
    engine: &wasmtime::Engine,
    manifest: &Manifest,
    grants: &Grants,
) -> wasmtime::Result<Linker<CallState>> {
    let mut linker = Linker::new(engine);
    for import in &IMPORTS {
        if (import.is_asked)(manifest) && (import.is_granted)(grants) {
            (import.link)(&mut linker)?;
        }
    }
    Ok(linker)
}
