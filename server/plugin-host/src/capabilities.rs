//! What a component imports against what it was granted.

use wasmtime::component::Linker;

use crate::{
    bindings::{
        billing_types, clock, config, context, crypto, http, kv, log, random, secrets, types,
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
const IMPORTS: [Import; 11] = [
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
        is_asked: |it| !it.http.is_empty(),
        is_granted: |it| !it.http.is_empty(),
        link: |linker| http::add_to_linker::<_, Own>(linker, |it| it),
    },
];

/// Whether a component may import these interfaces; otherwise the first that it may not, and what
/// would allow it.
pub(crate) fn check(
    imports: &[String],
    manifest: &Manifest,
    grants: &Grants,
) -> Result<(), String> {
    for import in imports {
        let shown = crate::text::line(import, 100);
        let name = import.strip_prefix(PACKAGE).and_then(|it| it.split_once('@'));
        let known = name.and_then(|(name, version)| {
            let known = IMPORTS.iter().find(|it| it.name == name);
            known.filter(|_| version.starts_with("1."))
        });
        let Some(known) = known else {
            let advice = if import.starts_with("wasi:") {
                "build it without WASI"
            } else {
                "plugins import interfaces of myrelay:plugin@1 only"
            };
            return Err(format!("the component imports {shown}: {advice}"));
        };
        let line = known.line.unwrap_or_default();
        if !(known.is_asked)(manifest) {
            return Err(format!(
                "the component imports {shown}, and plugin.toml does not ask for it: add {line}"
            ));
        }
        if !(known.is_granted)(grants) {
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
