//! Every door stands in the one table that says whom it is for.

use crate::tree::{read, rust_in};

const TABLE: &str = "server/src/http/routes.rs";

#[test]
fn routes_are_made_from_the_table_alone() {
    for file in rust_in("server/src").filter(|file| !file.is_test() && file.path != TABLE) {
        let code = file.code();
        for way in ["Router::new(", ".route(", ".nest(", ".route_service(", "leptos_routes"] {
            assert!(!code.contains(way), "{}: {way}…); routes stand in {TABLE}", file.path);
        }
    }
}

#[test]
fn every_server_function_stands_in_the_table() {
    let table = read(TABLE);
    let mut found = 0;
    for file in rust_in("app/src") {
        for (_, rest) in file.text.split("#[server").skip(1).map(|it| ((), it)) {
            let attribute = rest.split(")]").next().unwrap();
            let quoted = |name: &str| {
                let value = attribute.split(&format!("{name} = \"")).nth(1)?;
                value.split('"').next()
            };
            let endpoint = quoted("endpoint").unwrap_or_else(|| {
                panic!("{}: a server function has an endpoint of its own", file.path)
            });
            let path = format!("\"{}/{endpoint}\"", quoted("prefix").unwrap_or("/api"));
            assert!(table.contains(&path), "{}: {path} is not in {TABLE}", file.path);
            found += 1;
        }
    }
    let drawn = table.matches("\"/call/").count();
    assert_eq!(found, drawn, "a server function came or went");
}
