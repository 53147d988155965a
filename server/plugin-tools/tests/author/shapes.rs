//! What the SDK in JavaScript knows of a plugin's answers is what `plugins/wit/v1` says.

use std::{collections::BTreeMap, path::Path};

use wit_parser::{Function, Resolve, Type, TypeDef, TypeDefKind, TypeId, TypeOwner, WorldKey};

use crate::{is_as_published, types::camel};

const HEAD: &str = "//! What functions of plugins answer, as plugins/wit/v1 says it. A test of server/plugin-tools writes
//! this file.

/**
 * A type: a word of JavaScript's, `bytes`, the name of another type, or what it is made of.
 * @typedef {string
 *   | { option: Shape }
 *   | { list: Shape }
 *   | { tuple: Shape[] }
 *   | { record: Record<string, Shape> }
 *   | { cases: string[] }
 *   | { variant: Record<string, Shape | null> }} Shape
 */
";

/// Types as JavaScript has them, and those with names, by which others mean them.
struct Shapes<'a> {
    resolve: &'a Resolve,
    types: BTreeMap<String, String>,
}

impl<'a> Shapes<'a> {
    fn of(&mut self, ty: &Type) -> String {
        match ty {
            Type::Bool => "\"boolean\"".to_owned(),
            Type::String | Type::Char => "\"string\"".to_owned(),
            Type::Id(id) => self.of_id(*id),
            _ => "\"number\"".to_owned(),
        }
    }

    fn of_id(&mut self, id: TypeId) -> String {
        let resolve: &'a Resolve = self.resolve;
        let def = &resolve.types[id];
        match &def.kind {
            // It is of another interface, or another word for something.
            TypeDefKind::Type(of) => self.of(of),
            TypeDefKind::List(Type::U8) => "\"bytes\"".to_owned(),
            TypeDefKind::List(of) => format!("{{ list: {} }}", self.of(of)),
            TypeDefKind::Option(of) => format!("{{ option: {} }}", self.of(of)),
            TypeDefKind::Tuple(it) => {
                let types: Vec<String> = it.types.iter().map(|it| self.of(it)).collect();
                format!("{{ tuple: [{}] }}", types.join(", "))
            }
            _ => self.named(def),
        }
    }

    fn named(&mut self, def: &'a TypeDef) -> String {
        let TypeOwner::Interface(owner) = def.owner else { panic!("it is of no interface") };
        let interface = self.resolve.interfaces[owner].name.as_deref().unwrap();
        let name = format!("{interface}/{}", def.name.as_deref().unwrap());
        let made_of = self.made_of(def);
        let shown = format!("\"{name}\"");
        self.types.insert(name, made_of);
        shown
    }

    fn made_of(&mut self, def: &'a TypeDef) -> String {
        match &def.kind {
            TypeDefKind::Record(record) => {
                let fields = record.fields.iter();
                let fields =
                    fields.map(|it| format!("      {}: {},\n", camel(&it.name), self.of(&it.ty)));
                format!("{{\n    record: {{\n{}    }},\n  }}", fields.collect::<String>())
            }
            TypeDefKind::Enum(cases) => {
                let cases = cases.cases.iter().map(|it| format!("\"{}\"", it.name));
                format!("{{ cases: [{}] }}", cases.collect::<Vec<_>>().join(", "))
            }
            TypeDefKind::Variant(variant) => {
                let cases = variant.cases.iter().map(|it| {
                    let holds = it.ty.map_or("null".to_owned(), |ty| self.of(&ty));
                    format!("      \"{}\": {holds},\n", it.name)
                });
                format!("{{\n    variant: {{\n{}    }},\n  }}", cases.collect::<String>())
            }
            other => panic!("{} is new: say what it is in JavaScript", other.as_str()),
        }
    }
}

/// What a function answers where it does not fail.
fn answer(resolve: &Resolve, function: &Function) -> Option<Type> {
    let ty = function.result?;
    let Type::Id(id) = ty else { return Some(ty) };
    match &resolve.types[id].kind {
        TypeDefKind::Result(result) => result.ok,
        _ => Some(ty),
    }
}

/// What all functions answer that plugins export, and what they throw.
fn javascript(wit: &Path) -> String {
    let mut resolve = Resolve::default();
    resolve.push_dir(wit).unwrap();
    let mut shapes = Shapes { resolve: &resolve, types: BTreeMap::new() };
    let mut answers = BTreeMap::new();
    for (_, world) in &resolve.worlds {
        for key in world.exports.keys() {
            let WorldKey::Interface(id) = key else { continue };
            for function in resolve.interfaces[*id].functions.values() {
                let Some(ty) = answer(&resolve, function) else { continue };
                let shape = shapes.of(&ty);
                let before = answers.insert(camel(&function.name), shape.clone());
                let is_one = before.is_none_or(|it| it == shape);
                assert!(is_one, "two functions {} answer something", function.name);
            }
        }
    }
    let errors = resolve.types.iter().filter(|(_, it)| it.name.as_deref() == Some("error"));
    let mut errors = errors.filter(|(_, it)| matches!(it.kind, TypeDefKind::Record(_)));
    shapes.named(errors.next().unwrap().1);
    let answers = answers.iter().map(|(name, shape)| format!("  {name}: {shape},\n"));
    let types = shapes.types.iter().map(|(name, shape)| format!("  \"{name}\": {shape},\n"));
    format!(
        "{HEAD}\n/** By the function. @type {{Record<string, Shape>}} */\nexport const answers = {{\n{}}};\n\
         \n/** By interface and name. @type {{Record<string, Shape>}} */\nexport const types = {{\n{}}};\n",
        answers.collect::<String>(),
        types.collect::<String>()
    )
}

#[test]
fn the_answers_are_those_of_the_published_interface() {
    is_as_published("plugins/sdk-js/shapes.js", javascript);
}
