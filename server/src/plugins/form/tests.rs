//! Forms of schemas, and what comes back from them.

use myrelay_app::contract::{SettingField, SettingInput};
use myrelay_plugin_package::{ConfigSchema, SettingsProblem};
use serde_json::{Value, json};

use super::{Typed, draw, fields, names, read, typed};

/// A schema with one setting of every kind.
fn schema() -> Value {
    json!({
        "type": "object", "additionalProperties": false, "required": ["url", "sender"],
        "properties": {
            "url": { "type": "string", "title": "Address", "format": "uri", "minLength": 3 },
            "note": { "type": "string", "maxLength": 2000, "default": "Hello" },
            "stream": { "type": "string", "pattern": "^[a-z]+$", "default": "outbound" },
            "tries": { "type": "integer", "minimum": 0, "maximum": 9, "default": 3 },
            "rate": { "type": "number" },
            "loud": { "type": "boolean", "default": true },
            "coin": { "enum": ["BTC", "XMR", 7] },
            "size": { "type": "string", "oneOf": [
                { "const": "s", "title": "Small" }, { "const": "l", "title": "Large" },
            ] },
            "form": { "const": "v1" },
            "tags": { "type": "array", "items": { "type": "string" }, "maxItems": 3 },
            "ports": { "type": "array", "items": { "type": "integer" } },
            "odd": { "oneOf": [{ "type": "string" }, { "type": "array" }] },
            "a/b~c": { "type": "string" },
            "sender": { "type": "object", "required": ["address"], "properties": {
                "address": { "type": "string" }, "name": { "type": "string" },
            } },
            "proxy": { "type": "object", "required": ["host"], "additionalProperties": false,
                "properties": { "host": { "type": "string" }, "secure": { "type": "boolean" } } },
            "headers": { "type": "object", "additionalProperties": { "type": "string" },
                "properties": { "first": { "type": "string" } } },
        }
    })
}

/// Settings that use all of it.
fn settings() -> Value {
    json!({
        "url": "https://a.example", "note": "Two\nlines", "stream": "mine", "tries": 0,
        "rate": 0.5, "loud": false, "coin": 7, "size": "l", "form": "v1",
        "tags": ["a b", "c"], "ports": [1, -2], "odd": ["x"], "a/b~c": "slash",
        "sender": { "address": "a@b", "name": "Ana" },
        "proxy": { "host": "p", "secure": true },
        "headers": { "first": "1", "x-more": "2" },
    })
}

fn by_key(all: &[SettingField], label: &str) -> SettingField {
    let inside = |it: &SettingField| match &it.input {
        SettingInput::Group(inside) => inside.clone(),
        _ => Vec::new(),
    };
    let mut flat: Vec<SettingField> = all.iter().flat_map(inside).collect();
    flat.extend(all.iter().cloned());
    flat.into_iter().find(|it| it.label == label).unwrap_or_else(|| panic!("no {label}"))
}

fn drawn(settings: &Value, problems: &[SettingsProblem]) -> (Vec<SettingField>, Vec<String>) {
    let fields = fields(&schema().to_string(), settings);
    draw(&fields, &typed(&fields, settings), problems)
}

#[test]
fn what_a_form_shows_comes_back_the_same() {
    let (schema, settings) = (schema(), settings());
    let judge = ConfigSchema::parse(&schema.to_string()).unwrap();
    assert_eq!(judge.problems(&settings), []);
    let fields = fields(&schema.to_string(), &settings);
    let typed = typed(&fields, &settings);
    let (back, problems) = read(&fields, &typed);
    assert_eq!((back, problems), (settings, Vec::new()));
    // A browser sends lines as HTTP has them, and only fields that there are.
    let lines = typed.iter().map(|(name, it)| (name.clone(), it.replace('\n', "\r\n")));
    let (back, _) = read(&fields, &lines.collect());
    assert_eq!(back["note"], "Two\nlines");
    assert!(typed.keys().all(|it| names(&fields).contains(&it.as_str())));
}

#[test]
fn each_setting_is_asked_for_as_its_schema_says() {
    let (all, _) = drawn(&settings(), &[]);
    let input = |label: &str| by_key(&all, label).input;
    assert_eq!(input("Address"), SettingInput::Text("url".to_owned()));
    assert_eq!(input("note"), SettingInput::Long);
    assert_eq!(input("tries"), SettingInput::Number);
    assert_eq!(input("loud"), SettingInput::Check);
    let words = |label: &str| match input(label) {
        SettingInput::Choice(all) => all.into_iter().map(|it| it.1).collect::<Vec<_>>(),
        other => panic!("{label}: {other:?}"),
    };
    assert_eq!(words("coin"), ["BTC", "XMR", "7"]);
    assert_eq!(words("size"), ["Small", "Large"]);
    assert_eq!(words("form"), ["v1"]);
    assert_eq!(input("tags"), SettingInput::Lines);
    assert_eq!(by_key(&all, "tags").value, "a b\nc");
    assert_eq!(input("odd"), SettingInput::Json);
    assert!(matches!(input("sender"), SettingInput::Group(inside) if inside.len() == 2));
    let tries = by_key(&all, "tries");
    assert_eq!((tries.least.as_deref(), tries.most.as_deref()), (Some("0"), Some("9")));
    assert_eq!((tries.default.as_deref(), tries.required), (Some("3"), false));
    assert!(by_key(&all, "Address").required);
    // What the schema does not name of an object is asked for as JSON.
    let rest = by_key(&all, "");
    assert_eq!(
        (rest.input, rest.value.as_str()),
        (SettingInput::Rest, "{\n  \"x-more\": \"2\"\n}")
    );
}

#[test]
fn what_an_input_cannot_show_is_asked_for_as_json() {
    let odd = json!({ "url": "a\r", "tags": ["a\nb"], "ports": [1], "coin": "none", "sender": 7 });
    let fields = fields(&schema().to_string(), &odd);
    let (all, _) = draw(&fields, &typed(&fields, &odd), &[]);
    for label in ["Address", "tags", "coin", "sender"] {
        assert_eq!(by_key(&all, label).input, SettingInput::Json, "{label}");
    }
    let (back, problems) = read(&fields, &typed(&fields, &odd));
    assert_eq!(problems, []);
    for name in ["url", "tags", "ports", "coin", "sender"] {
        assert_eq!(back[name], odd[name], "{name}");
    }
}

#[test]
fn settings_stand_in_the_order_of_their_author() {
    let schema = r#"{
        "title": "T", "type": "object", "required": [], "additionalProperties": false,
        "properties": {
            "zone": { "type": "string", "enum": ["a", 1, null, true, 0.5] },
            "it": { "type": "object", "properties": { "y": true, "x": { "type": "string" } } },
            "age": { "type": "integer" }
        }
    }"#;
    let fields = fields(schema, &json!({}));
    let (all, _) = draw(&fields, &Typed::new(), &[]);
    let labels: Vec<_> = all.iter().map(|it| it.label.as_str()).collect();
    assert_eq!(labels, ["zone", "it", "age"]);
    let SettingInput::Group(inside) = &all[1].input else { panic!("{all:?}") };
    let labels: Vec<_> = inside.iter().map(|it| it.label.as_str()).collect();
    assert_eq!(labels, ["y", "x"]);
}

#[test]
fn nothing_typed_is_nothing_said() {
    let fields = fields(&schema().to_string(), &json!({}));
    let (settings, problems) = read(&fields, &Typed::new());
    assert_eq!(problems, []);
    // A text whose default is another says that it is empty; what may be left out is; and what is
    // needed is there, so that its parts are missing and not the whole.
    let expected = json!({ "note": "", "loud": false, "sender": {} });
    assert_eq!(settings, expected);
    let judge = ConfigSchema::parse(&schema().to_string()).unwrap();
    let filled = judge.with_defaults(&settings);
    assert_eq!((&filled["stream"], &filled["tries"]), (&json!("outbound"), &json!(3)));
    let mut places: Vec<_> = judge.problems(&filled).into_iter().map(|it| it.place).collect();
    places.sort_unstable();
    assert_eq!(places, ["/sender/address", "/url"]);
}

#[test]
fn what_is_no_number_no_json_and_none_of_these_is_told_at_its_place() {
    let fields = fields(&schema().to_string(), &json!({}));
    let (all, _) = draw(&fields, &Typed::new(), &[]);
    let typed: Typed = [
        ("tries", "three"),
        ("rate", "1,5"),
        ("coin", "\"LTC\""),
        ("ports", "1\n\ntwo"),
        ("odd", "{"),
        ("", "[]"),
    ]
    .map(|(label, text)| (by_key(&all, label).name, text.to_owned()))
    .into();
    let (_, problems) = read(&fields, &typed);
    let places: Vec<_> = problems.iter().map(|it| it.place.as_str()).collect();
    assert_eq!(places, ["/coin", "/headers", "/odd", "/ports", "/rate", "/tries"]);
    assert!(problems[3].message.contains("line 2"), "{problems:?}");
    let (all, others) = draw(&fields, &typed, &problems);
    assert_eq!(others, Vec::<String>::new());
    assert_eq!(by_key(&all, "tries").error.as_deref(), Some("expected a whole number"));
    assert_eq!(by_key(&all, "tries").value, "three", "what was typed is still there");
    let twice: Typed = [(by_key(&all, "").name, "{\"first\": \"1\"}".to_owned())].into();
    assert!(read(&fields, &twice).1[0].message.contains("a field of its own"));
}

#[test]
fn a_problem_stands_beside_the_field_in_which_its_pointer_ends() {
    let problem = |place: &str| SettingsProblem::new(place, "it is bad");
    for (place, label, text) in [
        ("/url", "Address", "it is bad"),
        ("/a~1b~0c", "a/b~c", "it is bad"),
        ("/sender/address", "address", "it is bad"),
        ("/sender", "sender", "it is bad"),
        ("/sender/other", "sender", "at other: it is bad"),
        ("/tags/1", "tags", "line 2: it is bad"),
        ("/odd/0/deep", "odd", "at 0/deep: it is bad"),
        ("/headers/x-more", "", "at x-more: it is bad"),
    ] {
        let (all, others) = drawn(&settings(), &[problem(place)]);
        assert_eq!(others, Vec::<String>::new(), "{place}");
        assert_eq!(by_key(&all, label).error.as_deref(), Some(text), "{place}");
    }
    for place in ["", "/unknown", "/urls", "url"] {
        let (_, others) = drawn(&settings(), &[problem(place)]);
        assert_eq!(others.len(), 1, "{place}");
    }
}

#[test]
fn a_schema_that_is_too_large_or_too_deep_is_json() {
    let many: serde_json::Map<_, _> =
        (0..300).map(|it| (format!("p{it}"), json!({ "type": "string" }))).collect();
    let schema = json!({ "type": "object", "properties": many });
    let settings = json!({ "p7": "x" });
    let fields = fields(&schema.to_string(), &settings);
    assert_eq!(names(&fields), ["setting-0"]);
    assert_eq!(read(&fields, &typed(&fields, &settings)).0, settings);
    let (_, others) = draw(&fields, &Typed::new(), &[SettingsProblem::new("/p7", "bad")]);
    assert_eq!(others, Vec::<String>::new());

    let mut deep = json!({ "type": "object", "properties": { "it": { "type": "string" } } });
    for _ in 0..10 {
        deep = json!({ "type": "object", "properties": { "it": deep } });
    }
    let fields = super::fields(&deep.to_string(), &json!({}));
    assert_eq!(names(&fields).len(), 1);
    assert_eq!(names(&super::fields("{ \"type\": \"object\" }", &json!({}))), ["setting-0"]);
}

#[test]
fn a_group_that_may_be_left_out_is_and_what_is_unticked_stays_so() {
    let schema = json!({ "type": "object", "properties": {
        "tls": { "type": "object", "properties": {
            "verify": { "type": "boolean", "default": true },
        } },
        "proxy": { "type": "object", "required": ["host"], "properties": {
            "host": { "type": "string" },
            "scheme": { "enum": ["http", "https"], "default": "https" },
            "verify": { "type": "boolean", "default": true },
        } },
    } });
    let fields = fields(&schema.to_string(), &json!({}));
    // As it is drawn where nothing is set: what would be so anyway is ticked and chosen.
    let shown = typed(&fields, &json!({}));
    let (all, _) = draw(&fields, &shown, &[]);
    let of_proxy = |label: &str| {
        let SettingInput::Group(inside) = by_key(&all, "proxy").input else { panic!("a group") };
        by_key(&inside, label)
    };
    assert_eq!(of_proxy("scheme").value, "\"https\"");
    assert!(!of_proxy("verify").value.is_empty());
    assert_eq!(read(&fields, &shown), (json!({}), Vec::new()), "nobody wants a proxy");

    let SettingInput::Group(tls) = by_key(&all, "tls").input else { panic!("a group") };
    let mut unticked = shown.clone();
    unticked.remove(&tls[0].name);
    assert_eq!(read(&fields, &unticked).0, json!({ "tls": { "verify": false } }));

    let mut with_host = shown;
    with_host.insert(of_proxy("host").name, "p.example".to_owned());
    let proxy = json!({ "host": "p.example", "scheme": "https", "verify": true });
    assert_eq!(read(&fields, &with_host).0, json!({ "proxy": proxy }));
}
