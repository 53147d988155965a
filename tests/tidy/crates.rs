//! Who may depend on whom, and what some crates must not reach however long the way.

use std::collections::BTreeSet;

use cargo_metadata::DependencyKind;

use crate::tree::{BROWSER, HOST, metadata, reached, root, rust_in};

/// The arrows of ARCHITECTURE.md. The tests and the build may depend on everything.
const ARROWS: &[(&str, &[&str])] = &[
    ("myrelay-bill-of-materials", &[]),
    ("myrelay-domain", &[]),
    ("myrelay-app", &["myrelay-domain"]),
    ("myrelay-browser", &["myrelay-app"]),
    ("myrelay-node-protocol", &["myrelay-domain"]),
    ("myrelay-agent", &["myrelay-domain", "myrelay-node-protocol"]),
    ("myrelay-fake-providers", &[]),
    ("myrelay-plugin-btcpay", &["myrelay-plugin-sdk"]),
    ("myrelay-plugin-email", &["myrelay-plugin-sdk"]),
    // Its tests only: `the_plugin_host_knows_no_sql_and_no_web_server` sees to that.
    ("myrelay-plugin-host", &["myrelay-fake-providers"]),
    ("myrelay-plugin-manual", &["myrelay-plugin-sdk"]),
    ("myrelay-plugin-package", &["myrelay-plugin-host"]),
    ("myrelay-plugin-sdk", &[]),
    ("myrelay-plugin-stripe", &["myrelay-plugin-sdk"]),
    ("myrelay-plugin-telegram", &["myrelay-plugin-sdk"]),
    (
        "myrelay-plugin-tools",
        &[
            "myrelay-bill-of-materials",
            // Its tests only.
            "myrelay-fake-providers",
            "myrelay-plugin-host",
            "myrelay-plugin-package",
        ],
    ),
    ("myrelay-plugin-webhook", &["myrelay-plugin-sdk"]),
    ("myrelay-sample-hostile", &["myrelay-plugin-sdk"]),
    ("myrelay-sample-notifier", &["myrelay-plugin-sdk"]),
    ("myrelay-sample-recipes", &["myrelay-plugin-sdk"]),
    (
        "myrelay-server",
        &[
            "myrelay-app",
            "myrelay-domain",
            // Its tests only.
            "myrelay-fake-providers",
            "myrelay-node-protocol",
            "myrelay-plugin-host",
            "myrelay-plugin-package",
            "myrelay-plugin-tools",
        ],
    ),
];
const ABOVE_ALL: [&str; 2] = ["myrelay-tests", "xtask"];

/// All that the domain is made with: none of it does anything but compute.
const PURE: [&str; 7] = ["base64", "ipnet", "serde", "sha2", "thiserror", "uuid", "zeroize"];

/// What does something by itself, as it stands in a source.
const DEEDS: [&str; 14] = [
    "async fn",
    "getrandom",
    "Instant::now",
    "now_v7",
    "new_v4",
    "println!",
    "std::env",
    "std::fs",
    "std::process",
    "std::thread",
    "SystemTime",
    "TcpStream",
    "tokio",
    "UdpSocket",
];

const DATABASES: [&str; 7] =
    ["diesel", "libsqlite3-sys", "rusqlite", "sqlx", "sqlx-core", "sqlx-postgres", "sqlx-sqlite"];
const WASM_RUNTIMES: [&str; 4] = ["wasmer", "wasmi", "wasmtime", "wasmtime-environ"];
const WEB_SERVERS: [&str; 4] = ["axum", "leptos", "leptos_axum", "tower-http"];

#[test]
fn crates_depend_only_along_the_arrows() {
    let metadata = metadata(HOST);
    let ours: BTreeSet<&str> =
        metadata.workspace_packages().iter().map(|package| package.name.as_str()).collect();
    let drawn = ARROWS.iter().map(|(name, _)| *name).chain(ABOVE_ALL).collect();
    assert_eq!(ours, drawn, "a crate came or went: draw its arrows here and in ARCHITECTURE.md");
    for package in metadata.workspace_packages() {
        let Some((name, allowed)) = ARROWS.iter().find(|(it, _)| *it == package.name.as_str())
        else {
            continue;
        };
        for dependency in &package.dependencies {
            let other = dependency.name.as_str();
            let fits = !ours.contains(other) || allowed.contains(&other);
            assert!(fits, "{name} must not depend on {other}");
        }
    }
}

#[test]
fn nothing_depends_on_the_portal() {
    let metadata = metadata(HOST);
    for package in metadata.workspace_packages() {
        let name = package.name.as_str();
        let depends = package.dependencies.iter().any(|it| it.name == "myrelay-server");
        assert!(!depends || ABOVE_ALL.contains(&name), "{name} must not depend on the portal");
    }
}

#[test]
fn the_domain_does_nothing_by_itself() {
    let metadata = metadata(HOST);
    let domain = metadata.packages.iter().find(|it| it.name.as_str() == "myrelay-domain").unwrap();
    for dependency in domain.dependencies.iter().filter(|it| it.kind == DependencyKind::Normal) {
        let name = dependency.name.as_str();
        assert!(PURE.contains(&name), "the domain is rules alone: what does it need {name} for?");
    }
    for file in rust_in("server/domain/src").chain(rust_in("node-agent/protocol/src")) {
        let code = file.code();
        for deed in DEEDS {
            assert!(!code.contains(deed), "{}: {deed} in a crate that only computes", file.path);
        }
    }
}

#[test]
fn the_pages_reach_no_database_and_no_wasm_runtime() {
    for platform in [HOST, BROWSER] {
        let metadata = metadata(platform);
        for name in ["myrelay-app", "myrelay-browser"] {
            let found = reached(metadata, name);
            for banned in DATABASES.iter().chain(&WASM_RUNTIMES) {
                assert!(!found.contains(*banned), "{name} reaches {banned} on {platform}");
            }
        }
    }
    let metadata = metadata(HOST);
    let app = metadata.packages.iter().find(|it| it.name.as_str() == "myrelay-app").unwrap();
    for dependency in &app.dependencies {
        let name = dependency.name.as_str();
        let runtime = ["tokio", "hyper", "axum", "rustls"].contains(&name);
        assert!(!runtime, "a page waits for nothing and serves nothing: no {name} in myrelay-app");
    }
}

#[test]
fn the_plugin_host_knows_no_sql_and_no_web_server() {
    let found = reached(metadata(HOST), "myrelay-plugin-host");
    for banned in DATABASES.iter().chain(&WEB_SERVERS) {
        assert!(!found.contains(*banned), "the plugin host reaches {banned}");
    }
    // A component that imports WASI is refused, so nothing here may implement it.
    assert!(!found.iter().any(|it| it.starts_with("wasmtime-wasi")), "the plugin host links WASI");
}

#[test]
fn the_browser_loads_no_part_of_a_server() {
    let tree = cargo_tree(&["--package", "myrelay-browser", "--target", BROWSER]);
    for banned in ["axum", "http", "hyper", "mio", "rustls", "socket2", "tokio"] {
        let found = tree.lines().any(|line| line.split(' ').next() == Some(banned));
        // Types of HTTP alone are small and do nothing.
        assert!(!found || banned == "http", "the browser part is built with {banned}");
    }
}

#[test]
fn the_agent_knows_no_accounts_and_no_money() {
    let found = reached(metadata(HOST), "myrelay-agent");
    for banned in DATABASES.iter().chain(&WASM_RUNTIMES).chain(&WEB_SERVERS) {
        assert!(!found.contains(*banned), "the agent reaches {banned}");
    }
    let words =
        ["AccountId", "OperatorId", "PlanId", "PlanLimits", "Password", "domain::plan", "invoice"];
    for file in rust_in("node-agent/src").chain(rust_in("node-agent/protocol/src")) {
        let code = file.code();
        // As words of their own: SSH has passwords too.
        let known: BTreeSet<&str> = crate::tree::words(&code).collect();
        for word in words {
            let found = known.contains(word) || (word.contains(':') && code.contains(word));
            assert!(!found, "{}: an agent does not know of {word}", file.path);
        }
    }
}

#[test]
fn the_agent_starts_no_process() {
    let ways = [
        "Command::new",
        "libc::exec",
        "libc::fork",
        "libc::system",
        "posix_spawn",
        "process::Command",
        "tokio::process",
    ];
    for file in rust_in("node-agent/src").filter(|file| !file.is_test()) {
        let code = file.code();
        for way in ways {
            assert!(!code.contains(way), "{}: {way}; talk to the kernel instead", file.path);
        }
    }
}

#[expect(clippy::disallowed_methods, reason = "asks Cargo, not the kernel")]
fn cargo_tree(arguments: &[&str]) -> String {
    let output = std::process::Command::new(env!("CARGO"))
        .args(["tree", "--locked", "--edges", "normal", "--prefix", "none"])
        .args(arguments)
        .current_dir(root())
        .output()
        .unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap()
}
