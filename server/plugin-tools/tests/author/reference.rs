//! What `docs/plugin-interface.md` says of the interface is what `plugins/wit/v1` says.

use std::{collections::BTreeSet, fmt::Write as _, path::Path};

use wit_parser::{
    Docs, Function, Interface, Resolve, Type, TypeDef, TypeDefKind, TypeOwner, WorldKey,
};

use crate::is_as_published;

const HEAD: &str = "# The interface of plugins\n\n\
    `myrelay:plugin@1.0.0`, made of the comments in [plugins/wit/v1](../plugins/wit/v1/worlds.wit), \
    which [never changes](decisions/0033-plugin-interface.md) but for \
    [its words](decisions/0055-words-of-the-interface.md). Names and types are those of WIT: \
    JavaScript writes them in camel case, Rust and Python in their own ways. \
    [The guide](plugins.md) says how plugins are written, and \
    [which functions the portal calls](plugins.md#what-this-portal-calls) today.\n";

/// What came after the worlds, which never change, and is implemented by plugins.
const IMPLEMENTED_LATER: &str = "jobs";

/// A description as one line of a table or a list.
fn line(docs: &Docs) -> String {
    let text = docs.contents.as_deref().unwrap_or_default().trim();
    text.split_whitespace().collect::<Vec<_>>().join(" ").replace('|', "\\|")
}

/// A description in paragraphs.
fn paragraphs(docs: &Docs) -> String {
    let text = docs.contents.as_deref().unwrap_or_default().trim();
    let paragraphs = text.split("\n\n").map(|it| it.split_whitespace().collect::<Vec<_>>());
    paragraphs.map(|it| it.join(" ")).collect::<Vec<_>>().join("\n\n")
}

/// A type as WIT writes it.
fn named(resolve: &Resolve, ty: &Type) -> String {
    let Type::Id(id) = ty else { return format!("{ty:?}").to_lowercase() };
    let def = &resolve.types[*id];
    if let Some(name) = &def.name {
        return name.clone();
    }
    let of = |it: &Option<Type>| it.map_or("_".to_owned(), |it| named(resolve, &it));
    match &def.kind {
        TypeDefKind::List(of) => format!("list<{}>", named(resolve, of)),
        TypeDefKind::Option(of) => format!("option<{}>", named(resolve, of)),
        TypeDefKind::Result(it) if it.err.is_none() => format!("result<{}>", of(&it.ok)),
        TypeDefKind::Result(it) => format!("result<{}, {}>", of(&it.ok), of(&it.err)),
        TypeDefKind::Tuple(it) => {
            let types: Vec<String> = it.types.iter().map(|it| named(resolve, it)).collect();
            format!("tuple<{}>", types.join(", "))
        }
        other => panic!("{} is new: say how it is written", other.as_str()),
    }
}

fn function(resolve: &Resolve, it: &Function) -> String {
    let given = it.params.iter().map(|it| format!("{}: {}", it.name, named(resolve, &it.ty)));
    let given = given.collect::<Vec<_>>().join(", ");
    let answer = it.result.map_or(String::new(), |it| format!(" -> {}", named(resolve, &it)));
    format!("\n### `{}`\n\n`func({given}){answer}`\n\n{}\n", it.name, paragraphs(&it.docs))
}

/// A type with its fields or cases as a table.
fn declaration(resolve: &Resolve, name: &str, def: &TypeDef) -> String {
    let mut rows = String::new();
    let mut row = |name: &str, ty: &str, docs: &Docs| {
        let ty = if ty.is_empty() { String::new() } else { format!("`{ty}`") };
        writeln!(rows, "| `{name}` | {ty} | {} |", line(docs)).unwrap();
    };
    let (kind, head) = match &def.kind {
        TypeDefKind::Record(record) => {
            for it in &record.fields {
                row(&it.name, &named(resolve, &it.ty), &it.docs);
            }
            ("A record", "| field | type | is |")
        }
        TypeDefKind::Enum(cases) => {
            for it in &cases.cases {
                row(&it.name, "", &it.docs);
            }
            ("An enum", "| case | | is |")
        }
        TypeDefKind::Variant(variant) => {
            for it in &variant.cases {
                let ty = it.ty.map_or(String::new(), |it| named(resolve, &it));
                row(&it.name, &ty, &it.docs);
            }
            ("A variant", "| case | holds | is |")
        }
        TypeDefKind::Type(of) => {
            let of = named(resolve, of);
            return format!("\n### `{name}`\n\n`type {name} = {of}`: {}\n", line(&def.docs));
        }
        other => panic!("{} is new: say how it is written", other.as_str()),
    };
    let about = paragraphs(&def.docs);
    format!("\n### `{name}`\n\n{kind}. {about}\n\n{head}\n|---|---|---|\n{rows}")
}

fn is_imported(resolve: &Resolve, interface: &Interface, def: &TypeDef) -> bool {
    let TypeDefKind::Type(Type::Id(of)) = def.kind else { return false };
    let TypeOwner::Interface(owner) = resolve.types[of].owner else { return false };
    resolve.interfaces[owner].name != interface.name
}

fn chapter(resolve: &Resolve, interface: &Interface) -> String {
    let name = interface.name.as_deref().unwrap();
    let mut text = format!("\n## `{name}`\n\n{}\n", paragraphs(&interface.docs));
    for it in interface.functions.values() {
        text += &function(resolve, it);
    }
    let own = interface.types.iter().map(|(name, id)| (name, &resolve.types[*id]));
    for (name, def) in own.filter(|it| !is_imported(resolve, interface, it.1)) {
        text += &declaration(resolve, name, def);
    }
    text
}

/// The whole reference: what plugins implement, what they call, and what both speak of.
fn reference(wit: &Path) -> String {
    let mut resolve = Resolve::default();
    resolve.push_dir(wit).unwrap();
    let mut implemented = BTreeSet::from([IMPLEMENTED_LATER.to_owned()]);
    for (_, world) in &resolve.worlds {
        let exports = world.exports.keys().filter_map(|it| match it {
            WorldKey::Interface(id) => resolve.interfaces[*id].name.clone(),
            WorldKey::Name(_) => None,
        });
        implemented.extend(exports);
    }
    let (mut ours, mut theirs, mut types) = (String::new(), String::new(), String::new());
    for (_, interface) in &resolve.interfaces {
        let part = if interface.functions.is_empty() {
            &mut types
        } else if implemented.contains(interface.name.as_deref().unwrap()) {
            &mut theirs
        } else {
            &mut ours
        };
        *part += &chapter(&resolve, interface);
    }
    format!(
        "{HEAD}\nFirst what plugins implement, then what they call, and what both speak of.\n\
         {theirs}{ours}{types}"
    )
}

/// The items of an interface that nothing is said of.
fn unexplained(resolve: &Resolve, interface: &Interface) -> Vec<String> {
    let of = interface.name.as_deref().unwrap();
    let mut blank = Vec::new();
    let mut look = |name: &str, docs: &Docs| {
        if line(docs).is_empty() {
            blank.push(format!("{of}: {name}"));
        }
    };
    look("itself", &interface.docs);
    for it in interface.functions.values() {
        look(&it.name, &it.docs);
    }
    let own = interface.types.iter().map(|(name, id)| (name, &resolve.types[*id]));
    for (name, def) in own.filter(|it| !is_imported(resolve, interface, it.1)) {
        look(name, &def.docs);
        let parts: Vec<(&String, &Docs)> = match &def.kind {
            TypeDefKind::Record(it) => it.fields.iter().map(|it| (&it.name, &it.docs)).collect(),
            TypeDefKind::Enum(it) => it.cases.iter().map(|it| (&it.name, &it.docs)).collect(),
            TypeDefKind::Variant(it) => it.cases.iter().map(|it| (&it.name, &it.docs)).collect(),
            _ => Vec::new(),
        };
        for (part, docs) in parts {
            look(&format!("{name}.{part}"), docs);
        }
    }
    blank
}

#[test]
fn everything_in_the_interface_is_explained() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    let mut resolve = Resolve::default();
    resolve.push_dir(root.join("plugins/wit/v1")).unwrap();
    let interfaces = resolve.interfaces.iter();
    let mut blank: Vec<String> =
        interfaces.flat_map(|(_, interface)| unexplained(&resolve, interface)).collect();
    let worlds = resolve.worlds.iter().filter(|it| line(&it.1.docs).is_empty());
    blank.extend(worlds.map(|(_, world)| format!("the world {}", world.name)));
    assert!(blank.is_empty(), "plugins/wit/v1 says nothing of:\n{}", blank.join("\n"));
}

#[test]
fn the_reference_is_that_of_the_published_interface() {
    is_as_published("docs/plugin-interface.md", reference);
}
