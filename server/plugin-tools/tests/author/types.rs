//! What editors know of the interface in TypeScript is what `plugins/wit/v1` says.
//!
//! Well-kept generators write other types than the engine hands over: whole numbers are `number`
//! there, and what is absent is `null`.

use std::{fmt::Write as _, path::Path};

use wit_parser::{
    Docs, Function, Handle, Interface, Resolve, Type, TypeDef, TypeDefKind, TypeOwner,
};

use crate::is_as_published;

const HEAD: &str = "//! The interface of plugins/wit/v1 as TypeScript sees it. Whole numbers beyond 2^53 lose their last
//! digits. Functions that fail throw the type that stands in their description.
";

/// `retry-after-ms` as `retryAfterMs`.
pub(crate) fn camel(name: &str) -> String {
    let mut words = name.split('-');
    let first = words.next().unwrap_or_default().to_owned();
    words.fold(first, |text, word| text + &word[..1].to_uppercase() + &word[1..])
}

/// `retry-after-ms` as `RetryAfterMs`.
fn pascal(name: &str) -> String {
    let text = camel(name);
    text[..1].to_uppercase() + &text[1..]
}

/// A description as a comment.
fn comment(docs: &Docs, more: &str, indent: &str) -> String {
    let text = docs.contents.as_deref().unwrap_or_default().trim();
    let mut lines: Vec<&str> = text.lines().map(str::trim_end).collect();
    if !more.is_empty() {
        lines.push(more);
    }
    match &lines[..] {
        [] => String::new(),
        [one] => format!("{indent}/** {one} */\n"),
        many => {
            let lines =
                many.iter().map(|it| format!("{indent} * {it}").trim_end().to_owned() + "\n");
            format!("{indent}/**\n{}{indent} */\n", lines.collect::<String>())
        }
    }
}

/// What TypeScript calls a type.
fn named(resolve: &Resolve, ty: &Type) -> String {
    match ty {
        Type::Bool => "boolean".to_owned(),
        Type::String | Type::Char => "string".to_owned(),
        Type::Id(id) => {
            let def = &resolve.types[*id];
            def.name.as_deref().map_or_else(|| shape(resolve, def), pascal)
        }
        _ => "number".to_owned(),
    }
}

/// What a type without a name of its own consists of.
fn shape(resolve: &Resolve, def: &TypeDef) -> String {
    match &def.kind {
        TypeDefKind::List(Type::U8) => "Uint8Array".to_owned(),
        TypeDefKind::List(of) => format!("Array<{}>", named(resolve, of)),
        TypeDefKind::Option(of) => format!("{} | null", named(resolve, of)),
        TypeDefKind::Tuple(tuple) => {
            let types: Vec<String> = tuple.types.iter().map(|it| named(resolve, it)).collect();
            format!("[{}]", types.join(", "))
        }
        TypeDefKind::Type(of) => named(resolve, of),
        TypeDefKind::Handle(Handle::Own(_) | Handle::Borrow(_)) => panic!("there are no resources"),
        other => panic!("{} is new: say how it is in TypeScript", other.as_str()),
    }
}

/// The declaration of a type.
fn declaration(resolve: &Resolve, name: &str, def: &TypeDef) -> String {
    let mut text = comment(&def.docs, "", "  ");
    let name = pascal(name);
    match &def.kind {
        TypeDefKind::Record(record) => {
            writeln!(text, "  export interface {name} {{").unwrap();
            for field in &record.fields {
                text += &comment(&field.docs, "", "    ");
                let ty = named(resolve, &field.ty);
                writeln!(text, "    {}: {ty};", camel(&field.name)).unwrap();
            }
            text += "  }\n";
        }
        TypeDefKind::Enum(cases) => {
            writeln!(text, "  export type {name} =").unwrap();
            for case in &cases.cases {
                text += &comment(&case.docs, "", "    ");
                writeln!(text, "    | \"{}\"", case.name).unwrap();
            }
            text = text.trim_end().to_owned() + ";\n";
        }
        TypeDefKind::Variant(variant) => {
            writeln!(text, "  export type {name} =").unwrap();
            for case in &variant.cases {
                text += &comment(&case.docs, "", "    ");
                let val = case.ty.map(|it| format!("; val: {}", named(resolve, &it)));
                let val = val.unwrap_or_default();
                writeln!(text, "    | {{ tag: \"{}\"{val} }}", case.name).unwrap();
            }
            text = text.trim_end().to_owned() + ";\n";
        }
        _ => writeln!(text, "  export type {name} = {};", shape(resolve, def)).unwrap(),
    }
    text
}

/// The declaration of a function. An error is what it throws.
fn function(resolve: &Resolve, function: &Function) -> String {
    let mut throws = String::new();
    let answer = function.result.map_or("void".to_owned(), |ty| {
        let Type::Id(id) = ty else { return named(resolve, &ty) };
        let TypeDefKind::Result(result) = &resolve.types[id].kind else {
            return named(resolve, &ty);
        };
        if let Some(error) = &result.err {
            throws = format!("@throws {{{}}}", named(resolve, error));
        }
        result.ok.map_or("void".to_owned(), |it| named(resolve, &it))
    });
    let given = function.params.iter();
    let given: Vec<String> =
        given.map(|it| format!("{}: {}", camel(&it.name), named(resolve, &it.ty))).collect();
    let (name, given) = (camel(&function.name), given.join(", "));
    let docs = comment(&function.docs, &throws, "  ");
    // A word of the language is no name to declare, and still one to export.
    if name == "delete" {
        return format!(
            "{docs}  function remove({given}): {answer};\n  export {{ remove as delete }};\n"
        );
    }
    format!("{docs}  export function {name}({given}): {answer};\n")
}

/// The types that an interface takes from others, as imports.
fn imports(resolve: &Resolve, interface: &Interface) -> String {
    let mut text = String::new();
    for (name, id) in &interface.types {
        let TypeDefKind::Type(Type::Id(of)) = resolve.types[*id].kind else { continue };
        let TypeOwner::Interface(owner) = resolve.types[of].owner else { continue };
        let from = resolve.id_of(owner).unwrap();
        if resolve.interfaces[owner].name != interface.name {
            writeln!(text, "  import type {{ {} }} from \"{from}\";", pascal(name)).unwrap();
        }
    }
    text
}

fn is_imported(resolve: &Resolve, interface: &Interface, def: &TypeDef) -> bool {
    let TypeDefKind::Type(Type::Id(of)) = def.kind else { return false };
    let TypeOwner::Interface(owner) = resolve.types[of].owner else { return false };
    resolve.interfaces[owner].name != interface.name
}

/// All interfaces of a folder of WIT.
fn typescript(wit: &Path) -> String {
    let mut resolve = Resolve::default();
    resolve.push_dir(wit).unwrap();
    let mut text = HEAD.to_owned();
    for (id, interface) in &resolve.interfaces {
        let name = resolve.id_of(id).unwrap();
        text += "\n";
        text += &comment(&interface.docs, "", "");
        writeln!(text, "declare module \"{name}\" {{").unwrap();
        text += &imports(&resolve, interface);
        for (name, id) in &interface.types {
            let def = &resolve.types[*id];
            if !is_imported(&resolve, interface, def) {
                text += &declaration(&resolve, name, def);
            }
        }
        for declared in interface.functions.values() {
            text += &function(&resolve, declared);
        }
        // Only what says so is handed out.
        text += "  export {};\n}\n";
    }
    text
}

#[test]
fn the_types_are_those_of_the_published_interface() {
    is_as_published("plugins/sdk-js/interface.d.ts", typescript);
}
